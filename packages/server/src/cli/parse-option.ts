import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import { parseFingerprint } from '../domain/access.ts';
import type { BinRange } from '../domain/bin-range.ts';
import { type CallerKey, RIGHTS, type Right } from '../domain/caller.ts';
import { type OrganizationNumber, parseOrganizationNumber } from '../domain/organization-number.ts';
import type { TokenFormatSpec } from '../domain/token-format.ts';

/**
 * Readers of what a person types: each refuses with a sentence that says what is right.
 *
 * @module
 */

/** Collects an option that may be given several times. */
export function collecting<T>(parse: (text: string) => T): (text: string, before?: T[]) => T[] {
  return (text, before = []) => [...before, parse(text)];
}

export function organizationNumber(text: string): OrganizationNumber {
  if (!/^[0-9]{1,3}$/.test(text) || Number(text) > 998) {
    throw new InvalidArgumentError('An organization is a number from 0 to 998.');
  }
  return parseOrganizationNumber(Number(text));
}

/** `540208`, `540208:16` or `540208:16:1`: prefix, digits of a card number, logo. */
export function binRange(text: string): Omit<BinRange, 'organization'> {
  const [, prefix = '', panLength = '16', logo = '1'] =
    /^([0-9]{6,11})(?::([0-9]{2}))?(?::([0-9]{1,3}))?$/.exec(text) ?? [];
  if (prefix === '') {
    throw new InvalidArgumentError('A BIN range is prefix[:digits[:logo]], such as 540208:16:1.');
  }
  return { prefix, panLength: Number(panLength), logo: Number(logo) };
}

/** `alphanumeric:6:4` or `random:alphanumeric:8:4`: alphabet, kept first, kept last. */
export function tokenFormat(text: string): TokenFormatSpec {
  const [, random, alphabet, first, last] =
    /^(random:)?(numeric|alphanumeric):([068]):([04])$/.exec(text) ?? [];
  if (alphabet === undefined) {
    throw new InvalidArgumentError(
      'A format is [random:]alphabet:first:last, such as alphanumeric:6:4 or random:numeric:8:4.',
    );
  }
  return {
    engine: random === undefined ? 'keyed' : 'random',
    alphabet: alphabet as TokenFormatSpec['alphabet'],
    keepFirst: Number(first) as TokenFormatSpec['keepFirst'],
    keepLast: Number(last) as TokenFormatSpec['keepLast'],
  };
}

export function right(text: string): Right {
  const found = RIGHTS.find((each) => each === text);
  if (found === undefined) throw new InvalidArgumentError(`Rights are ${RIGHTS.join(', ')}.`);
  return found;
}

export function fingerprint(text: string): string {
  const found = parseFingerprint(text);
  if (found === undefined) {
    throw new InvalidArgumentError(
      'A fingerprint is the SHA-256 of a certificate (openssl x509 -noout -fingerprint -sha256).',
    );
  }
  return found;
}

/** `90s`, `15m`, `24h` or `7d`; 0 is none. In milliseconds. */
export function duration(text: string): number {
  const [, count, unit = 's'] = /^([0-9]{1,4})([smhd])?$/.exec(text) ?? [];
  const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit];
  if (count === undefined || unitMs === undefined || (unit === 's' && !/s$|^0+$/.test(text))) {
    throw new InvalidArgumentError('A duration is 0, or such as 90s, 15m, 24h or 7d.');
  }
  return Number(count) * unitMs;
}

/** `2027-01-31` or `2027-01-31T12:00:00Z`. In milliseconds since 1970. */
export function moment(text: string): number {
  const isIso = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?Z)?$/.test(text);
  const atMs = isIso ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(atMs)) {
    throw new InvalidArgumentError('A moment is such as 2027-01-31 or 2027-01-31T12:00:00Z (UTC).');
  }
  return atMs;
}

/** `kid=file.pem`: a public key under the name its owner gives it. */
export function keyFile(use: CallerKey['use'], fromMs: number): (text: string) => CallerKey {
  return (text) => {
    const [, id, path] = /^([\w.-]{1,64})=(.+)$/.exec(text) ?? [];
    if (id === undefined || path === undefined) {
      throw new InvalidArgumentError('A key is id=file.pem, such as 2027-a=caller-public.pem.');
    }
    return { use, id, publicKeyPem: readText(path), fromMs };
  };
}

export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new InvalidArgumentError(`${path} cannot be read.`);
  }
}

/** 64 hexadecimal digits in a file: a zone key as its organization gave it. */
export function zoneKeyFile(path: string): Uint8Array {
  const text = readText(path).trim();
  if (!/^[0-9A-Fa-f]{64}$/.test(text)) {
    throw new InvalidArgumentError(`${path} has not 64 hexadecimal digits.`);
  }
  return Buffer.from(text, 'hex');
}

export function count(text: string): number {
  if (!/^[0-9]{1,9}$/.test(text)) throw new InvalidArgumentError('A count is a whole number.');
  return Number(text);
}
