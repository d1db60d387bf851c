import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import type { Reply, Request, Send } from './send.ts';

export const CREATE = '/cards/embosser/l8vf';
export const INQUIRE = '/cards/embosser/card-pan-l8v2';
export const ACTION = '/cards/embosser/cardAction-L8V2';

/** What a FirstVision caller has. */
export interface CallerCredentials {
  readonly name: string;
  readonly clientId: string;
  readonly apikey: string;
  readonly secret: string;
}

/** The fields of every `data`; a route has some of them. */
export interface Data {
  readonly organizationNumber: number;
  readonly organizationAssociatedToForeignAccount: number;
  readonly logo: number;
  readonly accountNumber: string;
  readonly cardNumber: string;
  readonly cardSequence: number;
  readonly currentChipSequenceNumber: number;
  readonly panToken: string;
  readonly cardAction: number;
  readonly expiryDate: string;
  readonly customerNumber: string;
  readonly embosserName1: string;
  readonly embosserName2: string;
  readonly numberCardsRequested: number;
  readonly numberCardsReturned: number;
  readonly randomPin: number;
}

export interface Envelope {
  readonly hasError: boolean;
  readonly errors: readonly { readonly code: string; readonly description: string }[];
  readonly data: Data | null;
}

/** An answer in FirstVision's envelope. */
export interface EnvelopeReply extends Reply {
  readonly envelope: Envelope;
  /** The code of the one error; undefined where there is none. */
  readonly code: string | undefined;
  readonly data: Data;
}

export type Fields = Readonly<Record<string, unknown>>;

/** A client of the issuer's face: it signs in when it has to. */
export interface IssuerClient {
  readonly credentials: CallerCredentials;
  signIn(): Promise<string>;
  headers(): Promise<Record<string, string>>;
  /** Sends a request with the headers of this caller, or what stands in their place. */
  send(request: Request): Promise<EnvelopeReply>;
  create(fields?: Fields): Promise<EnvelopeReply>;
  inquire(fields: Fields): Promise<EnvelopeReply>;
  /** The token of a number: `C`. */
  tokenOf(organizationNumber: number, cardNumber: string, more?: Fields): Promise<EnvelopeReply>;
  /** The number of a token: `P`. */
  numberOf(organizationNumber: number, cardNumber: string, more?: Fields): Promise<EnvelopeReply>;
  act(fields: Fields): Promise<EnvelopeReply>;
}

export function makeIssuerClient(send: Send, credentials: CallerCredentials): IssuerClient {
  let bearer: Promise<string> | undefined;

  const client: IssuerClient = {
    credentials,
    async signIn() {
      const reply = await send(tokenRequest(credentials));
      assert.equal(reply.status, 200, reply.text);
      return JSON.parse(reply.text).access_token;
    },
    async headers() {
      bearer ??= client.signIn();
      return {
        'content-type': 'application/json',
        apikey: credentials.apikey,
        'x-clientid': credentials.clientId,
        authorization: `Bearer ${await bearer}`,
      };
    },
    async send(request) {
      const headers = { ...(await client.headers()), ...request.headers };
      const given = Object.entries(headers).filter(([, value]) => value !== '');
      return envelopeReply(await send({ ...request, headers: Object.fromEntries(given) }));
    },
    create: (fields = {}) =>
      client.send({
        method: 'POST',
        path: CREATE,
        body: JSON.stringify({
          organizationNumber: 100,
          postToAccount: '1',
          cardNumber: '',
          ...fields,
        }),
      }),
    inquire: (fields) =>
      client.send({ method: 'POST', path: INQUIRE, body: JSON.stringify(fields) }),
    tokenOf: (organizationNumber, cardNumber, more = {}) =>
      client.inquire({ organizationNumber, cardNumber, functionType: 'C', ...more }),
    numberOf: (organizationNumber, cardNumber, more = {}) =>
      client.inquire({ organizationNumber, cardNumber, functionType: 'P', ...more }),
    act: (fields) =>
      client.send({
        method: 'PUT',
        path: ACTION,
        body: JSON.stringify({ organizationNumber: 100, randomPin: 0, ...fields }),
      }),
  };
  return client;
}

/** `POST /token`, as it should be. */
export function tokenRequest({ apikey, secret }: CallerCredentials): Request {
  return {
    method: 'POST',
    path: '/token',
    headers: {
      apikey,
      authorization: `Basic ${Buffer.from(`${apikey}:${secret}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: 'grant_type=client_credentials',
  };
}

/** The headers that sign a body. */
export function signatureHeaders(
  { apikey, secret }: CallerCredentials,
  body: string,
  { id = randomUUID() as string, timestamp = String(Date.now()) } = {},
): Record<string, string> {
  const signature = createHmac('sha256', secret)
    .update(apikey + id + timestamp + body)
    .digest('base64');
  return { 'x-client-request-id': id, timestamp, signature };
}

/** Checks the form of the envelope, whatever it holds. */
function envelopeReply(reply: Reply): EnvelopeReply {
  const envelope: Envelope = JSON.parse(reply.text);
  assert.deepEqual(Object.keys(envelope).sort(), ['data', 'errors', 'hasError']);
  assert.equal(envelope.hasError, reply.status >= 400, reply.text);
  assert.equal(envelope.errors.length, envelope.hasError ? 1 : 0);
  assert.equal(envelope.data === null, envelope.hasError);
  return {
    ...reply,
    envelope,
    code: envelope.errors[0]?.code,
    get data() {
      assert(envelope.data, reply.text);
      return envelope.data;
    },
  };
}

/** A field of 19 without its zeros. */
export function unpad(field: string): string {
  assert.equal(field.length, 19);
  return field.replace(/^0+/, '');
}
