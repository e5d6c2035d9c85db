"""Writes safetensors-digests.json: SHA-256 of the values, widened to float32 by NumPy, of every tensor of the safetensors files at hand.

Development only; never run by the tests:
    python3 src/weights/testing/safetensors-digests.py ../shared > src/weights/testing/safetensors-digests.json
The container is read here with the standard library alone; per file, one digest over all tensors in order of name.
"""
import glob, hashlib, json, os, struct, sys
import numpy as np

shared = sys.argv[1]
KINDS = {'F32': '<f4', 'F16': '<f2', 'F64': '<f8', 'I64': '<i8', 'I32': '<i4'}


def widened(kind, raw):
    if kind == 'BF16':
        return (np.frombuffer(raw, '<u2').astype('<u4') << 16).view('<f4')
    return np.frombuffer(raw, KINDS[kind]).astype('<f4')


out = {}
for path in sorted(glob.glob(shared + '/*-corpus/*/*.safetensors')):
    data = open(path, 'rb').read()
    try:
        (length,) = struct.unpack('<Q', data[:8])
        header = json.loads(data[8 : 8 + length])
        hasher, count = hashlib.sha256(), 0
        for name in sorted(k for k in header if k != '__metadata__'):
            at = [8 + length + x for x in header[name]['data_offsets']]
            hasher.update(name.encode() + b'\0' + widened(header[name]['dtype'], data[at[0] : at[1]]).tobytes())
            count += 1
        out[os.path.relpath(path, shared)] = [count, hasher.hexdigest()]
    except Exception:
        continue
for name in list(out):
    if name.startswith('safety-corpus'):
        del out[name]
json.dump({'made': 'safetensors-digests.py with numpy ' + np.__version__, 'files': out}, sys.stdout, indent=0)
print()
