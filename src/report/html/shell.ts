/**
 * What every page of ours stands in: one style sheet, no script, no request, and what a report does not say.
 * @module
 */
import { sha256 } from '../../base/index.ts';
import { type Html, markup, own } from './markup.ts';
import { STYLE } from './style.ts';

export interface Shell {
  /** Cleaned. */
  readonly title: string;
  readonly header: Html;
  readonly main: Html;
  /** Name and version of the program. */
  readonly tool?: string;
  /** Beside the common style sheet. */
  readonly style?: Html;
}

/** A whole page; its content security policy allows its own style sheet only. */
export function shell({ title, header, main, tool, style }: Shell): string {
  const sheet = style ? markup`${STYLE}${style}` : STYLE;
  return markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'sha256-${own(base64(sha256(new TextEncoder().encode(String(sheet)))))}'; base-uri 'none'; form-action 'none'"
        />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <style>${sheet}</style>
      </head>
      <body>
        <a class="skip" href="#main">To the report</a>
        <div class="page">
          ${header}
          <main id="main">${main}</main>
          <footer class="quiet small">
            <p>
              ${tool === undefined ? '' : `Made by ${tool}.`} The page is complete in itself: it loads nothing and runs nothing.
              Characters that would not be seen, or would reorder a line, are shown as their code points in a frame.
            </p>
            <p>
              A report states what was measured in files, and what was not. It does not say who acted, or whether it was allowed: that is
              for people to decide.
            </p>
          </footer>
        </div>
      </body>
    </html> `.toString();
}

/** As a POSIX shell takes it for one word. */
export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) && !text.startsWith('-') ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
