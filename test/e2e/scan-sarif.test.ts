import { Ajv } from 'ajv';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { heirloom, ROOT, scratch, shared } from './cli.ts';

const dir = scratch();
const bad = join(dir, 'a model.pkl');
writeFileSync(bad, "cposix\nsystem\n(S'true'\ntR.");
const clean = join(dir, 'config.json');
writeFileSync(clean, '{"model_type": "llama"}');

/** Of draft 4, of which it uses nothing that later drafts changed but the name of its own address. */
const {
  $schema: _,
  id: __,
  ...schema
} = JSON.parse(readFileSync(join(ROOT, 'test/data/sarif-2.1.0.json'), 'utf8')) as {
  $schema: string;
  id: string;
};
const formats = {
  uri: /^[a-z][a-z0-9+.-]*:[^\s\\^<>"{}|`]+$/i,
  'uri-reference': /^[^\s\\^<>"{}|`]*$/,
  'date-time': true as const,
  uuid: true as const,
};
const valid = new Ajv({ strict: false, allErrors: true, formats }).compile(schema);

test('heirloom scan --sarif gives each finding its rule, place and evidence, and says when something could not be read', async () => {
  const { code, json } = await heirloom(['scan', bad, clean, '--sarif']);
  expect(code).toBe(1);
  const [run] = json().runs;
  expect(json().version).toBe('2.1.0');
  expect(run.invocations).toEqual([{ executionSuccessful: true, toolExecutionNotifications: [] }]);
  const [result] = run.results;
  expect(run.tool.driver.rules[result.ruleIndex]).toMatchObject({ id: result.ruleId, shortDescription: { text: expect.any(String) } });
  expect(result).toMatchObject({
    ruleId: 'safety/pickle-dangerous-global',
    level: 'error',
    properties: { tier: 'malicious', callable: 'posix.system' },
  });
  const { artifactLocation, region } = result.locations[0].physicalLocation;
  expect(artifactLocation.uri).toMatch(/^file:\/\/.*\/a%20model\.pkl$/);
  expect(region.byteOffset).toBeGreaterThanOrEqual(0);

  const missing = await heirloom(['scan', clean, join(dir, 'none'), '--sarif']);
  expect(missing.code).toBe(2);
  expect(missing.json().runs[0].invocations[0]).toMatchObject({
    executionSuccessful: false,
    toolExecutionNotifications: [{ level: 'error' }],
  });
});

test('paths below the folder that the scan is run in are relative to it, however they were given', async () => {
  for (const given of ['.', './', dir, bad, './a model.pkl']) {
    const { json } = await heirloom(['scan', given, '--sarif'], { cwd: dir });
    expect(json().runs[0].results[0].locations[0].physicalLocation.artifactLocation.uri, given).toBe('a%20model.pkl');
  }
});

test('a log of every kind of finding keeps to the schema of SARIF 2.1.0 and has what code hosts ask for', async () => {
  const policy = join(dir, 'policy.json');
  const allow = [{ callable: 'a.b', reason: 'ours', expires: '2020-01-01' }];
  writeFileSync(policy, JSON.stringify({ schema: 'heirloom-policy/1', denyFormats: ['pickle'], allow }));
  const { json } = await heirloom(['scan', shared('safety-corpus'), join(dir, 'none'), '--policy', policy, '--sarif']);
  expect(valid(json()) ? [] : valid.errors).toEqual([]);
  const [{ results, tool }] = json().runs;
  expect(results.length).toBeGreaterThan(300);
  for (const { id, fullDescription, help, defaultConfiguration, properties } of tool.driver.rules) {
    expect(help.markdown, id).toContain(`# \`${id}\``);
    expect(fullDescription.text.length, id).toBeLessThanOrEqual(1024);
    if (defaultConfiguration.level !== 'note') expect(Number(properties['security-severity']), id).toBeGreaterThan(0);
  }
  const fingerprints = new Set<string>();
  for (const { locations, message, partialFingerprints } of results) {
    expect(message.text).toMatch(/\S/);
    expect(locations[0].physicalLocation.artifactLocation.uri).toMatch(/\S/);
    fingerprints.add(partialFingerprints.primaryLocationLineHash);
  }
  expect(fingerprints.size).toBe(results.length);
});
