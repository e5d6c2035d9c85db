/**
 * A strict reader of the pages we write. It knows far less than HTML allows, so whatever a foreign string smuggles in, an element, an
 * attribute, a comment, a stray bracket, is refused.
 * @module
 */

export interface Element {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: (Element | string)[];
}

const VOID = new Set(['meta', 'br']);
const NAMES = new Set(
  (
    'html head meta title style body a div p span bdi code pre q blockquote strong small sup header footer main nav article section figure ' +
    'figcaption details summary dl dt dd ul ol li table caption thead tbody tr th td h1 h2 h3 h4 h5 h6 svg desc text rect line g br'
  ).split(' '),
);
const ATTRIBUTES = new Set(
  (
    'lang charset http-equiv content name class id href role tabindex scope data-name aria-labelledby aria-label viewBox x y x1 x2 y1 y2 ' +
    'width height text-anchor'
  ).split(' '),
);

/** @throws Error for anything but the elements, attributes and references that our pages use, well nested and quoted. */
export function parsePage(page: string): Element {
  if (!page.startsWith('<!doctype html>\n')) throw new Error('no doctype');
  const root: Element = { name: '#root', attributes: new Map(), children: [] };
  const open = [root];
  const tag = /<(\/?)([a-zA-Z0-9]+)((?:\s+[a-zA-Z0-9-]+="[^"<>]*")*)\s*(\/?)>/y;
  let at = '<!doctype html>\n'.length;
  while (at < page.length) {
    const top = open.at(-1)!;
    if (page[at] !== '<') {
      const end = page.indexOf('<', at);
      const raw = page.slice(at, end < 0 ? page.length : end);
      top.children.push(top.name === 'style' ? raw : decode(raw));
      at += raw.length;
      continue;
    }
    tag.lastIndex = at;
    const match = tag.exec(page);
    if (!match) throw new Error(`not one of our tags: ${page.slice(at, at + 80)}`);
    at = tag.lastIndex;
    const name = match[2]!;
    if (!NAMES.has(name)) throw new Error(`not one of our elements: ${name}`);
    if (match[1] === '/') {
      if (open.pop()!.name !== name || open.length === 0) throw new Error(`</${name}> closes ${top.name}`);
      continue;
    }
    const element: Element = { name, attributes: attributesOf(match[3]!), children: [] };
    top.children.push(element);
    if (!VOID.has(name) && match[4] !== '/') open.push(element);
  }
  if (open.length !== 1) throw new Error(`${open.at(-1)!.name} is not closed`);
  return root;
}

function attributesOf(text: string): Map<string, string> {
  const out = new Map<string, string>();
  for (const [, name, value] of text.matchAll(/([a-zA-Z0-9-]+)="([^"<>]*)"/g)) {
    if (!ATTRIBUTES.has(name!)) throw new Error(`not one of our attributes: ${name}`);
    if (out.has(name!)) throw new Error(`attribute ${name} stands twice`);
    out.set(name!, decode(value!));
  }
  return out;
}

const REFERENCES: { readonly [name: string]: string } = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

function decode(text: string): string {
  if (/[<>"]/.test(text.replaceAll('"', ''))) throw new Error(`unescaped markup in text: ${text.slice(0, 80)}`);
  return text.replaceAll(/&([^;]{0,8};)?/g, (whole, name: string | undefined) => {
    const found = REFERENCES[name?.slice(0, -1) ?? ''];
    if (found === undefined) throw new Error(`not one of our references: ${whole}`);
    return found;
  });
}

export function* walk(element: Element): Generator<Element> {
  yield element;
  for (const child of element.children) if (typeof child !== 'string') yield* walk(child);
}

export function textOf(element: Element): string {
  return element.children.map((child) => (typeof child === 'string' ? child : textOf(child))).join('');
}
