import { randomUUID } from 'node:crypto';
import OAuth from 'mastercard-oauth1-signer';
import { Refusal } from '../domain/error.ts';
import { monthOf, yearOf } from '../domain/expiry.ts';
import { CardNumber } from '../domain/pan.ts';
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
import { makeUpstream, printable, type UpstreamOptions, type UpstreamReply } from './upstream.ts';

/** As whom a merchant is enrolled. */
export interface MastercardEnrolment {
  /** 4 to 15 digits: the acquirer. */
  readonly ica: string;
  /** 15 characters. */
  readonly merchantId: string;
  readonly subMerchantId?: string | undefined;
}

export interface MastercardOptions extends Omit<UpstreamOptions, 'name'> {
  readonly consumerKey: string;
  /** PEM, RSA. */
  readonly signingKey: string;
  /** What `CONTACT` is told as: the scheme's own pages disagree. */
  readonly contactLetter: 'C' | 'Q';
  enrolmentOf(merchantId: string): MastercardEnrolment | undefined;
  /** Whether pushes are taken, and so asked for. */
  readonly isPushed: boolean;
}

const NAME = 'mastercard-abu';

/**
 * Mastercard Automatic Billing Updater: one account a call, {@link UpstreamOptions.callsAtOnce} calls
 * at once, signed by OAuth 1.0a.
 */
export function makeMastercardSource(
  options: MastercardOptions,
): AccountUpdateSource & { close(): void } {
  const upstream = makeUpstream({ ...options, name: NAME });

  async function call(
    path: string,
    inquiry: AccountInquiry,
    isRepeatable: boolean,
  ): Promise<UpstreamReply> {
    const customer = options.enrolmentOf(inquiry.merchant.id);
    if (customer === undefined) {
      throw new Refusal('UPSTREAM_NOT_ENROLLED', { source: NAME, upstreamCode: 'LOCAL' });
    }
    // One id for all attempts: a repeated inquiry is the same inquiry.
    const body = JSON.stringify({ requestId: randomUUID(), customer, account: accountOf(inquiry) });
    const { baseUrl, consumerKey, signingKey } = options;
    const reply = await upstream.call({
      method: 'POST',
      path,
      body,
      headers: () => ({
        'content-type': 'application/json',
        authorization: OAuth.getAuthorizationHeader(
          ...([baseUrl + path, 'POST', body, consumerKey, signingKey] as const),
        ),
      }),
      isRepeatable,
    });
    if (reply.status >= 400) throw refusalOf(reply);
    return reply;
  }

  /** Repeating could subscribe twice where the first answer was lost, so it is not repeated. */
  const subscription = (path: string) => (inquiries: readonly AccountInquiry[]) =>
    inCalls<Refusal | undefined>(
      inquiries,
      1,
      async (asked) => {
        for (const inquiry of asked) await call(path, inquiry, false);
        return [undefined];
      },
      (refusal) => refusal,
    );

  return {
    name: NAME,
    limits: { inquiriesPerCall: 1, callsAtOnce: options.callsAtOnce },
    inquire: (inquiries) =>
      inCalls<InquiryOutcome>(
        inquiries,
        1,
        async (asked) => {
          const outcomes: InquiryOutcome[] = [];
          for (const inquiry of asked) {
            const { status, body } = await call('/inquiries', inquiry, true);
            if (status !== 200) throw notUnderstood(NAME, `HTTP ${status}`);
            outcomes.push(outcomeOf(() => readReply(parseObject(NAME, body), options)));
          }
          return outcomes;
        },
        (refusal) => ({ refusal }),
      ),
    pushes: options.isPushed,
    subscriberOf: (merchantId) => nameOfEnrolment(options.enrolmentOf(merchantId)),
    subscribe: subscription('/subscriptions'),
    unsubscribe: subscription('/subscription-deletions'),
    async handleCallback(body) {
      const fields = parseCallback(body);
      const digits = textOf(fields.oldAccountNumber);
      if (!/^[0-9]{12,19}$/.test(digits)) {
        throw new Refusal('REQUEST_INVALID', { field: 'oldAccountNumber' });
      }
      return { hints: [{ number: CardNumber.parseNumber(digits) }] };
    },
    close: upstream.close,
  };
}

function accountOf({ number, expiry }: AccountInquiry): Fields {
  const expiryDate = monthOf(expiry) + yearOf(expiry).slice(2);
  return { accountNumber: number.reveal(), expiryDate };
}

function parseCallback(body: Uint8Array): Fields {
  try {
    return parseObject(NAME, body);
  } catch (cause) {
    throw new Refusal('REQUEST_INVALID', { field: 'body' }, { cause });
  }
}

/** `{ Errors: { Error: [{ ReasonCode }] } }` */
function refusalOf({ status, body }: UpstreamReply): Refusal {
  let reason = '';
  try {
    const { Errors } = parseObject(NAME, body);
    reason = textOf(listOf((Errors as Fields | undefined)?.Error)[0]?.ReasonCode);
  } catch {
    // Not even their own error form: the status is all there is.
  }
  const upstreamCode = printable(reason === '' ? `HTTP ${status}` : reason);
  const isCredentials = status === 401 || status === 403;
  const code = isCredentials ? 'UPSTREAM_CREDENTIALS_REFUSED' : 'UPSTREAM_REFUSED';
  return new Refusal(code, { source: NAME, upstreamCode });
}

/** @throws {Refusal} `UPSTREAM_ANSWER_UNKNOWN` */
function readReply(reply: Fields, { contactLetter }: MastercardOptions): InquiryOutcome {
  const indicator = textOf(reply.responseIndicator);
  // The schema says accountNumber and expiryDate, its examples number and expiry.
  const account = (reply.account ?? {}) as Fields;
  const newExpiry = () => expiryIn(NAME, account.expiryDate ?? account.expiry, 'MMYY');
  switch (indicator) {
    case 'VALID':
      return { update: { status: 'V' } };
    case 'UNKNOWN':
      return { update: { status: 'P' } };
    case 'NON_PARTICIPATING':
      return { update: { status: 'N' } };
    case 'CONTACT':
      return { update: { status: contactLetter } };
    case 'EXPIRY':
      return { update: { status: 'E', newExpiry: newExpiry() } };
    case 'ACCOUNT_UPDATE': {
      const newNumber = numberIn(NAME, account.accountNumber ?? account.number);
      return { update: { status: 'A', newNumber, newExpiry: newExpiry() } };
    }
    default:
      throw notUnderstood(NAME, indicator);
  }
}
