import type { NewHasher, Watch } from '../base/index.ts';
import { digestHeader, digestModel, type Model } from '../model/index.ts';

/** Models up to this size are hashed whole; above, the digest covers headers and says so. */
const WHOLE_DIGEST_BYTES = 64 << 20;

/** The model's digest: whole when small, of its headers when large. */
export async function subjectDigest(model: Model, options: { newHasher: NewHasher } & Watch): Promise<{ value: string; covers: string }> {
  const size = model.files.reduce((sum, file) => sum + file.size, 0);
  if (size <= WHOLE_DIGEST_BYTES) {
    const { model: value, tensors } = await digestModel(model, options.newHasher, options);
    return { value, covers: tensors.length > 0 ? 'all tensor values' : 'all files' };
  }
  return { value: digestHeader(model), covers: 'names, types, shapes and sizes of tensors; values were not read whole' };
}
