/**
 * Settings by the names the hub's own tools use (huggingface_hub, "Environment variables").
 * @module
 */
import { open } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { SourceError } from '../base/index.ts';
import type { Credential } from './transport.ts';

export interface HubSettings {
  /** Without a slash at its end. */
  readonly endpoint: string;
  readonly credential: Credential | null;
  /** Folder of `models--owner--name` entries; may not exist. */
  readonly cache: string;
  readonly offline: boolean;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Tokens are 37 bytes; nothing longer is sent. */
const MAX_TOKEN_BYTES = 1024;

/** @throws SourceError `SOURCE_LOCATOR` for a bad `HF_ENDPOINT`, `SOURCE_DENIED` for a token no header can carry. */
export async function hubSettings(env: Env): Promise<HubSettings> {
  const endpoint = checkEndpoint(set(env, 'HF_ENDPOINT') ?? 'https://huggingface.co');
  const home = set(env, 'HF_HOME') ?? join(set(env, 'XDG_CACHE_HOME') ?? join(set(env, 'HOME') ?? homedir(), '.cache'), 'huggingface');
  const token = await findToken(env, home);
  return {
    endpoint,
    credential: token === null ? null : { origin: new URL(endpoint).origin, authorization: `Bearer ${token}` },
    cache: set(env, 'HF_HUB_CACHE') ?? set(env, 'HUGGINGFACE_HUB_CACHE') ?? join(home, 'hub'),
    offline: ['1', 'ON', 'YES', 'TRUE'].includes((env['HF_HUB_OFFLINE'] ?? '').toUpperCase()),
  };
}

/** An empty variable counts as not set, as in the hub's tools. */
function set(env: Env, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === '' ? undefined : value;
}

function checkEndpoint(text: string): string {
  const bad = (cause?: unknown): SourceError =>
    new SourceError('SOURCE_LOCATOR', `HF_ENDPOINT "${text}" is not an http(s) address`, { where: { field: 'HF_ENDPOINT' }, cause });
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw bad(cause);
  }
  if (
    (url.protocol !== 'https:' && url.protocol !== 'http:') ||
    url.username !== '' ||
    url.password !== '' ||
    url.search !== '' ||
    url.hash !== ''
  )
    throw bad();
  return url.href.replace(/\/+$/, '');
}

async function findToken(env: Env, home: string): Promise<string | null> {
  const token =
    set(env, 'HF_TOKEN') ?? set(env, 'HUGGING_FACE_HUB_TOKEN') ?? (await readToken(set(env, 'HF_TOKEN_PATH') ?? join(home, 'token')));
  if (token === null || token === '') return null;
  if (!/^[\x21-\x7e]+$/.test(token) || token.length > MAX_TOKEN_BYTES)
    throw new SourceError('SOURCE_DENIED', 'the hub token holds characters no token has', {
      where: { field: 'HF_TOKEN' },
      hint: 'copy it again',
    });
  return token;
}

async function readToken(path: string): Promise<string | null> {
  const handle = await open(path).catch(() => null);
  if (!handle) return null;
  try {
    const buffer = new Uint8Array(MAX_TOKEN_BYTES + 1);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    return new TextDecoder().decode(buffer.subarray(0, bytesRead)).trim();
  } catch {
    return null;
  } finally {
    await handle.close();
  }
}
