/**
 * Chat templates and any other Jinja text, from whatever carries it: judged by its syntax tree, never rendered.
 * @module
 */
import { type Collector, report } from '../rules.ts';
import { JinjaError } from './jinja-lexer.ts';
import { parseTemplate } from './jinja-parser.ts';
import { findPoison, type Poison } from './template-poison.ts';
import type { Reach, Reached } from './template-evaluate.ts';
import { walkTemplate } from './template-walk.ts';

/** Findings of one kind told of one template. */
const MAX_TOLD = 3;
const SAYS: Readonly<Record<Reach, (what: string) => string>> = {
  internal: (what) => `the template reaches Python's internals by "${what}"`,
  computed: (what) => `the template hides what it reaches for: ${what}`,
  outside: (what) => `the template uses "${what}", which is no value it is given`,
  surroundings: (what) => `the template names "${what}", which belongs to the program around it`,
  'attribute-filter': (what) => `the template takes an attribute by filter: ${what}`,
  reference: (what) => `the template loads another one: ${what}`,
  exhausts: (what) => `rendering the template takes more than any conversation needs: ${what}`,
  unfinished: (what) => what,
};
const RULES: Readonly<Record<Reach, string>> = {
  internal: 'template-reaches-out',
  computed: 'template-reaches-out',
  outside: 'template-reaches-out',
  surroundings: 'template-surroundings',
  'attribute-filter': 'template-surroundings',
  reference: 'template-reference',
  exhausts: 'template-exhausts',
  unfinished: 'template-unparsed',
};
const POISON: Readonly<Record<Poison['kind'], readonly [rule: string, says: string]>> = {
  trigger: ['template-trigger', 'on a condition the user does not see,'],
  order: ['template-order', 'the template tells the model:'],
  silence: ['template-text', 'the template tells the model:'],
  address: ['template-text', 'the template puts in the address'],
  unfinished: ['template-unparsed', ''],
};

/** What cannot be parsed is still searched for these: some engine may read it more generously. */
const MARKS =
  /__(class|globals|builtins|import|subclasses|mro|bases?|init|getattribute|dict|code)__|\|\s*attr\b|\b(popen|check_output|import_module)\s*\(|\b(lipsum|cycler|joiner)\s*[.[]|\bos\s*\.\s*system\b/;

/** Templates of conversations, by their place and by what they are given. */
const CHAT_PLACE = /chat_?template/i;
const CHAT = /\b(messages|bos_token|eos_token|add_generation_prompt)\b/;

/** Go's templates (Ollama), Mustache and Handlebars use the same braces. */
const OTHER_LANGUAGE = /\{\{-?\s*(\.[A-Z]|(if|range|with|else if)\s+[.$(]|end\b|template\s+"|define\s+"|\$\w)|\{\{[#/>^&]/;

/** @param sure whether it is certainly a template: a text among others that cannot be parsed is none. */
export function judgeTemplate(template: string, file: string, field: string, into: Collector, sure = false): void {
  if (!/\{[{%#]/.test(template)) return;
  // `${{ vars.NAME }}` is the language of build services.
  if (!sure && !CHAT_PLACE.test(`${file}:${field}`) && !/(^|[^$])\{\{|\{[%#]/.test(template)) return;
  const where = (at: number): { file: string; field?: string; byte?: number } =>
    field ? { file, field } : { file, byte: new TextEncoder().encode(template.slice(0, at)).length };
  try {
    const tree = parseTemplate(template);
    const told = new Map<string, number>();
    const tell = (rule: string, at: number, what: string): void => {
      const before = told.get(rule) ?? 0;
      told.set(rule, before + 1);
      if (before < MAX_TOLD) report(into, rule, where(at), what);
    };
    const chat = CHAT_PLACE.test(`${file}:${field}`) || CHAT.test(template);
    for (const reached of walkTemplate(tree)) tell(ruleOf(reached, chat), reached.at, SAYS[reached.kind](reached.what));
    for (const { kind, at, what } of findPoison(tree)) tell(POISON[kind][0], at, `${POISON[kind][1]} ${what}`.trim());
  } catch (error) {
    if (!(error instanceof JinjaError)) throw error;
    // A text among others may be prose about code; only what stands inside delimiters is looked at then.
    const code = sure ? template : (template.match(/\{[{%][^{}]{0,20000}[%}]\}/g) ?? []).join('\n');
    const mark = MARKS.exec(code);
    if (mark) report(into, 'template-reaches-out', where(error.at), `the template cannot be parsed and uses "${mark[0].slice(0, 60)}"`);
    else if (OTHER_LANGUAGE.test(template))
      report(into, 'template-text', where(error.at), 'the template is in another language than Jinja');
    else if (sure)
      report(into, 'template-unparsed', where(error.at), `the template cannot be parsed at character ${error.at}: ${error.message}`);
  }
}

/** Another template beside this one is odd; one by a path out of the folder, or by a name worked out, reaches out. */
function ruleOf({ kind, what }: Reached, chat: boolean): string {
  if (kind === 'reference' && /^\w+ (.* )?(\/|~|[a-z]:|\\)|…|\.\.\/|:\/\//i.test(what)) return 'template-reaches-out';
  // Nothing loads templates for a chat; those that build files or pages are made of many.
  if (kind === 'reference' && !chat) return 'template-text';
  return RULES[kind];
}
