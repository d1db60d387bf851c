import assert from 'node:assert/strict';
import { luhnResidue } from '@pantoken/pan-token';

/** Where a number was found that must not be there. */
export interface Finding {
  readonly where: string;
  readonly encoding: string;
  readonly masked: string;
}

/** Every card number a test ever sent, received or kept, to be looked for in all that was written. */
export interface PanRegistry {
  readonly size: number;
  add(digits: string): void;
  has(digits: string): boolean;
  /** Takes the card numbers out of the fields of a JSON text that hold some; tokens are no numbers. */
  addFromJson(text: string): void;
  find(where: string, written: Uint8Array): readonly Finding[];
  /** @throws when a number of the registry stands in it, in whatever encoding. */
  demandAbsent(where: string, written: Uint8Array): void;
}

const FIELDS = new Set(['cardnumber', 'pan', 'oldpan', 'newpan']);

export function makePanRegistry(): PanRegistry {
  const numbers = new Set<string>();

  const registry: PanRegistry = {
    get size() {
      return numbers.size;
    },
    add(digits) {
      assert(/^[0-9]{12,19}$/.test(digits), 'a registered number has 12 to 19 digits');
      numbers.add(digits);
    },
    has: (digits) => numbers.has(digits),
    addFromJson(text) {
      for (const value of fieldsIn(text)) {
        const digits = value.length === 19 ? value.replace(/^0+/, '') : value;
        // A numeric token never passes the Luhn check; the schemes' test numbers that fail it, too,
        // are registered by the tests that use them.
        if (/^[0-9]{12,19}$/.test(digits) && luhnResidue(digits) === 0) registry.add(digits);
      }
    },
    find: (where, written) => scan(needlesOf(numbers), where, written),
    demandAbsent(where, written) {
      const found = registry.find(where, written);
      const some = found.slice(0, 5).map(({ encoding, masked }) => `${masked} as ${encoding}`);
      assert(found.length === 0, `${found.length} card numbers in ${where}: ${some.join(', ')}`);
    },
  };
  return registry;
}

function fieldsIn(text: string): string[] {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch {
    return [];
  }
  const found: string[] = [];
  const waiting = [root];
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (typeof value !== 'object' || value === null) continue;
    for (const [key, child] of Object.entries(value)) {
      if (FIELDS.has(key.toLowerCase()) && ['string', 'number'].includes(typeof child)) {
        found.push(String(child));
      }
      waiting.push(child ?? null);
    }
  }
  return found;
}

interface Needle {
  readonly encoding: string;
  readonly digits: string;
  readonly bytes: Buffer;
  /** Where in the needle the four bytes are that it is found by. */
  readonly probeAt: number;
}

/** Every way a number could lie in a file. The 19-padded form of a field contains the digits. */
export function encodingsOf(digits: string): ReadonlyMap<string, Buffer> {
  const ascii = Buffer.from(digits, 'ascii');
  const even = digits.length % 2 === 0 ? digits : `${digits}f`;
  const evenInFront = digits.length % 2 === 0 ? digits : `0${digits}`;
  const swapped = even.replaceAll(/(.)(.)/g, '$2$1');
  const hex = ascii.toString('hex');
  const padded = Buffer.from(digits.padStart(19, '0'), 'ascii');
  return new Map([
    ['digits', ascii],
    ['utf-16', Buffer.from(digits, 'utf16le')],
    ['hex', Buffer.from(hex, 'ascii')],
    ['json escapes', Buffer.from([...digits].map((each) => `\\u003${each}`).join(''), 'ascii')],
    ['spaced', Buffer.from(digits.replaceAll(/(....)(?=.)/g, '$1 '), 'ascii')],
    ['bcd', Buffer.from(even, 'hex')],
    ['bcd, zero in front', Buffer.from(evenInFront, 'hex')],
    ['bcd, reversed nibbles', Buffer.from(swapped, 'hex')],
    ['reversed', Buffer.from([...digits].reverse().join(''), 'ascii')],
    ...base64Forms('base64', ascii),
    ...base64Forms('base64 of 19', padded),
    ...base64Forms('base64 of bcd', Buffer.from(evenInFront, 'hex')),
  ]);
}

/** The digits of base64 that depend on these bytes only, for each of the three places they can have. */
function* base64Forms(name: string, bytes: Buffer): Generator<[string, Buffer]> {
  for (const skip of [0, 1, 2]) {
    const text = Buffer.concat([Buffer.alloc(skip), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const whole = Math.floor(((skip + bytes.length) * 8) / 6);
    yield [`${name}, ${skip} bytes in`, Buffer.from(text.slice(Math.ceil((skip * 8) / 6), whole))];
  }
}

function needlesOf(numbers: ReadonlySet<string>): ReadonlyMap<number, Needle[]> {
  const byProbe = new Map<number, Needle[]>();
  for (const digits of numbers) {
    for (const [encoding, bytes] of encodingsOf(digits)) {
      // The middle tells numbers of one BIN apart.
      const probeAt = Math.floor(bytes.length / 2) - 2;
      const probe = bytes.readUInt32BE(probeAt);
      const needles = byProbe.get(probe) ?? [];
      needles.push({ encoding, digits, bytes, probeAt });
      byProbe.set(probe, needles);
    }
  }
  return byProbe;
}

/** One pass, however many numbers there are. */
function scan(
  needles: ReadonlyMap<number, readonly Needle[]>,
  where: string,
  written: Uint8Array,
): readonly Finding[] {
  const findings: Finding[] = [];
  const buffer = Buffer.from(written.buffer, written.byteOffset, written.byteLength);
  let probe = 0;
  for (let at = 0; at < buffer.length; at++) {
    probe = ((probe << 8) | (buffer[at] ?? 0)) >>> 0;
    for (const { encoding, digits, bytes, probeAt } of needles.get(probe) ?? []) {
      const start = at - 3 - probeAt;
      if (start < 0 || start + bytes.length > buffer.length) continue;
      if (!bytes.equals(buffer.subarray(start, start + bytes.length))) continue;
      const masked = `${digits.slice(0, 6)}*${digits.slice(-4)} at ${start}`;
      findings.push({ where, encoding, masked });
    }
  }
  return findings;
}
