import assert from 'node:assert/strict';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Caller } from '../../domain/caller.ts';
import { Refusal } from '../../domain/error.ts';
import { ACCESS_TOKEN_LIFETIME_SECONDS, type Authenticate } from '../../usecase/authenticate.ts';
import { check } from '../check.ts';
import { originOf } from '../origin.ts';
import { keepRequester } from '../requester.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks for an access token, with its secret. */
    applicant: Caller | undefined;
  }
}

const Answer = Type.Object({
  token_type: Type.Literal('BearerToken'),
  issued_at: Type.String({ description: 'Milliseconds since 1970 UTC.' }),
  client_id: Type.String(),
  access_token: Type.String(),
  expires_in: Type.String({ description: 'Seconds.' }),
  status: Type.Literal('approved'),
});

/** The form is read by hand: of a parameter that is sent twice a schema would see one. */
const DOCUMENT = {
  summary: 'An access token for an apikey and its secret (OAuth 2.0 client credentials)',
  consumes: ['application/x-www-form-urlencoded'],
  security: [{ apikey: [], basic: [] }],
  body: Type.Object({ grant_type: Type.Literal('client_credentials') }),
};

/**
 * `POST /token`: an access token for an apikey and its secret (OAuth 2.0 client credentials,
 * RFC 6749, 4.4). The answer has no envelope, as at FirstVision. Credentials come before the body: a
 * stranger's is not waited for.
 */
export function registerAccessToken(app: FastifyInstance, authenticate: Authenticate): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: 1024 },
    async (_request: unknown, body: string | Buffer) => new URLSearchParams(String(body)),
  );

  app.decorateRequest('applicant', undefined);
  const onRequest = check((request) => {
    const { apikey, secret } = credentialsOf(request);
    request.applicant = authenticate.secret(apikey, secret, originOf(request));
    keepRequester(request, `caller:${request.applicant.id}`);
  });
  const schema = { response: { 200: Answer } };
  const options = { schema, config: { openapi: DOCUMENT }, onRequest };
  app.post<{ Body: URLSearchParams | undefined }>('/token', options, async (request) => {
    // RFC 6749, 3.2: parameters we do not know are ignored, one sent twice is refused.
    const grants = request.body?.getAll('grant_type') ?? [];
    if (grants.length !== 1 || grants[0] !== 'client_credentials') {
      throw new Refusal('REQUEST_INVALID', { field: 'grant_type' });
    }
    const caller = request.applicant;
    assert(caller, 'this route checks credentials first');
    const { accessToken, issuedAtMs } = await authenticate.grant(caller);
    return {
      token_type: 'BearerToken',
      issued_at: String(issuedAtMs),
      client_id: caller.clientId,
      access_token: accessToken,
      expires_in: String(ACCESS_TOKEN_LIFETIME_SECONDS),
      status: 'approved',
    };
  });
}

/** Both headers name the same apikey. @throws {Refusal} `CREDENTIALS_INVALID` */
function credentialsOf({ headers }: FastifyRequest): { apikey: string; secret: string } {
  const credentials = parseBasic(headers.authorization ?? '');
  if (credentials.apikey !== headers.apikey) throw new Refusal('CREDENTIALS_INVALID');
  return credentials;
}

/** RFC 7617: the name ends at the first colon. @throws {Refusal} `CREDENTIALS_INVALID` */
function parseBasic(authorization: string): { apikey: string; secret: string } {
  const [, encoded = ''] = /^Basic ([A-Za-z0-9+/]+={0,2})$/i.exec(authorization) ?? [];
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 1) throw new Refusal('CREDENTIALS_INVALID');
  return { apikey: text.slice(0, colon), secret: text.slice(colon + 1) };
}
