import type { KeyObject } from 'node:crypto';
import { CompactEncrypt, compactDecrypt } from 'jose';
import { Refusal } from '../domain/error.ts';
import { monthOf, yearOf } from '../domain/expiry.ts';
import { CardNumber } from '../domain/pan.ts';
import type { ValidationStatus } from '../domain/validation.ts';
import type {
  AccountInquiry,
  AccountUpdateSource,
  InquiryOutcome,
} from '../usecase/account-update-source.ts';
import { inCalls, nameOfEnrolment, outcomeOf } from './batches.ts';
import {
  expiryIn,
  type Fields,
  listOf,
  notUnderstood,
  numberIn,
  parseObject,
  textOf,
} from './reply-fields.ts';
import { makeUpstream, printable, type UpstreamOptions } from './upstream.ts';

/** As whom a merchant is enrolled. */
export interface VisaEnrolment {
  readonly acquirerSegmentId: number;
  /** 12 characters. */
  readonly merchantId: string;
  readonly subMerchantName?: string | undefined;
}

export interface VisaOptions extends Omit<UpstreamOptions, 'name'> {
  readonly user: string;
  readonly password: string;
  /** Names the pair of encryption keys: header `keyId`, and `kid` of what we send. */
  readonly keyId: string;
  /** Visa's RSA key: what we send is encrypted to it. */
  readonly encryptionKey: KeyObject;
  /** Our own RSA key: what Visa answers is encrypted to it. */
  readonly decryptionKey: KeyObject;
  enrolmentOf(merchantId: string): VisaEnrolment | undefined;
  /** Whether pushes are taken, and so asked for. */
  readonly isPushed: boolean;
}

const NAME = 'visa-vau';
const INQUIRIES_PER_CALL = 100;
const INQUIRY_PATH = '/vau/acquirer-api/v1/inquiry';
const SUBSCRIPTION_PATH = '/vau/subscription-api/v1/subscriptions';

/** What a 409 means, by its code. */
const REFUSAL_OF_CODE: Readonly<Record<string, 'UPSTREAM_NOT_ENROLLED'>> = {
  A: 'UPSTREAM_NOT_ENROLLED', // the acquirer's segment
  M: 'UPSTREAM_NOT_ENROLLED', // the merchant
  X: 'UPSTREAM_NOT_ENROLLED', // the acquirer is in test mode
};

/** Visa Account Updater, real-time inquiry: up to 100 cards a call, some of which may be rejected. */
export function makeVisaSource(options: VisaOptions): AccountUpdateSource & { close(): void } {
  const upstream = makeUpstream({ ...options, name: NAME });
  const authorization = `Basic ${Buffer.from(`${options.user}:${options.password}`).toString('base64')}`;

  async function call(path: string, fields: Fields, isRepeatable: boolean): Promise<Fields> {
    const encData = await encrypt(options, fields);
    const { status, body } = await upstream.call({
      method: 'POST',
      path,
      body: JSON.stringify({ encData }),
      headers: () => ({ 'content-type': 'application/json', authorization, keyId: options.keyId }),
      isRepeatable,
    });
    if (status === 200) return decrypt(options, body);
    throw refusalOf(status, await decrypt(options, body).catch(() => ({})));
  }

  async function ask(path: string, inquiries: readonly AccountInquiry[], isRepeatable: boolean) {
    const enrolment = options.enrolmentOf(inquiries[0]?.merchant.id ?? '');
    if (enrolment === undefined) throw notEnrolled('LOCAL');
    return call(path, { ...enrolment, inquiries: inquiries.map(rowOf) }, isRepeatable);
  }

  /** Repeating could subscribe twice where the first answer was lost, so it is not repeated. */
  const subscription = (path: string) => (inquiries: readonly AccountInquiry[]) =>
    inCalls<Refusal | undefined>(
      inquiries,
      INQUIRIES_PER_CALL,
      async (asked) => {
        const reply = await ask(path, asked, false);
        return asked.map((inquiry) => rejectionOf(reply, inquiry));
      },
      (refusal) => refusal,
    );

  return {
    name: NAME,
    limits: { inquiriesPerCall: INQUIRIES_PER_CALL, callsAtOnce: options.callsAtOnce },
    inquire: (inquiries) =>
      inCalls<InquiryOutcome>(
        inquiries,
        INQUIRIES_PER_CALL,
        async (asked) => {
          const reply = await ask(INQUIRY_PATH, asked, true);
          return asked.map((inquiry) => outcomeOf(() => readRow(reply, inquiry)));
        },
        (refusal) => ({ refusal }),
      ),
    pushes: options.isPushed,
    subscriberOf: (merchantId) => nameOfEnrolment(options.enrolmentOf(merchantId)),
    subscribe: subscription(SUBSCRIPTION_PATH),
    unsubscribe: subscription(`${SUBSCRIPTION_PATH}/delete`),
    async handleCallback(body) {
      const fields = await decrypt(options, body).catch(() => {
        throw new Refusal('ENCDATA_UNREADABLE');
      });
      const hints: { number: CardNumber }[] = [];
      const rows = listOf(fields.updates ?? fields.responses).map((row) => {
        const digits = textOf(row.oldCardholderAccountNumber);
        const isNumber = /^[0-9]{12,19}$/.test(digits);
        if (isNumber) hints.push({ number: CardNumber.parseNumber(digits) });
        return { status: isNumber ? 'S' : 'F' };
      });
      return { hints, acknowledgement: { acknowledgements: rows } };
    },
    close: upstream.close,
  };
}

function rowOf({ number, expiry }: AccountInquiry): Fields {
  const expirationDate = yearOf(expiry).slice(2) + monthOf(expiry);
  return { cardholderAccountNumber: number.reveal(), expirationDate };
}

/** `encData`: a compact JWE of the fields, by RSA-OAEP-256 and A256GCM. */
async function encrypt({ keyId, encryptionKey }: VisaOptions, fields: Fields): Promise<string> {
  return new CompactEncrypt(Buffer.from(JSON.stringify(fields), 'utf8'))
    .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', kid: keyId, iat: Date.now() })
    .encrypt(encryptionKey);
}

/** @throws {Refusal} `UPSTREAM_ANSWER_UNKNOWN` */
async function decrypt({ decryptionKey }: VisaOptions, body: Uint8Array): Promise<Fields> {
  const encData = textOf(parseObject(NAME, body).encData);
  const opened = await compactDecrypt(encData, decryptionKey, {
    keyManagementAlgorithms: ['RSA-OAEP-256'],
    contentEncryptionAlgorithms: ['A128GCM', 'A256GCM'],
  }).catch(() => {
    throw notUnderstood(NAME, 'not decrypted');
  });
  return parseObject(NAME, opened.plaintext);
}

/** A refusal of a whole call. */
function refusalOf(status: number, fields: Fields): Refusal {
  const nested = (fields.responseStatus ?? {}) as Fields;
  const code = textOf(fields.responseCode ?? nested.code ?? fields.code);
  const facts = { source: NAME, upstreamCode: printable(code === '' ? `HTTP ${status}` : code) };
  if (status === 202) return new Refusal('UPSTREAM_PENDING', facts);
  if (status === 401 || status === 403) return new Refusal('UPSTREAM_CREDENTIALS_REFUSED', facts);
  const known = status === 409 ? REFUSAL_OF_CODE[code] : undefined;
  return new Refusal(known ?? 'UPSTREAM_REFUSED', facts);
}

function notEnrolled(upstreamCode: string): Refusal {
  return new Refusal('UPSTREAM_NOT_ENROLLED', { source: NAME, upstreamCode });
}

function rejectionOf(reply: Fields, { number }: AccountInquiry): Refusal | undefined {
  const digits = number.reveal();
  const row = listOf(reply.rejects).find((each) => textOf(each.cardholderAccountNumber) === digits);
  if (row === undefined) return undefined;
  const upstreamCode = printable(textOf(row.rejectReasonCode));
  return new Refusal('UPSTREAM_CARD_REJECTED', { source: NAME, upstreamCode });
}

/** The letters of Visa are those of validatepan; there are others, and they are not known here. */
const LETTERS: readonly string[] = ['A', 'C', 'E', 'N', 'O', 'P', 'Q', 'V'];

/** @throws {Refusal} `UPSTREAM_CARD_REJECTED`, `UPSTREAM_ANSWER_UNKNOWN` */
function readRow(reply: Fields, inquiry: AccountInquiry): InquiryOutcome {
  const rejection = rejectionOf(reply, inquiry);
  if (rejection !== undefined) throw rejection;
  const digits = inquiry.number.reveal();
  const row = listOf(reply.responses).find(
    (each) => textOf(each.oldCardholderAccountNumber) === digits,
  );
  if (row === undefined) throw notUnderstood(NAME, 'no row');
  const letter = textOf(row.serviceIdentifier);
  if (!LETTERS.includes(letter)) throw notUnderstood(NAME, letter);
  const status = letter as ValidationStatus;
  if (status !== 'A' && status !== 'E') return { update: { status } };
  const newExpiry = expiryIn(NAME, row.newExpirationDate, 'YYMM');
  if (status === 'E') return { update: { status, newExpiry } };
  const newNumber = numberIn(NAME, row.newCardholderAccountNumber);
  return { update: { status, newNumber, newExpiry } };
}
