"""Writes pickled-digests.json: SHA-256 of every tensor of the PyTorch and NumPy files at hand, by another implementation.

Development only; never run by the tests. Needs Debian's python3-torch (1.13) and python3-numpy (1.24):
    /usr/bin/python3 src/weights/testing/pickled-digests.py ../shared > src/weights/testing/pickled-digests.json
PyTorch files go through torch.load(weights_only=True), and where that old release refuses (protocol 4, NumPy scalars, whole
modules) through an unpickler that admits a short list of names; object arrays through the same. Digests are of the values in row-major order, little-endian, in the stored type.
"""
import csv, hashlib, io, json, os, pickle, sys, zipfile
import warnings
import numpy as np
import torch

warnings.simplefilter('ignore')
shared = sys.argv[1]
ALLOWED = {('numpy.core.multiarray', '_reconstruct'), ('numpy', 'ndarray'), ('numpy', 'dtype'), ('numpy.core.multiarray', 'scalar'),
           ('collections', 'OrderedDict'), ('_codecs', 'encode'), ('numpy._core.multiarray', '_reconstruct'), ('numpy._core.multiarray', 'scalar')}


REBUILD = {'_rebuild_tensor', '_rebuild_tensor_v2', '_rebuild_parameter'}


class Restricted(pickle.Unpickler):
    def find_class(self, module, name):
        storage = module == 'torch' and name.endswith('Storage')
        layer = module.startswith('torch.nn.modules.') and name[0].isupper() and '.' not in name
        if not ((module, name) in ALLOWED or storage or layer or (module == 'torch._utils' and name in REBUILD) or (module, name) == ('torch', 'Size')):
            raise pickle.UnpicklingError(f'{module}.{name} is not admitted')
        return super().find_class(module.replace('numpy._core', 'numpy.core'), name)


class RestrictedModule:
    Unpickler = Restricted

    @staticmethod
    def load(f, **kwargs):
        return Restricted(f, **kwargs).load()


def digest(value):
    if isinstance(value, torch.Tensor):
        if value.layout != torch.strided or value.is_quantized:
            return None
        dtype = str(value.dtype).replace('torch.', '')
        shape = list(value.shape)
        value = value.detach().contiguous()
        if value.dtype == torch.bfloat16:
            value = value.view(torch.int16)
        value = value.numpy()
    else:
        if value.dtype.kind not in 'fiubc' or value.dtype.itemsize > 16 or (value.dtype.kind == 'f' and value.dtype.itemsize > 8):
            return None
        dtype, shape = value.dtype.newbyteorder('=').name, list(value.shape)
    data = np.ascontiguousarray(value).reshape(-1)
    return [dtype, shape, hashlib.sha256(data.astype(data.dtype.newbyteorder('<')).tobytes()).hexdigest()]


def walk(value, path, out):
    if isinstance(value, np.ndarray) and value.dtype == object:
        if value.shape == ():
            walk(value.item(), path, out)
        else:
            for i, item in enumerate(value.reshape(-1)):
                walk(item, path + [str(i)], out)
    elif isinstance(value, (torch.Tensor, np.ndarray)):
        one = digest(value)
        if one:
            out.append(['.'.join(path), *one])
    elif isinstance(value, dict):
        for key, item in value.items():
            walk(item, path + [str(key)], out)
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            walk(item, path + [str(i)], out)


def load_npy(data):
    f = io.BytesIO(data)
    version = np.lib.format.read_magic(f)
    shape, fortran, dtype = np.lib.format._read_array_header(f, version)
    if dtype.hasobject:
        return Restricted(f, encoding='latin1').load()
    count = int(np.prod(shape, dtype=np.int64))
    array = np.frombuffer(f.read(count * dtype.itemsize), dtype=dtype, count=count)
    return array.reshape(shape[::-1]).T if fortran else array.reshape(shape)


def load(path):
    data = open(path, 'rb').read()
    out = []
    if data[:6] == b'\x93NUMPY':
        walk(load_npy(data), [], out)
    elif data[:2] == b'PK' and any(n.endswith('.npy') for n in zipfile.ZipFile(path).namelist()):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith('.npy'):
                    walk(load_npy(archive.read(name)), [name[:-4]], out)
    else:
        try:
            value = torch.load(path, map_location='cpu', weights_only=True)
        except pickle.UnpicklingError:
            value = torch.load(path, map_location='cpu', pickle_module=RestrictedModule)
        walk(value.state_dict() if isinstance(value, torch.nn.Module) else value, [], out)
    return out


files = []
for folder, _, names in os.walk(os.path.join(shared, 'real-models')):
    files += [os.path.join(folder, n) for n in names if n.endswith(('.th', '.pth', '.pt', '.tar', '.npy', '.npz'))]
files.append(os.path.join(shared, 'lineage-corpus/a-chain3/pytorch_model.bin'))
for row in csv.DictReader(open(os.path.join(shared, 'safety-corpus/labels.csv'))):
    if row['label'] == 'benign' and row['format'] in ('torch-zip', 'torch-legacy/raw', 'npy', 'npz'):
        files.append(os.path.join(shared, 'safety-corpus', row['file']))

result = {}
for path in sorted(files):
    name = os.path.relpath(path, shared)
    try:
        result[name] = {'tensors': load(path)}
    except Exception as error:
        result[name] = {'refused': f'{type(error).__name__}: {str(error)[:160]}'.replace(chr(10), ' ')}
json.dump({'made': 'pickled-digests.py with torch ' + torch.__version__ + ', numpy ' + np.__version__, 'files': result}, sys.stdout, indent=0)
