import assert from 'node:assert/strict';
import { luhnResidue } from '@pantoken/pan-token';
import type { Operation } from './fuzz-operations.ts';
import type { Reply } from './send.ts';

/** Of one answer: whose card numbers may be in it. */
export interface Due {
  /** Whoever asked may see card numbers, and asked for them. */
  readonly isNumberDue: boolean;
  /** Whether this is a number of a card, beside those that stand in the request itself. */
  isForeign(digits: string): boolean;
}

/** Times, within a day of now, in milliseconds. */
const NEAR_MS = 86_400_000;

/**
 * Ids that are drawn here or by the caller: chance makes card numbers of their digits. An id without a
 * letter is not taken for one: a card number in hexadecimal has none.
 */
const IDS = [
  /\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b/g, // A UUID.
  /\b(?=[0-9]*[a-f])[0-9a-f]{32}\b/g,
];

/**
 * Checks one answer: no failure of ours, one of the answers the document promises, and no card number
 * but to the one who may see it. A number of a card is found wherever it stands; what only looks like
 * one, where it is neither an id nor a moment.
 */
export function checkAnswer(operation: Operation, reply: Reply, due: Due): void {
  assert(reply.status < 500, `${operation.path} answered ${reply.status}: ${reply.text}`);
  const isAsPromised = operation.answers[reply.status];
  assert(isAsPromised, `${operation.path} answers ${reply.status}, which is not documented`);
  const value: unknown = JSON.parse(reply.text);
  assert(isAsPromised(value), `${operation.path}, ${reply.status}: not of its schema`);
  if (due.isNumberDue) return;
  for (const text of [JSON.stringify(value), JSON.stringify(reply.headers)]) {
    demandNone(operation, text, due.isForeign);
    const rest = IDS.reduce((left, id) => left.replaceAll(id, ''), text);
    demandNone(operation, rest, (digits) => luhnResidue(digits) === 0 && !isMoment(digits));
  }
}

/** @param isNumber what is asked of every run of 12 to 19 digits, without the zeros in front. */
function demandNone(
  { path }: Operation,
  text: string,
  isNumber: (digits: string) => boolean,
): void {
  for (const [run] of text.matchAll(/[0-9]{12,}/g)) {
    const digits = run.replace(/^0+/, '');
    const isLong = digits.length >= 12 && digits.length <= 19;
    assert(!(isLong && isNumber(digits)), `${path}: a card number is shown`);
  }
}

function isMoment(digits: string): boolean {
  return digits.length === 13 && Math.abs(Number(digits) - Date.now()) < NEAR_MS;
}
