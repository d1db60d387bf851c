import type { EncodedUnit } from './ledger.ts';
import { BULK_WRITES, type SqlValue, type Write } from './statements.ts';

/** Writes of one name and one distribution key, as one statement: the key, then a list for each other value. */
export interface BulkWrite {
  readonly name: keyof typeof BULK_WRITES;
  readonly values: readonly (SqlValue | readonly SqlValue[])[];
}

/** Which value of a write is its distribution key. */
const KEY_AT: Readonly<Record<keyof typeof BULK_WRITES, number>> = { addNonce: 0, addCharge: 1 };

export interface GatheredWrites {
  /** They come first. */
  readonly together: readonly BulkWrite[];
  /** What is left to be written for each unit by itself. */
  readonly apart: readonly (readonly Write[])[];
}

/** Nothing together: of every write it is known whose it is. */
export function leaveWrites(units: readonly EncodedUnit[]): GatheredWrites {
  return { together: [], apart: units.map(({ writes }) => writes) };
}

/** Puts together what units write alike: over a wire a statement costs both sides more than its row. A single write stays. */
export function gatherWrites(units: readonly EncodedUnit[]): GatheredWrites {
  const groups = new Map<string, Write[]>();
  for (const { writes } of units) {
    for (const write of writes) {
      const group = groupOf(write);
      if (group === undefined) continue;
      const known = groups.get(group);
      if (known === undefined) groups.set(group, [write]);
      else known.push(write);
    }
  }
  const isAlone = (write: Write) => (groups.get(groupOf(write) ?? '')?.length ?? 1) === 1;
  return {
    together: [...groups.values()].filter(({ length }) => length > 1).map(joined),
    apart: units.map(({ writes }) => writes.filter(isAlone)),
  };
}

function groupOf({ name, values }: Write): string | undefined {
  if (!isBulkName(name)) return undefined;
  return `${name} ${values[KEY_AT[name]]}`;
}

function isBulkName(name: string): name is BulkWrite['name'] {
  return name in BULK_WRITES;
}

function joined(writes: readonly Write[]): BulkWrite {
  const [first] = writes;
  if (first === undefined || !isBulkName(first.name)) throw new Error('no writes of one name');
  const keyAt = KEY_AT[first.name];
  const lists = first.values.map((_, at) => writes.map(({ values }) => values[at] ?? null));
  return { name: first.name, values: [first.values[keyAt] ?? null, ...lists.toSpliced(keyAt, 1)] };
}
