import { createPrivateKey, createPublicKey } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseFingerprint } from '../domain/access.ts';
import type { Scheme } from '../domain/scheme.ts';
import { DEFAULT_SCHEDULE, type UpdaterSchedule } from '../domain/watch-schedule.ts';
import type { AccountUpdateSource, CallbackGuard } from '../usecase/account-update-source.ts';
import { makeCallbackGuard } from './callback-guard.ts';
import { makeHttpSource } from './http-source.ts';
import { joinInquiries } from './join-inquiries.ts';
import { type MastercardEnrolment, makeMastercardSource } from './mastercard-abu.ts';
import type { Fields } from './reply-fields.ts';
import { makeSimulatorSource } from './simulator-source.ts';
import { makeFields, reading, type UpdaterFields, wrong } from './updater-fields.ts';
import { makeVisaSource, type VisaEnrolment } from './visa-vau.ts';

/** What an operator has decided about the account updater. */
export interface UpdaterSettings {
  /** The sources of the schemes that are connected. */
  readonly schemes: Partial<Record<Scheme, AccountUpdateSource>>;
  /** How each of them is known when it pushes; it is not taken from whoever else. */
  readonly guards: Partial<Record<Scheme, CallbackGuard>>;
  readonly schedule: UpdaterSchedule;
  readonly notifications: {
    /** Hosts that may be on a private network, by name. */
    readonly allowedHosts: readonly string[];
    /** PEM of authorities that receivers may have their certificates from, beside the usual ones. */
    readonly ca: string | undefined;
    readonly timeoutMs: number;
  };
  /** Lets go of the connections of the schemes. */
  close(): void;
}

/** In the folder of a service. It names files of secrets and holds none. */
export const UPDATER_FILE = 'updater.json';

/** A merchant waits for the answer, perhaps through two repeats. */
const DEFAULT_TIMEOUT_MS = 5_000;
const DEFAULT_CALLS_AT_ONCE = 8;
const DEFAULT_NOTIFICATION_TIMEOUT_MS = 10_000;

type ClosableSource = AccountUpdateSource & { close?(): void };

/**
 * Reads `updater.json` of a folder: `visa`, `mastercard`, `schedule`, `notifications`, all of them
 * optional, as is the file.
 *
 * @throws {Error} naming the field or file that is missing or wrong, without its contents.
 */
export function readUpdaterFile(home: string): UpdaterSettings {
  const path = join(home, UPDATER_FILE);
  const read = () => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {});
  const all = reading(path, 'it', read) as Fields;
  const unknown = Object.keys(all).find((name) => !SECTIONS.includes(name));
  if (unknown !== undefined) throw wrong(path, unknown);
  const section = (name: string) => makeFields(path, home, name, all[name] ?? {});
  const opened: ClosableSource[] = [];
  const schemes: Partial<Record<Scheme, AccountUpdateSource>> = {};
  const guards: Partial<Record<Scheme, CallbackGuard>> = {};
  for (const scheme of ['visa', 'mastercard'] as const) {
    if (all[scheme] === undefined) continue;
    const guard = readGuard(section(scheme));
    if (guard !== undefined) guards[scheme] = guard;
    const source = openSource(section(scheme), guard !== undefined);
    opened.push(source);
    schemes[scheme] = joinInquiries(source);
  }
  const notifications = section('notifications');
  return {
    schemes,
    guards,
    schedule: readSchedule(section('schedule')),
    notifications: {
      allowedHosts: notifications.texts('allowedHosts'),
      ca: notifications.optionalFile('caFile'),
      timeoutMs: notifications.integer('timeoutMs', DEFAULT_NOTIFICATION_TIMEOUT_MS, 60_000),
    },
    close() {
      for (const source of opened) source.close?.();
    },
  };
}

const SECTIONS = ['visa', 'mastercard', 'schedule', 'notifications'];

/** The schemes ask for a recheck after 180 days at the latest. */
const RECHECK_DAYS_MAX = 180;

function readSchedule(fields: UpdaterFields): UpdaterSchedule {
  const { firstCheckHours, recheckDays, retriesMax, retryMinutes } = DEFAULT_SCHEDULE;
  return {
    firstCheckHours: fields.integer('firstCheckHours', firstCheckHours, firstCheckHours),
    recheckDays: fields.integer('recheckDays', recheckDays, RECHECK_DAYS_MAX),
    retriesMax: fields.integer('retriesMax', retriesMax, 1_000),
    retryMinutes: fields.integer('retryMinutes', retryMinutes, 24 * 60),
  };
}

/** The shortest secret that nobody guesses: 32 characters. */
const CALLBACK_SECRET = /^[A-Za-z0-9_-]{32,128}$/;

/** `callback`: `certificates`, `secretFile`, or both. Without it nothing is subscribed to. */
function readGuard(scheme: UpdaterFields): CallbackGuard | undefined {
  const fields = scheme.section('callback');
  if (fields === undefined) return undefined;
  const certificates = fields.texts('certificates').map((text) => {
    const fingerprint = parseFingerprint(text);
    if (fingerprint === undefined) throw fields.wrong('certificates');
    return fingerprint;
  });
  const secret = fields.optionalFile('secretFile')?.trim();
  if (secret !== undefined && !CALLBACK_SECRET.test(secret)) throw fields.wrong('secretFile');
  if (certificates.length === 0 && secret === undefined) throw fields.wrong('certificates');
  return makeCallbackGuard({ certificates, secret });
}

function openSource(fields: UpdaterFields, isPushed: boolean): ClosableSource {
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
        isPushed,
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
        isPushed,
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
