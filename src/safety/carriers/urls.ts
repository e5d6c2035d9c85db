/**
 * Addresses in configurations and metadata: who would be asked, by the host alone.
 * @module
 */
import { type Collector, report } from '../rules.ts';

/** Hosts that publish models, code, papers and terms. Exact or as a parent domain. */
const KNOWN = [
  'huggingface.co', 'hf.co', 'github.com', 'githubusercontent.com', 'github.io', 'gitlab.com', 'arxiv.org', 'doi.org', 'zenodo.org',
  'pytorch.org', 'tensorflow.org', 'keras.io', 'onnx.ai', 'openai.com', 'googleapis.com', 'google.com', 'ai.google.dev', 'microsoft.com', 'apache.org', 'opensource.org',
  'creativecommons.org', 'spdx.org', 'w3.org', 'json-schema.org', 'wikipedia.org', 'kaggle.com', 'modelscope.cn', 'paperswithcode.com', 'wandb.ai', 'mlflow.org',
  'ollama.com', 'mistral.ai', 'nvidia.com', 'fbaipublicfiles.com', 'meta.com', 'ai.meta.com', 'stability.ai', 'example.com', 'example.org', 'example.net',
  'llama.com', 'ultralytics.com', 'tfhub.dev', 'readthedocs.io', 'civitai.com',
]; // prettier-ignore
const KNOWN_HOSTS = new Set(KNOWN);
/** Services whose addresses say nothing of who answers. */
const HIDDEN =
  /(^|\.)(bit\.ly|tinyurl\.com|t\.co|goo\.gl|is\.gd|ow\.ly|cutt\.ly|rb\.gy|shorturl\.at|buff\.ly|t\.ly|rebrand\.ly|s\.id|tiny\.cc|v\.gd|bl\.ink|lnkd\.in|ngrok\.(io|app|dev|com)|ngrok-free\.(app|dev)|trycloudflare\.com|loca\.lt|localtunnel\.me|serveo\.net|localhost\.run|lhr\.life|pagekite\.me|telebit\.io|webhook\.site|requestbin\.(com|net)|pipedream\.net|burpcollaborator\.net|oastify\.com|interact\.sh|oast\.(fun|live|me|online|pro|site)|beeceptor\.com|hookbin\.com|pastebin\.com|paste\.ee|hastebin\.com|transfer\.sh|file\.io|gofile\.io|anonfiles\.com|duckdns\.org|no-ip\.(com|org)|ddns\.net|hopto\.org|zapto\.org|dnslog\.cn|onion)$/i;
/** Keys under which an address is meant to be asked. */
const ASKED =
  /(download|callback|webhook|hook|endpoint|mirror|fetch|update|upload|remote|payload|exfil|report_to|telemetry|server|proxy|(model|weights?|file|src|source|script|code|plugin|checkpoint|tokenizer|data)_?(url|uri|link|src|location))/i;
const ADDRESS = /\b(?:https?|ftp|wss?|tcp):\/\/[^\s"'<>)\]}\\\u3000-\u303f\uff00-\uffef]+/gi;
/** A number, or a bare host name, inside the user's own network, is the writer's machine. */
const LITERAL = /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]+\]|0x[0-9a-f]+|\d{8,10})$/i;
const LOCAL = /^(127\.|0\.0\.0\.0$|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|localhost$|\[::1\]$)/i;
/** Keys of addresses that are told, no more. */
const LINK = /(ur[il]|link|href|source|host|server|homepage|site|page)s?$/i;
const MAX_ADDRESSES = 20;

/** @param key of the value that holds the address, or empty. */
export function judgeAddresses(value: string, key: string, file: string, field: string, into: Collector): void {
  if (!value.includes('://')) return;
  let seen = 0;
  for (const [address] of value.slice(0, 1 << 20).matchAll(ADDRESS)) {
    if (++seen > MAX_ADDRESSES) return;
    const place = hostOf(address);
    if (place.host === '' || LOCAL.test(place.host)) continue;
    const known = isKnown(place.host);
    const why = oddHost(address, place, known, key);
    if (!why && !known && LINK.test(key))
      report(into, 'address', { file, ...(field && { field }) }, `${field || 'the file'} names ${address.slice(0, 120)}`);
    if (why)
      report(into, 'odd-address', { file, ...(field && { field }) }, `${field || 'the file'} names ${address.slice(0, 120)}, ${why}`);
  }
}

interface Place {
  readonly authority: string;
  readonly host: string;
}

function hostOf(address: string): Place {
  const authority = /^[a-z]+:\/\/([^/?#]*)/i.exec(address)![1]!;
  return { authority, host: authority.replace(/^.*@/, '').replace(/:\d*$/, '').replace(/\.$/, '').toLowerCase() };
}

function oddHost(address: string, { authority, host }: Place, known: boolean, key: string): string | null {
  // `https://user:word@github.com` asks GitHub; what poses as a host in front of another is a trick.
  if (authority.includes('@') && !known) return 'whose host stands behind an "@"';
  if (HIDDEN.test(host)) return 'a service that hides who answers';
  if (LITERAL.test(host)) return 'a bare number in place of a name';
  if (known) return null;
  // A short name stands in many longer ones (`oadoi.org`).
  const labels = `.${host}`.replaceAll('-', '.');
  const imitated = KNOWN.find((one) => (one.length > 8 ? host.includes(one) || address.includes(`/${one}/`) : labels.includes(`.${one}`)));
  if (imitated) return `which is not ${imitated}`;
  return ASKED.test(key) ? 'a host that publishes no models' : null;
}

function isKnown(host: string): boolean {
  for (let at = 0; at >= 0; at = host.indexOf('.', at) + 1 || -1) if (KNOWN_HOSTS.has(host.slice(at))) return true;
  return false;
}
