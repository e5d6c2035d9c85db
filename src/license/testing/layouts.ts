/** What happens to a license text on its way into a file: wrappers, encodings, converters. Each leaves every word in place. */

/** Lines of at most `width` characters. */
export function reflow(text: string, width: number): string {
  return text
    .split(/\n\s*\n/)
    .map((paragraph) => {
      const lines: string[] = [''];
      for (const word of paragraph.trim().split(/\s+/))
        if (lines.at(-1) !== '' && lines.at(-1)!.length + word.length >= width) lines.push(word);
        else lines[lines.length - 1] = `${lines.at(-1)} ${word}`.trim();
      return lines.join('\n');
    })
    .join('\n\n');
}

const eachLine = (text: string, change: (line: string, k: number) => string): string => text.split('\n').map(change).join('\n');
const html = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** Words broken at line ends, as a typesetter does. */
function hyphenate(text: string): string {
  let k = 0;
  return reflow(text, 64).replaceAll(/ ([a-z]{5})([a-z]{4,}),?\n/g, (whole, a: string, b: string) =>
    k++ % 2 === 0 ? ` ${a}-\n${b}${whole.includes(',') ? ',' : ''} ` : whole,
  );
}

/** Pages of 30 lines, each with a running head, a foot and a number. */
function pages(text: string): string {
  const lines = text.split('\n');
  const out: string[] = [];
  for (let k = 0, page = 1; k < lines.length; k += 30, page++)
    out.push(
      'Acme Corporation Legal Documents',
      '',
      ...lines.slice(k, k + 30),
      '',
      `Page ${page} of ${Math.ceil(lines.length / 30)}`,
      '\f',
    );
  return out.join('\n');
}

/** Pages of two columns, as `pdftotext -layout` gives them. */
function columns(text: string): string {
  // Chinese has no blanks to break a line at.
  const lines = reflow(text, 48)
    .split('\n')
    .flatMap((line) => line.match(/.{1,48}/gu) ?? ['']);
  const out: string[] = [];
  for (let k = 0; k < lines.length; k += 100) {
    const page = lines.slice(k, k + 100);
    const half = Math.ceil(page.length / 2);
    for (let row = 0; row < half; row++) out.push(`${page[row]!.padEnd(52)}${page[half + row] ?? ''}`.trimEnd());
    out[out.length - 1] += '\f';
  }
  return out.join('\n').replaceAll('\f\n', '\f');
}

export const LAYOUTS: Readonly<Record<string, (text: string) => string>> = {
  'reflowed to 40 columns': (t) => reflow(t, 40),
  'on one line': (t) => t.replaceAll(/\s+/g, ' '),
  'with CRLF': (t) => t.replaceAll('\n', '\r\n'),
  'in a C comment': (t) => `/*\n${eachLine(reflow(t, 70), (l) => ` * ${l}`)}\n */\nint main() { return 0; }\n`,
  'in // comments': (t) => eachLine(reflow(t, 70), (l) => `// ${l}`),
  'in # comments': (t) => eachLine(reflow(t, 70), (l) => `# ${l}`),
  'in ;; comments': (t) => eachLine(reflow(t, 70), (l) => `;; ${l}`),
  'in -- comments': (t) => eachLine(reflow(t, 70), (l) => `-- ${l}`),
  'in dnl comments': (t) => eachLine(reflow(t, 70), (l) => `dnl ${l}`),
  'in an HTML comment': (t) => `<!--\n${t}\n-->\n<html><body>x</body></html>`,
  'as an HTML page': (t) =>
    `<!DOCTYPE html><html><head><title>License</title></head><body>${t
      .split(/\n\s*\n/)
      .map((p) => `<p style="margin:1em">${html(p).replaceAll('\n', '<br>')}</p>`)
      .join('\n')}</body></html>`,
  'as Markdown with a quote': (t) => eachLine(t, (l) => `> ${l}`),
  'in a fenced block': (t) => `\`\`\`text\n${t}\n\`\`\`\n`,
  'in a pretty JSON object': (t) =>
    JSON.stringify({ name: 'x', version: '1', a: [1, 2, 3], licenseText: t, more: { b: 1, c: 2 } }, null, 2),
  'in escaped JSON': (t) =>
    JSON.stringify({ license: t.replaceAll('"', '“') }).replaceAll(
      /[^\x00-\x7f]/g,
      (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
    ),
  'as a folded YAML value': (t) => `name: x\nlicense_text: >-\n${eachLine(reflow(t, 72), (l) => `  ${l}`)}\nversion: 1\n`,
  'as a literal YAML value': (t) => `license: |\n${eachLine(t, (l) => `    ${l}`)}\n`,
  'with line numbers': (t) => eachLine(reflow(t, 72), (l, k) => `${String(k + 1).padStart(4)}  ${l}`),
  'hyphenated at line ends': hyphenate,
  'with ligatures': (t) => t.replaceAll('ffi', 'ﬃ').replaceAll('fi', 'ﬁ').replaceAll('fl', 'ﬂ'),
  'with heads and page numbers': (t) => pages(reflow(t, 80)),
  'in two columns': columns,
  'in full-width letters': (t) => t.replace(/[!-~]/g, (c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0)),
  'with soft hyphens and no-break spaces': (t) =>
    t.replaceAll('tion', 'ti\u00adon').replaceAll(' of ', '\u00a0of\u00a0').replaceAll(' and ', ' and\u200b '),
  'with curly quotes and dashes': (t) =>
    t
      .replaceAll(/"([^"]*)"/g, '“$1”')
      .replaceAll("'", '’')
      .replaceAll(' - ', ' — '),
  'in upper case': (t) => t.toUpperCase(),
};
