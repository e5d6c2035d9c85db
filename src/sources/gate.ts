/** Lets at most `limit` tasks run at once, in the order they came; a task that throws frees its place. */
export interface Gate {
  run<T>(task: () => Promise<T>): Promise<T>;
}

export function createGate(limit: number): Gate {
  let running = 0;
  const waiting: (() => void)[] = [];
  return {
    async run(task) {
      if (running >= limit) await new Promise<void>((resume) => void waiting.push(resume));
      else running++;
      try {
        return await task();
      } finally {
        // The place is handed over, not freed and taken again: a newcomer cannot slip in between.
        const next = waiting.shift();
        if (next) next();
        else running--;
      }
    },
  };
}
