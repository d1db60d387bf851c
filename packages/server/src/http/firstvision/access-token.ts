import type { FastifyInstance } from 'fastify';
import { Refusal } from '../../domain/error.ts';
import { ACCESS_TOKEN_LIFETIME_SECONDS, type Authenticate } from '../../usecase/authenticate.ts';
import { originOf } from '../origin.ts';

/**
 * `POST /token`: an access token for an apikey and its secret (OAuth 2.0 client credentials,
 * RFC 6749, 4.4). The answer has no envelope, as at FirstVision.
 */
export function registerAccessToken(app: FastifyInstance, authenticate: Authenticate): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: 1024 },
    async (_request: unknown, body: string | Buffer) => new URLSearchParams(String(body)),
  );

  app.post<{ Body: URLSearchParams | undefined }>('/token', async (request) => {
    const { apikey, secret } = parseBasic(request.headers.authorization ?? '');
    if (apikey !== request.headers.apikey) throw new Refusal('CREDENTIALS_INVALID');
    // RFC 6749, 3.2: parameters we do not know are ignored, one sent twice is refused.
    const grants = request.body?.getAll('grant_type') ?? [];
    if (grants.length !== 1 || grants[0] !== 'client_credentials') {
      throw new Refusal('REQUEST_INVALID', { field: 'grant_type' });
    }
    const origin = originOf(request);
    const { caller, accessToken, issuedAtMs } = await authenticate.grant(apikey, secret, origin);
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

/** RFC 7617: the name ends at the first colon. @throws {Refusal} `CREDENTIALS_INVALID` */
function parseBasic(authorization: string): { apikey: string; secret: string } {
  const [, encoded = ''] = /^Basic ([A-Za-z0-9+/]+={0,2})$/i.exec(authorization) ?? [];
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 1) throw new Refusal('CREDENTIALS_INVALID');
  return { apikey: text.slice(0, colon), secret: text.slice(colon + 1) };
}
