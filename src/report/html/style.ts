/**
 * The page's only style sheet. Colors keep a contrast of 4.5 and more in both schemes (WCAG 2.2, 1.4.3); nothing is said by color alone.
 * @module
 */
import { own, type Html } from './markup.ts';

const LIGHT = `--page:#fcfcfa;--card:#fff;--ink:#1b1d20;--quiet:#565c64;--line:#dcdcd6;--link:#1d4f82;--bar:#2f6ea5;--band:#d3d3ca;
--careful:#7d4600;--careful-bg:#fdf3e1;--bad:#9c1418;--bad-bg:#fcecec;--good:#1c6232;--good-bg:#eaf5ec;--plain-bg:#f0f0ec`;
const DARK = `--page:#15171a;--card:#1c1f23;--ink:#e7e8ea;--quiet:#a8aeb7;--line:#363a41;--link:#8dbdec;--bar:#6aa6dc;--band:#454a52;
--careful:#f1b866;--careful-bg:#2e2414;--bad:#ff9a94;--bad-bg:#391c1c;--good:#86d39c;--good-bg:#18291d;--plain-bg:#272b30`;

export const STYLE: Html = own(`
:root{color-scheme:light dark;${LIGHT}}
@media (prefers-color-scheme:dark){:root{${DARK}}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);font:1rem/1.6 system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','Liberation Sans',sans-serif;overflow-wrap:anywhere}
.skip{position:absolute;left:-100vw;padding:.5rem 1rem;background:var(--card);color:var(--link)}
.skip:focus{left:1rem;top:1rem}
a{color:var(--link)}
:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.page{max-width:58rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}
.eyebrow{margin:0;color:var(--quiet);font-size:.875rem;letter-spacing:.02em}
h1,h2,h3,h4,h5{line-height:1.25;text-wrap:balance;margin:0}
h1{font-size:1.9rem;font-weight:650;margin:.15rem 0 .5rem}
h2{font-size:1.3rem;font-weight:650;margin:3rem 0 .75rem;padding-top:1.25rem;border-top:1px solid var(--line)}
h3{font-size:1.075rem;font-weight:650;margin:1.75rem 0 .5rem}
h4,h5{font-size:1rem;font-weight:600;margin:1.5rem 0 .4rem}
p{margin:.5rem 0;max-width:44rem}
sup{line-height:0;font-size:.75em}
.quiet{color:var(--quiet)}
.small{font-size:.875rem}
code,pre{font:.875em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,'Liberation Mono',monospace}
pre{margin:.75rem 0;padding:.75rem 1rem;background:var(--plain-bg);border-radius:6px;white-space:pre-wrap}
.code-point{font:.75em/1 ui-monospace,Menlo,Consolas,monospace;padding:.1em .3em;margin:0 .1em;border:1px solid currentColor;border-radius:3px;white-space:nowrap}
.summary{margin:1.5rem 0 1rem;padding:.25rem 1.25rem;background:var(--card);border:1px solid var(--line);border-radius:10px}
.summary>div{display:grid;grid-template-columns:6rem 1fr;gap:.25rem 1rem;padding:.8rem 0;border-top:1px solid var(--line)}
.summary>div:first-child{border-top:0}
.summary dt{font-weight:600}
.summary dd{margin:0}
.mark{display:inline-block;padding:.05rem .55rem;margin-right:.35rem;border-radius:99px;font-size:.8125rem;font-weight:600;line-height:1.5;background:var(--plain-bg);color:var(--ink);white-space:nowrap}
.mark.careful{background:var(--careful-bg);color:var(--careful)}
.mark.bad{background:var(--bad-bg);color:var(--bad)}
.mark.good{background:var(--good-bg);color:var(--good)}
.next{padding:.8rem 1.25rem;border-radius:10px;background:var(--plain-bg);max-width:none}
.relation{margin:1rem 0 2rem}
.lead{font-size:1.0625rem}
.facts{margin:1rem 0}
.facts>div{display:grid;grid-template-columns:8rem 1fr;gap:.1rem 1rem;padding:.35rem 0}
.facts dt{color:var(--quiet)}
.facts dd{margin:0;max-width:42rem}
.facts ul{margin:0}
@media (min-width:48rem){details .facts>div{grid-template-columns:14rem 1fr}}
.scroll{overflow-x:auto;margin:1rem 0}
table{border-collapse:collapse;width:100%;font-size:.9375rem;line-height:1.45}
caption{text-align:left;font-weight:600;padding:0 0 .5rem}
th,td{text-align:left;vertical-align:top;padding:.55rem .9rem .55rem 0;border-top:1px solid var(--line);font-weight:400;min-width:5.5rem;overflow-wrap:break-word}
thead th{border-top:0;border-bottom:1px solid var(--line);color:var(--quiet);font-size:.8125rem;padding-bottom:.35rem;white-space:nowrap}
tbody tr:first-child>*{border-top:0}
tbody th{min-width:9rem}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap;min-width:4rem}
td .mark{white-space:normal;border-radius:.65rem}
th small,td small{display:block;font-weight:400;color:var(--quiet);font-size:.875em}
details{margin:.75rem 0;border:1px solid var(--line);border-radius:8px;background:var(--card)}
summary{padding:.6rem 1rem;cursor:pointer;font-weight:600}
details>div{padding:.1rem 1rem .75rem}
blockquote{margin:.35rem 0;padding-left:.75rem;border-left:3px solid var(--line);color:var(--quiet)}
ul,ol{padding-left:1.25rem;max-width:44rem}
li{margin:.35rem 0}
.findings{list-style:none;padding:0}
.findings>li{margin:0;padding:1rem 0;border-top:1px solid var(--line)}
.findings>li:first-child{border-top:0}
.findings p{margin:.25rem 0}
figure{margin:1.25rem 0;max-width:27rem}
figcaption{font-size:.875rem;color:var(--quiet);margin-top:.35rem}
svg{display:block;width:100%;height:auto}
svg text{font:11px system-ui,sans-serif;fill:var(--ink)}
svg .quiet-text{fill:var(--quiet)}
.bar{fill:var(--bar)}.track{fill:none;stroke:var(--line)}.band{fill:var(--band)}.half{stroke:var(--quiet);stroke-dasharray:3 2}.stroke{stroke:var(--ink);stroke-width:1.5}
footer{margin-top:3.5rem;padding-top:1.25rem;border-top:1px solid var(--line)}
@media screen and (max-width:34rem){
.scroll{overflow:visible}
table,tbody,tr,th,td{display:block}caption{display:block}
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
tbody tr{padding:.6rem 0;border-top:1px solid var(--line)}
th,td,td.number,tbody th{padding:.1rem 0;border:0;min-width:0;text-align:left}
td{display:grid;grid-template-columns:6.5rem minmax(0,1fr);gap:0 .75rem}
th,td{overflow-wrap:anywhere}
td::before{content:attr(data-name);color:var(--quiet);font-size:.875rem}

tbody th{font-weight:600;padding-bottom:.25rem}
.number{white-space:normal;text-align:left}td.number::before{text-align:left}
.page{padding:1.5rem 1rem 3rem}h1{font-size:1.5rem}
.summary{padding:.1rem 1rem}.summary>div,.facts>div{grid-template-columns:1fr;gap:.1rem}
.facts dt{font-size:.875rem}
}
@media print{
@page{size:A4;margin:18mm 16mm 20mm;@bottom-right{content:counter(page) ' / ' counter(pages);font:8pt sans-serif}}
:root{color-scheme:light;${LIGHT};--page:#fff}
html{font-size:10pt}body{line-height:1.45}
.page{max-width:none;padding:0}
.skip{display:none}
h2{margin-top:1.75rem}
h1,h2,h3,h4,h5,caption,summary,thead{break-after:avoid}
tr,figure,.findings>li,.summary,.facts>div,blockquote{break-inside:avoid}
thead{display:table-header-group}
.model+.model{break-before:page}
.scroll{overflow:visible}
th,td{min-width:0}tbody th{min-width:0}
details{border:0;background:none}
details>div,summary{padding:0}
summary{list-style:none}
summary::-webkit-details-marker{display:none}
details::details-content{content-visibility:visible;display:block;block-size:auto}
.mark,pre,.next,svg{print-color-adjust:exact;-webkit-print-color-adjust:exact}
.mark{border:1px solid currentColor}
p,ul,ol,.facts dd{max-width:none}
}
`);
