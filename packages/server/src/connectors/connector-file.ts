import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Scheme } from '../domain/scheme.ts';
import type { AccountUpdateSource } from '../usecase/account-update-source.ts';
import { makeHttpSource } from './http-source.ts';
import { joinInquiries } from './join-inquiries.ts';
import { type MastercardEnrolment, makeMastercardSource } from './mastercard-abu.ts';
import type { Fields } from './reply-fields.ts';
import { makeSimulatorSource } from './simulator-source.ts';
import { makeVisaSource, type VisaEnrolment } from './visa-vau.ts';

/** The sources of the schemes that are connected, and how to let go of them. */
export interface Connectors {
  readonly schemes: Partial<Record<Scheme, AccountUpdateSource>>;
  close(): void;
}

/** In the folder of a service. It names files of secrets and holds none. */
export const CONNECTOR_FILE = 'connectors.json';

/** A merchant waits for the answer, perhaps through two repeats. */
const DEFAULT_TIMEOUT_MS = 5_000;
const DEFAULT_CALLS_AT_ONCE = 8;

type ClosableSource = AccountUpdateSource & { close?(): void };

/**
 * Connects the schemes that `connectors.json` of a folder names; none where there is no such file.
 *
 * @throws {Error} naming the field or file that is missing or wrong, without its contents.
 */
export function readConnectors(home: string): Connectors {
  const path = join(home, CONNECTOR_FILE);
  if (!existsSync(path)) return { schemes: {}, close: () => {} };
  const all = reading(path, '', () => JSON.parse(readFileSync(path, 'utf8')) as Fields);
  const opened: ClosableSource[] = [];
  const schemes: Partial<Record<Scheme, AccountUpdateSource>> = {};
  for (const [scheme, given] of Object.entries(all)) {
    if (scheme !== 'visa' && scheme !== 'mastercard') throw wrong(path, scheme);
    const source = openSource(makeFields(path, home, scheme, given));
    opened.push(source);
    schemes[scheme] = joinInquiries(source);
  }
  return {
    schemes,
    close() {
      for (const source of opened) source.close?.();
    },
  };
}

function openSource(fields: ConnectorFields): ClosableSource {
  const source = fields.text('source');
  if (source === 'simulator') return makeSimulatorSource();
  const upstream = {
    baseUrl: fields.url('baseUrl'),
    ca: fields.optionalFile('caFile'),
    cert: fields.optionalFile('certFile'),
    key: fields.optionalFile('keyFile'),
    timeoutMs: fields.integer('timeoutMs', DEFAULT_TIMEOUT_MS, 60_000),
    callsAtOnce: fields.integer('callsAtOnce', DEFAULT_CALLS_AT_ONCE, 256),
  };
  switch (source) {
    case 'visa-vau':
      return makeVisaSource({
        ...upstream,
        user: fields.text('user'),
        password: fields.file('passwordFile').trim(),
        keyId: fields.text('keyId'),
        encryptionKey: fields.key('encryptionKeyFile', createPublicKey),
        decryptionKey: fields.key('decryptionKeyFile', createPrivateKey),
        enrolmentOf: fields.enrolments<VisaEnrolment>(({ acquirerSegmentId, merchantId }) => {
          const isSegment = Number.isInteger(acquirerSegmentId);
          return isSegment && /^[A-Za-z0-9]{12}$/.test(String(merchantId));
        }),
      });
    case 'mastercard-abu':
      return makeMastercardSource({
        ...upstream,
        consumerKey: fields.file('consumerKeyFile').trim(),
        signingKey: fields.file('signingKeyFile'),
        contactLetter: fields.optionalText('contactLetter') === 'Q' ? 'Q' : 'C',
        enrolmentOf: fields.enrolments<MastercardEnrolment>(({ ica, merchantId }) => {
          const isIca = /^[0-9]{4,15}$/.test(String(ica));
          return isIca && /^.{1,15}$/.test(String(merchantId ?? ''));
        }),
      });
    case 'http':
      return makeHttpSource({
        ...upstream,
        apiKey: fields.file('apiKeyFile').trim(),
        decryptionKey: fields.key('decryptionKeyFile', createPrivateKey),
        enrolmentOf: fields.enrolments<{ merchantId: string }>(({ merchantId }) =>
          /^[0-9a-f]{32}$/.test(String(merchantId)),
        ),
      });
    default:
      throw fields.wrong('source');
  }
}

type ConnectorFields = ReturnType<typeof makeFields>;

/** Reads the fields of one connector; whatever is wrong is an error that names it. */
function makeFields(path: string, home: string, scheme: string, given: unknown) {
  if (typeof given !== 'object' || given === null) throw wrong(path, scheme);
  const values = given as Fields;
  const fail = (name: string) => wrong(path, `${scheme}.${name}`);
  const fields = {
    wrong: fail,
    text(name: string): string {
      const value = values[name];
      if (typeof value !== 'string' || value === '') throw fail(name);
      return value;
    },
    optionalText: (name: string) => (values[name] === undefined ? undefined : fields.text(name)),
    url(name: string): string {
      const text = fields.text(name);
      if (!/^https:\/\/[^\s?#]*[^\s?#/]$/.test(text)) throw fail(name);
      return text;
    },
    integer(name: string, byDefault: number, max: number): number {
      const value = values[name] ?? byDefault;
      const isFit = typeof value === 'number' && Number.isInteger(value);
      if (!isFit || value < 1 || value > max) throw fail(name);
      return value;
    },
    /** Paths are relative to the folder of the service. */
    file(name: string): string {
      const file = resolve(home, fields.text(name));
      return reading(path, `${scheme}.${name}`, () => readFileSync(file, 'utf8'));
    },
    optionalFile: (name: string) => (values[name] === undefined ? undefined : fields.file(name)),
    key(name: string, parse: (pem: string) => KeyObject): KeyObject {
      const pem = fields.file(name);
      return reading(path, `${scheme}.${name}`, () => parse(pem));
    },
    /** By merchant id; `*` is for those that have no entry of their own. */
    enrolments<T>(isFit: (enrolment: Fields) => boolean) {
      const all = values.merchants;
      if (typeof all !== 'object' || all === null) throw fail('merchants');
      const byMerchant = new Map(Object.entries(all as Record<string, Fields>));
      for (const [merchant, enrolment] of byMerchant) {
        if (!isFit(enrolment)) throw fail(`merchants.${merchant}`);
      }
      return (merchantId: string) =>
        (byMerchant.get(merchantId) ?? byMerchant.get('*')) as T | undefined;
    },
  };
  return fields;
}

function wrong(path: string, field: string): Error {
  return new Error(`${path}: ${field} is missing or wrong`);
}

function reading<T>(path: string, field: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Error(`${path}: ${field} cannot be read (${code ?? 'wrong form'})`);
  }
}
