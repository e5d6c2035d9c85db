/** What the exit code says, the same for every command. */
export const EXIT = {
  /** Nothing to act on. */
  clear: 0,
  /** The answer holds findings to act on. */
  findings: 1,
  /** The question could not be answered: usage, unreadable input. */
  failed: 2,
  /** Ended by Ctrl-C or a termination signal (128 + SIGINT, the shells' convention). */
  interrupted: 130,
} as const;
