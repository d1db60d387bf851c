import { createHash, createVerify, type KeyObject } from 'node:crypto';
import {
  mastercardSandboxAnswer,
  replacementOf,
  SANDBOX_NEW_EXPIRY,
} from '../domain/sandbox-cards.ts';
import type { Reply, SchemeRequest, SchemeRules } from './scheme-server.ts';

/** What the simulated Mastercard knows of its one client. */
export interface MastercardSimulation {
  readonly consumerKey: string;
  /** The client's RSA public key: what it signs is verified with it. */
  readonly verificationKey: KeyObject;
  /** `schema`: accountNumber and expiryDate; `examples`: number and expiry. */
  spelling(): 'schema' | 'examples';
  url(): string;
}

export const MASTERCARD_SANDBOX_ENROLMENT = { ica: '1234', merchantId: '000000000000001' } as const;

const BASE_PATH = '/abu/accounts';

/** How far the time stamp of OAuth may be off. */
const WINDOW_SECONDS = 300;

type Fields = Readonly<Record<string, unknown>>;

/**
 * Mastercard Automatic Billing Updater as a client sees it: OAuth 1.0a with the body signed, one
 * account a call, the answer by its last digit.
 */
export function makeMastercardRules(simulation: MastercardSimulation): SchemeRules {
  const nonces = new Set<string>();
  const subscribed = new Set<string>();
  const changed = new Map<string, string>();

  function accept(path: string, account: string): Reply {
    if (path === '/subscription-inquiries') {
      return { status: 200, body: { subscribed: subscribed.has(account) } };
    }
    if (path === '/subscriptions') subscribed.add(account);
    else subscribed.delete(account);
    return { status: 202, body: {} };
  }

  return {
    async answer(request) {
      const problem = problemOf(simulation, request, nonces);
      if (problem !== undefined) return errorReply(401, problem);
      const path = request.path.slice(BASE_PATH.length);
      const { requestId, customer, account } = JSON.parse(request.body) as Record<string, Fields>;
      const digits = String(account?.accountNumber);
      const isWhole = requestId !== undefined && /^[0-9]{13,19}$/.test(digits);
      if (!isWhole || !/^(0[1-9]|1[0-2])[0-9]{2}$/.test(String(account?.expiryDate))) {
        return errorReply(400, 'INVALID_INPUT_FORMAT');
      }
      if (customer?.ica !== MASTERCARD_SANDBOX_ENROLMENT.ica) return errorReply(400, 'INVALID_ICA');
      if (path === '/inquiries') return inquire(simulation, digits, changed.get(digits));
      const known = ['/subscriptions', '/subscription-inquiries', '/subscription-deletions'];
      return known.includes(path) ? accept(path, digits) : errorReply(404, 'NOT_FOUND');
    },
    subscribed,
    async push(account, change) {
      changed.set(account, INDICATORS[change] ?? change);
      return JSON.stringify({
        abuReferenceId: 'simulated',
        oldAccountNumber: account,
        reasonIdentifier: change,
        eventDateTime: new Date().toISOString(),
        ica: MASTERCARD_SANDBOX_ENROLMENT.ica,
        merchants: [MASTERCARD_SANDBOX_ENROLMENT.merchantId],
      });
    },
  };
}

/** What is answered after a push of a letter. */
const INDICATORS: Readonly<Record<string, string>> = {
  ...{ A: 'ACCOUNT_UPDATE', C: 'CONTACT', E: 'EXPIRY', N: 'NON_PARTICIPATING', P: 'UNKNOWN' },
  V: 'VALID',
};

async function inquire(
  { spelling }: MastercardSimulation,
  digits: string,
  changedTo: string | undefined,
): Promise<Reply> {
  const responseIndicator = changedTo ?? mastercardSandboxAnswer(digits);
  if (responseIndicator === 'TIMEOUT') return new Promise(() => {}); // No answer ever.
  if (responseIndicator === 'ERROR') return errorReply(400, 'SYSTEM_ERROR');
  const isUpdate = responseIndicator === 'ACCOUNT_UPDATE';
  if (!isUpdate && responseIndicator !== 'EXPIRY')
    return { status: 200, body: { responseIndicator } };
  const number = isUpdate ? replacementOf(digits) : digits;
  const expiry = SANDBOX_NEW_EXPIRY.slice(4) + SANDBOX_NEW_EXPIRY.slice(2, 4);
  const account =
    spelling() === 'schema' ? { accountNumber: number, expiryDate: expiry } : { number, expiry };
  return { status: 200, body: { responseIndicator, account } };
}

function errorReply(status: number, ReasonCode: string): Reply {
  const error = { Source: 'ABU', ReasonCode, Description: '', Recoverable: false, Details: '' };
  return { status, body: { Errors: { Error: [error] } } };
}

/** OAuth 1.0a (RFC 5849) with the body hash extension: what is wrong with a request, if anything. */
function problemOf(
  { consumerKey, verificationKey, url }: MastercardSimulation,
  { path, headers, body }: SchemeRequest,
  nonces: Set<string>,
): string | undefined {
  const fields = new Map<string, string>();
  for (const [, name = '', value = ''] of (headers.authorization ?? '').matchAll(
    /(\w+)="([^"]*)"/g,
  )) {
    fields.set(name, decodeURIComponent(value));
  }
  const of = (name: string) => fields.get(`oauth_${name}`) ?? '';
  if (of('consumer_key') !== consumerKey) return 'AUTHENTICATION_FAILED';
  if (of('body_hash') !== createHash('sha256').update(body).digest('base64')) return 'BODY_HASH';
  const isTimely = Math.abs(Date.now() / 1000 - Number(of('timestamp'))) <= WINDOW_SECONDS;
  if (!isTimely || nonces.has(of('nonce'))) return 'NONCE_USED_OR_LATE';
  nonces.add(of('nonce'));
  const parameters = [...fields].filter(([name]) => name !== 'oauth_signature').sort(byName);
  // Mastercard's own signer encodes values once, with the whole list, and not twice as RFC 5849 has it.
  const list = parameters.map(([name, value]) => `${name}=${value}`).join('&');
  const base = ['POST', encode(url() + path), encode(list)].join('&');
  const isGenuine = createVerify('RSA-SHA256')
    .update(base)
    .verify(verificationKey, of('signature'), 'base64');
  return isGenuine ? undefined : 'SIGNATURE_INVALID';
}

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1;
}

/** RFC 5849, 3.6: all but the unreserved characters of RFC 3986. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (each) => {
    return `%${each.charCodeAt(0).toString(16).toUpperCase()}`;
  });
}
