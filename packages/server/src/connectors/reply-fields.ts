import { Refusal } from '../domain/error.ts';
import { type Expiry, parseExpiry } from '../domain/expiry.ts';
import { CardNumber } from '../domain/pan.ts';
import { printable } from './upstream.ts';

/** A JSON object of somebody else's, of which nothing is known yet. */
export type Fields = Readonly<Record<string, unknown>>;

/** @throws {Refusal} `UPSTREAM_ANSWER_UNKNOWN` */
export function parseObject(source: string, bytes: Uint8Array): Fields {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as Fields;
    }
  } catch {
    // What it was is not repeated: it may hold anything.
  }
  throw notUnderstood(source, 'not JSON');
}

/** The objects of a list; none where there is no list. */
export function listOf(value: unknown): readonly Fields[] {
  const list = Array.isArray(value) ? value : [];
  return list.filter((each) => typeof each === 'object' && each !== null);
}

/** A text or number as text; empty where it is neither. */
export function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';
}

/** @throws {Refusal} `UPSTREAM_ANSWER_UNKNOWN` */
export function numberIn(source: string, value: unknown): CardNumber {
  try {
    return CardNumber.parseNumber(textOf(value));
  } catch {
    throw notUnderstood(source, 'new number');
  }
}

/**
 * @param order of month and year, two digits each; years are 2000 to 2099.
 * @throws {Refusal} `UPSTREAM_ANSWER_UNKNOWN`
 */
export function expiryIn(source: string, value: unknown, order: 'YYMM' | 'MMYY'): Expiry {
  const text = textOf(value);
  const [first, second] = [text.slice(0, 2), text.slice(2, 4)];
  const [year, month] = order === 'YYMM' ? [first, second] : [second, first];
  try {
    if (text.length !== 4) throw notUnderstood(source, 'new expiry');
    return parseExpiry(month, `20${year}`);
  } catch {
    throw notUnderstood(source, 'new expiry');
  }
}

/** A letter or form that is not known, kept raw: never taken for one that is. */
export function notUnderstood(source: string, code: unknown): Refusal {
  return new Refusal('UPSTREAM_ANSWER_UNKNOWN', { source, upstreamCode: printable(code) });
}
