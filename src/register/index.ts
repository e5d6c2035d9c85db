/** The models we know, on disk, and the use-cases over them. */
export { defaultRegisterDir } from './default-dir.ts';
export { openRegister, type Register, type RegisteredModels, type RegisterOptions } from './register.ts';
export { type AddResult, type NewEntry, type RegisterEntry, RegisterError, type RegisterErrorCode, type RegisterListing } from './types.ts';
