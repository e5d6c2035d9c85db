/**
 * Names by which a template leaves the values it was given. Sources: CVE-2024-34359, CVE-2026-5760; the escapes that Jinja's own
 * sandbox refuses (jinja2.sandbox, UNSAFE_*_ATTRIBUTES); Flask's template globals.
 * @module
 */
import { GAP } from './jinja-values.ts';

/** Attributes of Python's objects, functions, frames and code. */
const INTERNAL =
  /^(__\w+__|mro|func_(globals|code|closure|defaults|dict)|im_(func|self|class)|(gi|cr|ag)_(frame|code|running|await|yieldfrom|origin)|f_(globals|builtins|locals|back|code)|tb_(frame|next|lasti)|co_(code|consts|names|filename)|_TemplateReference__context|_Cycler__\w+|_module)$/;
/** The middle of such a name, where the underscores around it could not be worked out. */
const CORE =
  /^(class|globals|builtins|subclasses|init|mro|base|bases|import|getattribute|getitem|dict|code|call|reduce|reduce_ex|module|loader|spec|self|func|closure|qualname|doc)$/;
/** Functions that start programs, import or evaluate; nothing a template is given has them. */
const CALLED =
  /^(popen\d?|system|Popen|check_output|check_call|getoutput|getstatusoutput|import_module|exec[lv]p?e?|spawn[lv]p?e?|fork|forkpty|eval|exec|execfile|load_module|exec_module|run_path|run_module|subclasses|from_pyfile|from_object|from_envvar)$/;
/** Python's modules by their usual names. */
const MODULES =
  /^(os|sys|subprocess|builtins|importlib|shutil|socket|pty|ctypes|posix|nt|marshal|pickle|codecs|platform|commands|multiprocessing)$/;
/** What a web application or Jinja itself puts beside a template's values. */
const SURROUNDINGS =
  /^(request|config|session|g|current_app|url_for|get_flashed_messages|lipsum|self|environ|cycler|joiner|namespace|_self)$/;
/** Of these, what every template may call. */
const CALLABLE = /^(cycler|joiner|namespace|lipsum)$/;
/** Python's builtins; Jinja has none of them. */
const BUILTINS = /^(eval|exec|compile|open|getattr|setattr|delattr|globals|locals|vars|breakpoint|execfile|input|__import__|__builtins__)$/;

export function isInternal(name: string): boolean {
  if (INTERNAL.test(name)) return true;
  if (!name.includes(GAP)) return false;
  const core = new RegExp(`^[${GAP}_]+([a-z_]*?)[${GAP}_]+$`).exec(name);
  return !!core && CORE.test(core[1]!);
}
export function isCalledDanger(name: string): boolean {
  return CALLED.test(name);
}
export function isPythonRoot(name: string): boolean {
  return MODULES.test(name) || BUILTINS.test(name) || /^__\w+__$/.test(name);
}
export function isBuiltinCall(name: string): boolean {
  return BUILTINS.test(name);
}
/** Builtins that no template has as a value of its own, called or not. */
export function isEvaluator(name: string): boolean {
  return /^(eval|exec|execfile|getattr|setattr|delattr|__import__)$/.test(name);
}
export function isSurrounding(name: string): boolean {
  return SURROUNDINGS.test(name);
}
export function isCallable(name: string): boolean {
  return CALLABLE.test(name);
}
