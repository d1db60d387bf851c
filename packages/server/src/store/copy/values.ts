import { createHmac } from 'node:crypto';
import type { SqlValue } from '../statements.ts';
import type { Column } from './tables.ts';

/** A row, its values in the order of the columns of its table. */
export type Values = readonly SqlValue[];

/** Values of a key as text, the same on both engines: bytes are lower-case hexadecimal. */
export function writeKey(columns: readonly Column[], values: Values): string {
  const texts = columns.map(({ type }, index) => {
    const value = values[index] ?? null;
    return type === 'bytea' ? Buffer.from(value as Uint8Array).toString('hex') : value;
  });
  return JSON.stringify(texts);
}

/** @param text from {@link writeKey}, or from a trigger, which may write bytes in upper case. */
export function readKey(columns: readonly Column[], text: string): Values {
  const texts = JSON.parse(text) as (string | number)[];
  return columns.map(({ type }, index) => {
    const value = texts[index] ?? null;
    return type === 'bytea' ? Buffer.from(String(value), 'hex') : value;
  });
}

/** Below 0, 0 or above 0: numbers by size, texts and bytes byte by byte, as both engines are asked to. */
export function compareKeys(a: Values, b: Values): number {
  for (const [index, left] of a.entries()) {
    const order = compareValues(left, b[index] ?? null);
    if (order !== 0) return order;
  }
  return 0;
}

function compareValues(a: SqlValue, b: SqlValue): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return Buffer.compare(bytesOf(a), bytesOf(b));
}

function bytesOf(value: SqlValue): Uint8Array {
  return value instanceof Uint8Array ? value : Buffer.from(String(value), 'utf8');
}

/** HMAC-SHA-256 over rows, each value with its type and length, in lower-case hexadecimal. */
export function digestRows(key: Uint8Array, rows: readonly Values[]): string {
  const hmac = createHmac('sha256', key);
  for (const row of rows) hmac.update(`${row.map(writeValue).join(',')}\n`, 'utf8');
  return hmac.digest('hex');
}

function writeValue(value: SqlValue): string {
  if (value === null) return 'n';
  if (typeof value === 'number') return `i${value}`;
  if (typeof value === 'string') return `s${value.length}:${value}`;
  return `b${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`;
}
