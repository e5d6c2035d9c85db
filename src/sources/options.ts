/** Options shared by every way of opening a tree. */
import type { Watch } from '../base/index.ts';

export interface OpenOptions extends Watch {
  /** Where `HF_*` settings are looked up; default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Download a remote file over 64 MiB whole (to a temporary file) when its server cannot answer ranges. */
  readonly allowWholeDownload?: boolean;
  /** Requests under way at once; default 8. */
  readonly maxParallel?: number;
  /** Longest silence of a server, in milliseconds; default 30,000. */
  readonly timeoutMs?: number;
  /** Waits between retries; default a timer that the signal ends. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** In [0, 1), spreads retries; default `Math.random`. */
  readonly random?: () => number;
}
