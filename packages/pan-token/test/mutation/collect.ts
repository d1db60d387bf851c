/**
 * Stands in for node:test under mutation: keeps the tests that are declared, so that they can run in
 * any order, and only until one fails.
 */

export interface CollectedTest {
  readonly name: string;
  run(): void | Promise<void>;
}

let collected: CollectedTest[] = [];
let suite = '';

export function describe(title: string, declare: () => void): void {
  suite = title;
  declare();
  suite = '';
}

export function it(title: string, run: () => void | Promise<void>): void {
  if (typeof run !== 'function') throw new TypeError('a test with options is not expected here');
  collected.push({ name: `${suite} ${title}`, run });
}

/** Gives what was declared since it was asked last. */
export function takeTests(): CollectedTest[] {
  const taken = collected;
  collected = [];
  return taken;
}
