import type { Caller } from '../domain/caller.ts';
import { Refusal } from '../domain/error.ts';
import type { Merchant } from '../domain/merchant.ts';
import type { Clock, Credentials, Directory, RegisteredCaller } from './ports.ts';

export interface AuthenticateDeps {
  readonly directory: Directory;
  readonly credentials: Credentials;
  readonly clock: Clock;
}

/** How long an access token is good. FirstVision documents 900 s. */
export const ACCESS_TOKEN_LIFETIME_SECONDS = 900;

/** How far the time stamp of a signed request may be off, either way. */
export const SIGNATURE_WINDOW_MS = 5 * 60 * 1000;

/** What a signed request says of itself. */
export interface SignedRequest {
  readonly apikey: string;
  /** base64 of 32 bytes. */
  readonly signature: string;
  readonly clientRequestId: string;
  /** Milliseconds since 1970 UTC, in decimal. */
  readonly timestamp: string;
  readonly rawBody: Uint8Array;
}

export interface Authenticate {
  /** `POST /token`. @throws {Refusal} `CREDENTIALS_INVALID` */
  grant(
    apikey: string,
    secret: string,
  ): Promise<{ caller: Caller; accessToken: string; issuedAtMs: number }>;
  /** @throws {Refusal} `CREDENTIALS_INVALID`, `ACCESS_TOKEN_INVALID` */
  caller(apikey: string, clientId: string, accessToken: string): Promise<Caller>;
  /**
   * base64(HMAC-SHA256(secret, apikey + X-Client-Request-Id + Timestamp + raw body)).
   *
   * @throws {Refusal} `SIGNATURE_INVALID`
   */
  signature(request: SignedRequest): void;
  /** @throws {Refusal} `CREDENTIALS_INVALID` */
  merchant(apiKey: string): Merchant;
}

/** Decides who asks. What is wrong with credentials is not told apart: it would help only a guesser. */
export function makeAuthenticate(deps: AuthenticateDeps): Authenticate {
  const { directory, credentials, clock } = deps;

  function findCaller(apikey: string): RegisteredCaller {
    const registered = directory.findCaller(credentials.digest(apikey));
    if (registered === undefined) throw new Refusal('CREDENTIALS_INVALID');
    return registered;
  }

  return {
    async grant(apikey, secret) {
      const registered = findCaller(apikey);
      if (!credentials.isSecret(registered, secret)) throw new Refusal('CREDENTIALS_INVALID');
      const { caller } = registered;
      const issuedAtMs = clock.nowMs();
      const lifetime = ACCESS_TOKEN_LIFETIME_SECONDS;
      const accessToken = await credentials.issueAccessToken(caller.id, issuedAtMs, lifetime);
      return { caller, accessToken, issuedAtMs };
    },

    async caller(apikey, clientId, accessToken) {
      const { caller } = findCaller(apikey);
      if (caller.clientId !== clientId) throw new Refusal('CREDENTIALS_INVALID');
      const callerId = await credentials.verifyAccessToken(accessToken, clock.nowMs());
      if (callerId !== caller.id) throw new Refusal('ACCESS_TOKEN_INVALID');
      return caller;
    },

    signature({ apikey, signature, clientRequestId, timestamp, rawBody }) {
      const registered = findCaller(apikey);
      const sentAtMs = /^[0-9]{1,15}$/.test(timestamp) ? Number(timestamp) : Number.NaN;
      const isTimely = Math.abs(clock.nowMs() - sentAtMs) <= SIGNATURE_WINDOW_MS;
      const message = Buffer.concat([
        Buffer.from(apikey + clientRequestId + timestamp, 'utf8'),
        rawBody,
      ]);
      const isGenuine = credentials.isSignature(registered, message, signature);
      if (!isTimely || !isGenuine) throw new Refusal('SIGNATURE_INVALID');
    },

    merchant(apiKey) {
      const merchant = directory.findMerchant(credentials.digest(apiKey));
      if (merchant === undefined) throw new Refusal('CREDENTIALS_INVALID');
      return merchant;
    },
  };
}
