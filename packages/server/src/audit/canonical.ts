import canonicalize from 'canonicalize';

/** What an audit line is made of; every number is an integer. */
export type CanonicalValue =
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly CanonicalValue[]
  | { readonly [name: string]: CanonicalValue };

/**
 * The one text a value has (RFC 8785, JSON Canonicalization Scheme): keys in order, no white space.
 * What is hashed is this text in UTF-8. It holds no line break, so that lines can be joined by one.
 */
export function canonicalJson(value: object): string {
  if (isPlain(value)) return JSON.stringify(value);
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('this value has no JSON');
  return text;
}

/** Letters, digits and signs that JSON writes as they are, and every engine in the same order. */
const PLAIN_TEXT = /^[ !#-[\]-~]*$/;

/**
 * Whether JSON.stringify writes the canonical text, four times as fast: one flat object whose names
 * are in order already, as those of most records are.
 */
function isPlain(value: object): boolean {
  if (Array.isArray(value)) return false;
  let last = '';
  for (const name in value) {
    if (name <= last || !isPlainValue((value as Record<string, unknown>)[name])) return false;
    last = name;
  }
  return true;
}

function isPlainValue(value: unknown): boolean {
  if (typeof value === 'string') return PLAIN_TEXT.test(value);
  return value === undefined || Number.isSafeInteger(value);
}

/** Unlike its string, a canonical text cannot be changed unnoticed: white space and order count. */
export function parseCanonical(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return canonicalJson(value) === text ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
