import { Refusal } from '../domain/error.ts';

/** No body of ours is nested deeper than three; what is deeper is an attack on whoever walks it. */
const DEPTH_MAX = 16;

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads a body as one JSON value, strictly: UTF-8 without errors, no key twice in one object. Of two
 * equal keys `JSON.parse` keeps the last without a word, while another reader on the way may have
 * looked at the first.
 *
 * @throws {Refusal} `BODY_NOT_JSON`, `BODY_DUPLICATE_KEY`, `BODY_TOO_DEEP`. None of them repeats
 *   anything of the body.
 */
export function parseJsonBody(bytes: Uint8Array): unknown {
  let text: string;
  let value: unknown;
  try {
    text = UTF8.decode(bytes);
    value = JSON.parse(text);
  } catch {
    throw new Refusal('BODY_NOT_JSON');
  }
  // Each key of the text has one colon behind it; a key that came twice is one key in the tree.
  if (countKeys(value, 0) !== countColons(text)) throw new Refusal('BODY_DUPLICATE_KEY');
  return value;
}

function countKeys(value: unknown, depth: number): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (depth === DEPTH_MAX) throw new Refusal('BODY_TOO_DEEP', { depthMax: DEPTH_MAX });
  const children: unknown[] = Object.values(value);
  let count = Array.isArray(value) ? 0 : children.length;
  for (const child of children) count += countKeys(child, depth + 1);
  return count;
}

/** Colons outside of strings, in a text that is known to be JSON. */
function countColons(text: string): number {
  let count = 0;
  for (let index = 0; index < text.length; index++) {
    const symbol = text.charCodeAt(index);
    if (symbol === COLON) count++;
    if (symbol === QUOTE) index = endOfString(text, index);
  }
  return count;
}

const COLON = 0x3a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

function endOfString(text: string, start: number): number {
  let index = start + 1;
  while (text.charCodeAt(index) !== QUOTE) {
    index += text.charCodeAt(index) === BACKSLASH ? 2 : 1;
  }
  return index;
}
