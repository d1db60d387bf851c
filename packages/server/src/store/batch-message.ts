/**
 * A batch as it goes to the thread that writes SQLite. Cloning many small objects, and above all
 * slices of Node's shared buffers (the whole of which is cloned with each), costs more than writing
 * them; so a batch is one text, a few flat lists and one block of bytes that changes hands.
 *
 * @module
 */
import type { EncodedUnit } from './ledger.ts';
import type { SqlValue, Write, WriteName } from './statements.ts';

export interface BatchMessage {
  readonly unitCount: number;
  /** The audit records of all units, a line each. */
  readonly records: string;
  readonly writes: readonly PackedWrite[];
  /** The values of all writes, one after another; undefined where it is bytes. */
  readonly values: readonly (string | number | null | undefined)[];
  /** How long each value of bytes is, in order. */
  readonly lengths: readonly number[];
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Index of the unit, name of the statement, number of its values. */
type PackedWrite = readonly [unit: number, name: WriteName, valueCount: number];

/** The inverse of {@link unpackWrites}. */
export function packBatch(units: readonly EncodedUnit[]): BatchMessage {
  const writes: PackedWrite[] = [];
  const values: (string | number | null | undefined)[] = [];
  const blobs: Uint8Array[] = [];
  for (const [index, unit] of units.entries()) {
    for (const write of unit.writes) {
      writes.push([index, write.name, write.values.length]);
      for (const value of write.values) {
        if (value instanceof Uint8Array) {
          values.push(undefined);
          blobs.push(value);
        } else {
          values.push(value);
        }
      }
    }
  }
  const lengths = blobs.map(({ length }) => length);
  const bytes = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  let offset = 0;
  for (const blob of blobs) {
    bytes.set(blob, offset);
    offset += blob.length;
  }
  const records = units.map(({ auditLine }) => auditLine).join('\n');
  return { unitCount: units.length, records, writes, values, lengths, bytes };
}

/** The writes of each unit that has any, in the order of the units. */
export function unpackWrites(
  message: BatchMessage,
): readonly (readonly [unit: number, writes: readonly Write[]])[] {
  const { writes, values, lengths, bytes } = message;
  const units: [number, Write[]][] = [];
  let at = 0;
  let blob = 0;
  let offset = 0;
  for (const [unit, name, valueCount] of writes) {
    const own: SqlValue[] = [];
    for (const end = at + valueCount; at < end; at++) {
      let value: SqlValue | undefined = values[at];
      if (value === undefined) {
        const length = lengths[blob++] ?? 0;
        value = bytes.subarray(offset, offset + length);
        offset += length;
      }
      own.push(value);
    }
    const last = units.at(-1);
    if (last?.[0] === unit) last[1].push({ name, values: own });
    else units.push([unit, [{ name, values: own }]]);
  }
  return units;
}
