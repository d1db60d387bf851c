import type { FastifyInstance } from 'fastify';
import { Refusal } from '../../domain/error.ts';
import { ACCESS_TOKEN_LIFETIME_SECONDS, type Authenticate } from '../../usecase/authenticate.ts';
import { originOf } from '../origin.ts';

/**
 * `POST /token`: an access token for an apikey and its secret (OAuth 2.0 client credentials,
 * RFC 6749, 4.4). The answer has no envelope, as at FirstVision.
 */
export function registerAccessToken(app: FastifyInstance, authenticate: Authenticate): void {
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: 1024 },
    async (_request: unknown, body: string | Buffer) => [...new URLSearchParams(String(body))],
  );

  app.post('/token', async (request) => {
    const [, encoded] =
      /^Basic ([A-Za-z0-9+/]+={0,2})$/.exec(request.headers.authorization ?? '') ?? [];
    const [apikey, secret] = Buffer.from(encoded ?? '', 'base64')
      .toString('utf8')
      .split(':');
    if (apikey === undefined || secret === undefined || apikey !== request.headers.apikey) {
      throw new Refusal('CREDENTIALS_INVALID');
    }
    if (JSON.stringify(request.body) !== '[["grant_type","client_credentials"]]') {
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
