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
  if (isInOrder(value)) {
    const plain = JSON.stringify(value);
    if (isFlat(plain)) return plain;
  }
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('this value has no JSON');
  return text;
}

/**
 * Whether the names of an object are in order already, as those of most records are. Of a flat object
 * in order JSON.stringify writes the canonical text, several times as fast: RFC 8785 takes over its
 * numbers and its strings.
 */
function isInOrder(value: object): boolean {
  if (Array.isArray(value)) return false;
  let last = '';
  for (const name in value) {
    if (name <= last) return false;
    last = name;
  }
  return true;
}

/**
 * Whether a text is one object and holds no other, as far as can be seen at a glance: a bracket within
 * a string takes the long way, too. So does an escape, which half of a surrogate pair would be, and
 * null, which stands for what is no number.
 */
function isFlat(text: string): boolean {
  const isOneObject = !text.includes('{', 1) && !text.includes('[');
  return isOneObject && !text.includes('\\') && !text.includes(':null');
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
