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

/** The writes of each unit that has any. */
export function unpackWrites(message: BatchMessage): ReadonlyMap<number, readonly Write[]> {
  const { writes, values, lengths, bytes } = message;
  const byUnit = new Map<number, Write[]>();
  let at = 0;
  let blob = 0;
  let offset = 0;
  const take = (value: string | number | null | undefined): SqlValue => {
    if (value !== undefined) return value;
    const length = lengths[blob++] ?? 0;
    offset += length;
    return bytes.subarray(offset - length, offset);
  };
  for (const [unit, name, valueCount] of writes) {
    const write = { name, values: values.slice(at, at + valueCount).map(take) };
    at += valueCount;
    const list = byUnit.get(unit);
    if (list === undefined) byUnit.set(unit, [write]);
    else list.push(write);
  }
  return byUnit;
}
