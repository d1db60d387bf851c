/** Where a server under test waits, so that its requests are under way until a test lets them go on. */
export interface Gate {
  pass(): Promise<void>;
  /** How many wait. */
  waiting(): number;
  release(): void;
}

export function makeGate(): Gate {
  let waiting: (() => void)[] = [];
  return {
    pass: () => new Promise((resolve) => waiting.push(resolve)),
    waiting: () => waiting.length,
    release() {
      for (const resolve of waiting) resolve();
      waiting = [];
    },
  };
}
