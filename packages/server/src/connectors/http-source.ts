import { constants, type KeyObject, privateDecrypt } from 'node:crypto';
import { Refusal } from '../domain/error.ts';
import { monthOf, parseExpiry, yearOf } from '../domain/expiry.ts';
import type { ValidationStatus } from '../domain/validation.ts';
import type {
  AccountInquiry,
  AccountUpdateSource,
  InquiryOutcome,
} from '../usecase/account-update-source.ts';
import { NO_PUSHES } from '../usecase/subscribe-cards.ts';
import { inCalls, outcomeOf } from './batches.ts';
import { type Fields, notUnderstood, numberIn, parseObject, textOf } from './reply-fields.ts';
import { makeUpstream, printable, type UpstreamOptions } from './upstream.ts';

export interface HttpSourceOptions extends Omit<UpstreamOptions, 'name'> {
  readonly apiKey: string;
  /** Ours, RSA: what the other service answers is encrypted to it by PKCS #1 v1.5. */
  readonly decryptionKey: KeyObject;
  /** As whom a merchant of ours is known there: 32 hexadecimal digits. */
  enrolmentOf(merchantId: string): { readonly merchantId: string } | undefined;
}

const NAME = 'http';
const PATH = '/api/cu/validatepan';
const LETTERS: readonly string[] = ['A', 'C', 'E', 'N', 'O', 'P', 'Q', 'V'];

/**
 * Somebody else's account updater that speaks validatepan as we do: another Pantoken, or Cardtokens.
 * One card a call. It is not subscribed to: rechecks find what changed.
 */
export function makeHttpSource(
  options: HttpSourceOptions,
): AccountUpdateSource & { close(): void } {
  const upstream = makeUpstream({ ...options, name: NAME });

  async function ask(inquiry: AccountInquiry): Promise<InquiryOutcome> {
    const { number, expiry, merchant } = inquiry;
    const enrolment = options.enrolmentOf(merchant.id);
    if (enrolment === undefined) {
      throw new Refusal('UPSTREAM_NOT_ENROLLED', { source: NAME, upstreamCode: 'LOCAL' });
    }
    const [expmonth, expyear] = [monthOf(expiry), yearOf(expiry)];
    const fields = { pan: number.reveal(), expmonth, expyear, merchantid: enrolment.merchantId };
    const { status, body } = await upstream.call({
      method: 'POST',
      path: PATH,
      body: JSON.stringify(fields),
      headers: () => ({ 'content-type': 'application/json', 'x-api-key': options.apiKey }),
      isRepeatable: true,
    });
    if (status !== 200) throw refusalOf(status, body);
    return outcomeOf(() => read(open(options.decryptionKey, parseObject(NAME, body))));
  }

  return {
    name: NAME,
    limits: { inquiriesPerCall: 1, callsAtOnce: options.callsAtOnce },
    inquire: (inquiries) =>
      inCalls<InquiryOutcome>(
        inquiries,
        1,
        (asked) => Promise.all(asked.map(ask)),
        (refusal) => ({ refusal }),
      ),
    ...NO_PUSHES,
    close: upstream.close,
  };
}

function open(key: KeyObject, { encdata }: Fields): Fields {
  let bytes: Uint8Array;
  try {
    const padding = constants.RSA_PKCS1_PADDING;
    bytes = privateDecrypt({ key, padding }, Buffer.from(textOf(encdata), 'base64'));
  } catch {
    throw notUnderstood(NAME, 'not decrypted');
  }
  return parseObject(NAME, bytes);
}

function refusalOf(status: number, body: Uint8Array): Refusal {
  let code = '';
  try {
    code = textOf(parseObject(NAME, body).code);
  } catch {
    // The status is all there is.
  }
  const facts = { source: NAME, upstreamCode: printable(code === '' ? `HTTP ${status}` : code) };
  if (status === 401 || status === 403) return new Refusal('UPSTREAM_CREDENTIALS_REFUSED', facts);
  if (status === 400) return new Refusal('UPSTREAM_CARD_REJECTED', facts);
  return new Refusal('UPSTREAM_REFUSED', facts);
}

function read(fields: Fields): InquiryOutcome {
  const letter = textOf(fields.status);
  if (!LETTERS.includes(letter)) throw notUnderstood(NAME, letter);
  const status = letter as ValidationStatus;
  if (status !== 'A' && status !== 'E') return { update: { status } };
  let newExpiry: ReturnType<typeof parseExpiry>;
  try {
    newExpiry = parseExpiry(textOf(fields.newexpmonth), textOf(fields.newexpyear));
  } catch {
    throw notUnderstood(NAME, 'new expiry');
  }
  if (status === 'E') return { update: { status, newExpiry } };
  return { update: { status, newNumber: numberIn(NAME, fields.newpan), newExpiry } };
}
