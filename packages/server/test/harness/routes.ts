import assert from 'node:assert/strict';
import { REFUSALS } from '../../src/domain/error.ts';
import { ACTION, CREATE, INQUIRE } from './issuer-client.ts';
import { VALIDATE } from './merchant-client.ts';
import { BIN, freshPan, panOf } from './numbers.ts';
import type { Reply, Request } from './send.ts';
import type { TestService } from './service.ts';

export type FaceName = 'firstvision' | 'cardtokens' | 'problem';

/** A route with a body, and what a good request to it looks like. */
export interface JsonRoute {
  readonly method: 'POST' | 'PUT';
  readonly path: string;
  readonly face: FaceName;
  /** The field that holds a card number, where a JSON number must not be taken. */
  readonly numberField: string;
  headers(): Promise<Record<string, string>>;
  /** Good fields, new each time. */
  fields(): Promise<Record<string, unknown>>;
}

/** Every route that takes JSON. */
export function jsonRoutes({
  issuer,
  manager,
  merchant,
  registry,
}: TestService): readonly JsonRoute[] {
  const { merchantid } = merchant.credentials;
  const headers = () => issuer.headers();
  const newCard = async () => {
    const cardNumber = freshPan();
    const reply = await issuer.create({ cardNumber, expirationDate: '2030-11-01' });
    assert.equal(reply.status, 200, reply.text);
    return cardNumber;
  };
  const unusedPan = () => {
    const pan = freshPan();
    registry.add(pan);
    return pan;
  };
  const firstVision = { face: 'firstvision', numberField: 'cardNumber', headers } as const;
  const managed = {
    face: 'problem',
    numberField: 'pan',
    headers: () => manager.headers(),
  } as const;
  return [
    {
      ...firstVision,
      method: 'POST',
      path: CREATE,
      fields: async () => ({
        organizationNumber: 100,
        postToAccount: '1',
        cardNumber: unusedPan(),
        embossedName1: 'ANA',
      }),
    },
    {
      ...firstVision,
      method: 'POST',
      path: INQUIRE,
      fields: async () => ({
        organizationNumber: 100,
        cardNumber: await newCard(),
        cardSequence: 1,
        functionType: 'C',
      }),
    },
    {
      ...firstVision,
      method: 'PUT',
      path: ACTION,
      fields: async () => ({
        organizationNumber: 100,
        cardNumber: await newCard(),
        cardAction: 2,
        randomPin: 0,
      }),
    },
    {
      method: 'POST',
      path: VALIDATE,
      face: 'cardtokens',
      numberField: 'pan',
      headers: async () => merchant.headers(),
      fields: async () => ({
        pan: await newCard(),
        expmonth: '11',
        expyear: '2030',
        merchantid,
      }),
    },
    {
      method: 'POST',
      path: '/v1/account-changes',
      face: 'problem',
      numberField: 'pan',
      headers,
      fields: async () => ({
        organizationNumber: 100,
        changes: [{ reference: `ref-${Math.random()}`, kind: 'closed', pan: await newCard() }],
      }),
    },
    {
      ...managed,
      method: 'PUT',
      path: '/v1/bait',
      fields: async () => ({ organizationNumber: 100, pan: await newCard(), bait: true }),
    },
    {
      ...managed,
      method: 'POST',
      path: '/v1/card-status',
      fields: async () => ({ organizationNumber: 100, pan: await newCard(), expiry: '2030-11' }),
    },
  ];
}

const FACE_KEYS = {
  firstvision: ['data', 'errors', 'hasError'],
  cardtokens: ['code', 'correlationID', 'message'],
  problem: ['code', 'facts', 'requestId', 'status', 'title'],
};

/** Values that no answer may repeat. */
export const CANARY_PAN = panOf(BIN.mastercard, 31_337);
export const CANARY_TEXT = 'canary-6fa1';

/**
 * Checks that an answer is a refusal in the form of its face, with a code of the table, and that it
 * repeats nothing it was sent.
 *
 * @returns the code.
 */
export function demandRefusal(reply: Reply, face: FaceName, request?: Request): string {
  assert(reply.status >= 400 && reply.status < 500, `${reply.status} ${reply.text}`);
  const body = JSON.parse(reply.text);
  assert.deepEqual(Object.keys(body).sort(), FACE_KEYS[face], reply.text);
  const code = face === 'firstvision' ? body.errors[0].code : body.code;
  assert(code in REFUSALS || /^VPL5S[A-Z]{2}[0-9]{2}[ES]$/.test(code), reply.text);
  assert.equal(reply.headers['x-request-id'], body.requestId ?? reply.headers['x-request-id']);
  assert.equal(reply.headers['cache-control'], 'no-store');
  const type = face === 'problem' ? 'application/problem+json' : 'application/json';
  assert(String(reply.headers['content-type']).startsWith(type));
  const sent = /\d{12,19}/.exec(String(request?.body ?? ''))?.[0];
  for (const value of [CANARY_PAN, CANARY_TEXT, sent]) {
    if (value !== undefined) assert(!reply.text.includes(value), `${value} in ${reply.text}`);
  }
  return code;
}
