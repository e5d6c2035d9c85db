export type Literal = string | number | boolean | null | Literal[] | Map<string, Literal>;

/** Python literals without names, calls or operators; undefined when the text is anything else. */
export function parseLiteral(text: string): Literal | undefined {
  const tokens = text.match(/\s+|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|-?\d+L?|True|False|None|[{}()[\],:]|[^]/g) ?? [];
  const words = tokens.filter((token) => token.trim() !== '');
  let at = 0;
  const parse = (depth: number): Literal | undefined => {
    const word = words[at++];
    // A dtype nests a level per nested record; nobody nests ten.
    if (word === undefined || depth > 32) return undefined;
    if (word.length > 1 && (word[0] === "'" || word[0] === '"')) return word.slice(1, -1).replace(/\\(['"\\])/g, '$1');
    if (/^-?\d+L?$/.test(word)) return Number(word.replace('L', ''));
    if (word === 'True' || word === 'False') return word === 'True';
    if (word === 'None') return null;
    if (word === '{') return parseDict(depth);
    return word === '(' || word === '[' ? parseItems(word === '(' ? ')' : ']', depth) : undefined;
  };
  const parseItems = (close: string, depth: number): Literal[] | undefined => {
    const items: Literal[] = [];
    while (words[at] !== close) {
      const item = parse(depth + 1);
      if (item === undefined) return undefined;
      items.push(item);
      if (words[at] === ',') at++;
      else if (words[at] !== close) return undefined;
    }
    at++;
    return items;
  };
  const parseDict = (depth: number): Map<string, Literal> | undefined => {
    const out = new Map<string, Literal>();
    while (words[at] !== '}') {
      const key = parse(depth + 1);
      if (typeof key !== 'string' || words[at++] !== ':' || out.has(key)) return undefined;
      const value = parse(depth + 1);
      if (value === undefined) return undefined;
      out.set(key, value);
      if (words[at] === ',') at++;
      else if (words[at] !== '}') return undefined;
    }
    at++;
    return out;
  };
  const value = parse(0);
  return at === words.length ? value : undefined;
}
