import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { CompactEncrypt, compactDecrypt } from 'jose';
import { replacementOf, SANDBOX_NEW_EXPIRY, VISA_SANDBOX } from '../domain/sandbox-cards.ts';
import type { Reply, SchemeRequest, SchemeRules } from './scheme-server.ts';

/** What the simulated Visa knows of its one client. */
export interface VisaSimulation {
  readonly user: string;
  readonly password: string;
  readonly keyId: string;
  /** Opens what the client sends. */
  readonly ownKey: KeyObject;
  /** The client's: what it is answered is encrypted to it. */
  readonly clientKey: KeyObject;
}

/** The sandbox's own enrolment. */
export const VISA_SANDBOX_ENROLMENT = { acquirerSegmentId: 2, merchantId: '00000067625P' } as const;

const INQUIRY_PATH = '/vau/acquirer-api/v1/inquiry';
const SUBSCRIPTION_PATH = '/vau/subscription-api/v1/subscriptions';
const INQUIRIES_MAX = 100;

type Fields = Readonly<Record<string, unknown>>;

/** The two RSA pairs of message-level encryption, one for each way. */
export function makeVisaKeys() {
  const pair = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { scheme: pair(), client: pair() };
}

/**
 * Visa Account Updater as a client sees it: mutual TLS, Basic, JWE both ways, rejections row by row,
 * and 409 with the code of what is not enrolled. Segment 3 is in test mode, segment 4 gives letter G.
 */
export function makeVisaRules(simulation: VisaSimulation): SchemeRules {
  const { user, password, keyId } = simulation;
  const basic = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const subscribed = new Set<string>();
  const changed = new Map<string, string>();

  async function answer(request: SchemeRequest): Promise<Reply> {
    if (!request.hasCertificate || request.headers.authorization !== basic) {
      return { status: 401, body: {} };
    }
    const fields = await open(simulation, request);
    if (fields === undefined) return seal(simulation, 400, { responseCode: 'B' });
    const refused = refusalOf(fields);
    if (refused !== undefined) return seal(simulation, 409, { responseCode: refused });
    const rows = fields.inquiries as readonly Fields[];
    if (request.path === INQUIRY_PATH) return seal(simulation, 200, inquire(fields, rows, changed));
    if (!request.path.startsWith(SUBSCRIPTION_PATH)) return { status: 404, body: {} };
    for (const { cardholderAccountNumber } of rows) {
      if (request.path.endsWith('/delete')) subscribed.delete(String(cardholderAccountNumber));
      else subscribed.add(String(cardholderAccountNumber));
    }
    return seal(simulation, 200, { rejects: [] });
  }

  return {
    answer,
    subscribed,
    async push(account, change) {
      changed.set(account, change);
      const update = rowOf({ cardholderAccountNumber: account, expirationDate: '' }, changed);
      const { body } = await seal(simulation, 200, { updates: [update], keyId });
      return JSON.stringify(body);
    },
  };
}

async function open(
  { keyId, ownKey }: VisaSimulation,
  { headers, body }: SchemeRequest,
): Promise<Fields | undefined> {
  try {
    const { plaintext, protectedHeader } = await compactDecrypt(JSON.parse(body).encData, ownKey);
    const { alg, kid, iat } = protectedHeader;
    const isRight = alg === 'RSA-OAEP-256' && kid === keyId && headers.keyid === keyId;
    if (!isRight || typeof iat !== 'number') return undefined;
    return JSON.parse(Buffer.from(plaintext).toString('utf8'));
  } catch {
    return undefined;
  }
}

async function seal(
  { keyId, clientKey }: VisaSimulation,
  status: number,
  fields: Fields,
): Promise<Reply> {
  const encData = await new CompactEncrypt(Buffer.from(JSON.stringify(fields), 'utf8'))
    .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A128GCM', kid: keyId, iat: Date.now() })
    .encrypt(clientKey.type === 'private' ? createPublicKey(clientKey) : clientKey);
  return { status, body: { encData } };
}

/** 409: A segment, M merchant, X test mode, V no data, 9 too many. */
function refusalOf({ acquirerSegmentId, merchantId, inquiries }: Fields): string | undefined {
  if (acquirerSegmentId === 3) return 'X';
  if (acquirerSegmentId !== 2 && acquirerSegmentId !== 4) return 'A';
  if (merchantId !== VISA_SANDBOX_ENROLMENT.merchantId) return 'M';
  if (!Array.isArray(inquiries) || inquiries.length === 0) return 'V';
  return inquiries.length > INQUIRIES_MAX ? '9' : undefined;
}

function inquire(
  { acquirerSegmentId }: Fields,
  rows: readonly Fields[],
  changed: ReadonlyMap<string, string>,
): Fields {
  const responses: Fields[] = [];
  const rejects: Fields[] = [];
  for (const row of rows) {
    const rejectReasonCode = rejectionOf(row);
    if (rejectReasonCode !== undefined) rejects.push({ ...row, rejectReasonCode });
    else if (acquirerSegmentId === 4)
      responses.push({ ...rowOf(row, changed), serviceIdentifier: 'G' });
    else responses.push(rowOf(row, changed));
  }
  return { responses, rejects };
}

/** 1 first digit, 3 not numeric, 4 length, 5 expiry. */
function rejectionOf({ cardholderAccountNumber, expirationDate }: Fields): string | undefined {
  const digits = String(cardholderAccountNumber);
  if (!/^[0-9]+$/.test(digits)) return '3';
  if (!/^[2-6]/.test(digits)) return '1';
  if (![13, 15, 16, 19].includes(digits.length)) return '4';
  return /^[0-9]{2}(0[1-9]|1[0-2])$/.test(String(expirationDate)) ? undefined : '5';
}

/** As the sandbox has it, or as it was pushed. */
function rowOf(
  { cardholderAccountNumber, expirationDate }: Fields,
  changed: ReadonlyMap<string, string>,
): Fields {
  const digits = String(cardholderAccountNumber);
  const known = changed.has(digits)
    ? changedTo(digits, changed.get(digits) ?? '')
    : (VISA_SANDBOX[digits] ?? { status: 'P' });
  const { status: serviceIdentifier, newNumber = '', newExpiry = '' } = known;
  return {
    oldCardholderAccountNumber: digits,
    oldExpirationDate: expirationDate,
    newCardholderAccountNumber: serviceIdentifier === 'V' ? digits : newNumber,
    newExpirationDate: newExpiry.slice(2),
    serviceIdentifier,
    previouslySentFlag: 'N',
  };
}

function changedTo(digits: string, status: string) {
  const newNumber = status === 'A' ? replacementOf(digits) : '';
  return { status, newNumber, newExpiry: 'AE'.includes(status) ? SANDBOX_NEW_EXPIRY : '' };
}
