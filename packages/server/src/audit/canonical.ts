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
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('this value has no JSON');
  return text;
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
