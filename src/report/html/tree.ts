/**
 * Families of models as one page: a drawing of each, and the same as tables for readers without eyes for drawings.
 * @module
 */
import type { FamilyTree } from '../../assess/index.ts';
import { sha256 } from '../../base/index.ts';
import type { Family } from '../../lineage/index.ts';
import { clean } from '../text.ts';
import { CLAIM_MARKS, edgeWords, groundsWords, LINK_WORDS } from '../tree-rows.ts';
import { capital, counted, sentence } from '../words.ts';
import { mark } from './lineage.ts';
import { type Child, code, foreign, formula, heading, type Html, markup, NOTHING, own, table } from './markup.ts';
import { STYLE } from './style.ts';
import { familyDrawing, TREE_STYLE } from './tree-drawing.ts';

/** Self-contained, without script; the same graph gives the same bytes. */
export function renderTreeHtml(tree: FamilyTree): string {
  const style = markup`${STYLE}${TREE_STYLE}`;
  const title = `${counted(tree.models.length, 'model')} and how they are related`;
  const page = markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'sha256-${own(btoa(String.fromCharCode(...sha256(new TextEncoder().encode(String(style))))))}'; base-uri 'none'; form-action 'none'"
        />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <style>${style}</style>
      </head>
      <body>
        <a class="skip" href="#main">To the drawing</a>
        <div class="page">
          <header>
            <p class="eyebrow">Heirloom tree</p>
            <h1>${capital(title)}</h1>
            <p>${summary(tree)}</p>
          </header>
          <main id="main">
            ${tree.families.map((family, i) => familySection(family, tree, `f${i + 1}`))} ${singleSection(tree)} ${linkSection(tree)}
            ${claimSection(tree)} ${modelSection(tree)}
          </main>
          <footer class="quiet small">
            <p>What this does not show:</p>
            <ul>
              ${tree.limits.map((limit) => markup`<li>${sentence(limit)}</li>`)}
            </ul>
            <p>The page is complete in itself: it loads nothing and runs nothing. It states what was measured in files, not who acted.</p>
          </footer>
        </div>
      </body>
    </html> `;
  // The formatter's indentation must not stand before the doctype.
  return `${String(page).trim()}\n`;
}

function summary(tree: FamilyTree): string {
  const families = tree.families.length === 0 ? 'No family' : counted(tree.families.length, 'family', 'families');
  return `${families} of models that share training${tree.single.length > 0 ? `; ${counted(tree.single.length, 'model')} without such a tie` : ''}. Ancestors stand above where there are grounds to call them so: an arrow says that there are. A line without an arrow does not say which came first.`;
}

function familySection(family: Family, tree: FamilyTree, id: string): Html {
  const count = family.members.length + Object.values(family.copies).flat().length;
  const rows = family.edges.map((edge): Child[] => {
    const [from, to] = edge.direction === 'b->a' ? [edge.b, edge.a] : [edge.a, edge.b];
    return [
      markup`${foreign(from)} ${edge.direction === 'unknown' ? 'and' : '→'} ${foreign(to)}`,
      formula(capital(edgeWords(edge))),
      edge.direction === 'unknown'
        ? 'not known'
        : markup`${mark(groundsWords(edge), 'plain')}<small>${sentence(edge.directionGrounds)}</small>`,
      edge.alternatives.length === 0 ? 'none' : edge.alternatives.map((other, i) => markup`${i > 0 ? ', ' : ''}${foreign(other)}`),
    ];
  });
  return markup`<section aria-labelledby="${own(id)}">
    ${heading(2, id, markup`Family of ${counted(count, 'model')} around ${foreign(clean(family.top, 80))}`)}
    ${familyDrawing(family, tree, `${id}-d`)} ${family.notes.map((note) => markup`<p>${sentence(note)}</p>`)}
    ${table(`${id}-edges`, 'Ties in this family', [{ name: 'Models' }, { name: 'Tie' }, { name: 'Direction' }, { name: 'As near' }], rows)}
  </section> `;
}

function singleSection({ single }: FamilyTree): Html {
  if (single.length === 0) return NOTHING;
  return markup`<section aria-labelledby="single">
    ${heading(2, 'single', 'Without a tie by training')}
    <ul>
      ${single.map((id) => markup`<li>${foreign(id)}</li>`)}
    </ul>
  </section> `;
}

function linkSection({ links }: FamilyTree): Html {
  const rows = links.map(({ a, b, verdict, because, pairs }): Child[] => [
    markup`${foreign(a)} and ${foreign(b)}`,
    capital(LINK_WORDS[verdict]),
    formula(sentence(because)),
    String(pairs),
  ]);
  if (rows.length === 0) return NOTHING;
  return markup`<section aria-labelledby="links">
    ${heading(2, 'links', 'Weaker ties')}
    <p>No line of descent: the strongest such tie between each two groups.</p>
    ${table('links-t', 'Ties without shared training shown', [{ name: 'Models' }, { name: 'Tie' }, { name: 'Because' }, { name: 'Pairs', number: true }], rows)}
  </section> `;
}

function claimSection({ claims }: FamilyTree): Html {
  const tone = { supported: 'good', 'not-shown': 'careful', refuted: 'bad', 'not-registered': 'plain', unresolved: 'plain' } as const;
  const rows = claims.map(({ model, name, from, verdict, because }): Child[] => [
    foreign(model),
    markup`${foreign(name)}<small>${code(from)}</small>`,
    mark(CLAIM_MARKS[verdict], tone[verdict]),
    formula(sentence(because)),
  ]);
  if (rows.length === 0) return NOTHING;
  return markup`<section aria-labelledby="claims">
    ${heading(2, 'claims', 'Bases that cards name')}
    ${table('claims-t', 'Claims and what the weights say', [{ name: 'Model' }, { name: 'Named base' }, { name: 'Result' }, { name: 'Because' }], rows)}
  </section> `;
}

function modelSection({ models }: FamilyTree): Html {
  const rows = models.map(({ id, locator, digest, digestCovers, format }): Child[] => [
    foreign(id),
    code(locator),
    format,
    markup`${code(digest)}<small>over ${digestCovers}</small>`,
  ]);
  return markup`<section aria-labelledby="models">
    ${heading(2, 'models', 'The models')} ${table('models-t', 'Files and digests', [{ name: 'Model' }, { name: 'Where' }, { name: 'Format' }, { name: 'Digest' }], rows)}
  </section> `;
}
