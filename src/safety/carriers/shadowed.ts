/** Names of modules that come with Python or that model code imports: a file of that name in a repository takes their place. @module */

// prettier-ignore
export const SHADOWED: ReadonlySet<string> = new Set(
  ('abc argparse array ast asyncio base64 bisect builtins bz2 calendar codecs collections configparser contextlib copy copyreg csv ctypes dataclasses datetime ' +
  'decimal difflib dis email encodings enum errno fnmatch fractions functools gc getpass glob gzip hashlib heapq hmac html http importlib inspect io ipaddress ' +
  'itertools json keyword linecache locale logging lzma marshal math mimetypes mmap multiprocessing numbers operator os pathlib pickle pkgutil platform posixpath ' +
  'pprint queue random re reprlib secrets select shelve shlex shutil signal site socket sqlite3 ssl stat string struct subprocess sys sysconfig tarfile tempfile ' +
  'textwrap threading time tokenize token traceback types typing unicodedata unittest urllib uuid warnings weakref xml zipfile zipimport zlib ' +
  'torch torchvision torchaudio numpy scipy sklearn joblib pandas tensorflow keras jax flax transformers diffusers safetensors tokenizers huggingface_hub accelerate ' +
  'peft datasets onnx onnxruntime gguf llama_cpp vllm sentence_transformers bitsandbytes einops timm PIL cv2 matplotlib yaml requests tqdm packaging regex filelock ' +
  'fsspec jinja2 protobuf sentencepiece tiktoken dill cloudpickle h5py triton xformers').split(' '),
);
