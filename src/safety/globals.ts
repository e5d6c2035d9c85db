/**
 * What an imported name is good for: the allow-list decides, the deny-list names the danger.
 * @module
 */
import type { Rulebook } from './rules.ts';

export type Judged =
  | { readonly tier: 'data' }
  | { readonly tier: 'dangerous' | 'code'; readonly what: string }
  | { readonly tier: 'library'; readonly what: string; readonly texts: boolean; readonly named: boolean }
  | { readonly tier: 'unknown' };

/**
 * @param module and `name` as the pickle spells them; Python 2 names are mapped as `fix_imports` does.
 * @param torchscript whether the pickle belongs to a TorchScript archive, whose own classes it may name.
 */
export function judgeGlobal(book: Rulebook, module: string, name: string, torchscript: boolean): Judged {
  const { allowed, denied } = book;
  const own = own3(module.trim(), denied.renamed);
  const path = pathOf(book, module, name);
  const simple = !name.includes('.');
  // The allow-list names single things, the deny-list whole modules: `http.HTTPStatus` opens no connection.
  if (simple && Object.hasOwn(allowed.data, own) && allowed.data[own]!.includes(name.trim())) return { tier: 'data' };
  const danger = dangerOf(denied, path);
  if (danger) return { tier: 'dangerous', what: danger };
  if (Object.hasOwn(denied.code, own) && denied.code[own]!.includes(name))
    return { tier: 'code', what: 'rebuilds a function or class from bytes in the file' };
  // A dotted name walks attributes: `__class__` and the like lead from any object to all of Python.
  if (/(^|\.)__(?!torch__|main__)\w+__(\.|$)/.test(path)) return { tier: 'dangerous', what: 'reaches into Python internals' };
  for (const library of allowed.libraries) {
    if ((library.only === 'torchscript' && !torchscript) || (library.not && new RegExp(library.not).test(own))) continue;
    const inside = library.module.endsWith('.')
      ? own.startsWith(library.module)
      : own === library.module || own.startsWith(`${library.module}.`);
    if (inside && simple && new RegExp(library.name).test(name))
      return { tier: 'library', what: library.what, texts: library.texts ?? false, named: library.named ?? false };
  }
  return { tier: 'unknown' };
}

/** Whether names of this top module pass as data or as a library's: a file that takes its place would be believed. */
export function isListedModule({ allowed }: Rulebook, module: string): boolean {
  const listed = [...Object.keys(allowed.data), ...allowed.libraries.map((library) => library.module)];
  return listed.some((one) => one === module || one.startsWith(`${module}.`));
}

/** `module.name` as Python 3 calls it. */
export function pathOf(book: Rulebook, module: string, name: string): string {
  return `${own3(module.trim(), book.denied.renamed)}.${name.trim()}`;
}

function own3(module: string, renamed: Readonly<Record<string, string>>): string {
  return Object.hasOwn(renamed, module) ? renamed[module]! : module;
}

/** Why a dotted path is dangerous, or null: every beginning of it may be a listed module or name. */
export function dangerOf(denied: Rulebook['denied'], path: string): string | null {
  const parts = path.split('.');
  for (let n = 1; n <= Math.min(parts.length, 12); n++) {
    const head = parts.slice(0, n).join('.');
    const last = parts[n - 1]!;
    const before = parts.slice(0, n - 1).join('.');
    if (Object.hasOwn(denied.modules, head)) return denied.modules[head]!;
    if (Object.hasOwn(denied.names, before) && Object.hasOwn(denied.names[before]!, last)) return denied.names[before]![last]!;
    // `pathlib` + `os.system`: a module reached through another module's attribute.
    if (
      n > 1 &&
      Object.hasOwn(denied.modules, last) &&
      /^(os|posix|nt|subprocess|sys|importlib|builtins|socket|shutil|pty|ctypes)$/.test(last)
    )
      return denied.modules[last]!;
  }
  return null;
}
