/** One tick of long work; the CLI draws it on stderr after a second. */
export interface Progress {
  readonly what: string;
  readonly done: number;
  readonly total: number;
}
/** Passed down through long calls. */
export interface Watch {
  readonly onProgress?: (progress: Progress) => void;
  /** Aborting makes the call reject with the signal's reason. */
  readonly signal?: AbortSignal;
}
