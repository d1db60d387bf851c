import { type Access, accessProblem, type Origin } from '../domain/access.ts';
import { type Caller, type SignatureForm, signatureKeyOf } from '../domain/caller.ts';
import { Refusal } from '../domain/error.ts';
import type { Merchant } from '../domain/merchant.ts';
import { makeSignedNonce, SIGNATURE_WINDOW_MS } from '../domain/signed-nonce.ts';
import type { PendingNonces } from './pending-nonces.ts';
import type {
  Clock,
  Credentials,
  Directory,
  Networks,
  PublicKeys,
  RegisteredCaller,
} from './ports.ts';

export interface AuthenticateDeps {
  readonly directory: Directory;
  readonly credentials: Credentials;
  readonly networks: Networks;
  readonly publicKeys: PublicKeys;
  readonly nonces: PendingNonces;
  readonly clock: Clock;
}

/** How long an access token is good. FirstVision documents 900 s. */
export const ACCESS_TOKEN_LIFETIME_SECONDS = 900;

/** The signature of a request, taken apart by the face it came to. */
export interface RequestSignature {
  readonly form: SignatureForm;
  /** Which key of the caller, for forms with keys of their own. */
  readonly keyId: string | undefined;
  /** Unique for each request, 1 to 40 characters. */
  readonly nonce: string;
  readonly signedAtMs: number;
  /** What is signed. */
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/** What a caller shows of itself with each request. */
export interface CallerCredentials {
  readonly apikey: string;
  readonly clientId: string;
  readonly accessToken: string;
  readonly origin: Origin;
}

export interface Authenticate {
  /** Whose apikey and secret these are. @throws {Refusal} `CREDENTIALS_INVALID` */
  secret(apikey: string, secret: string, origin: Origin): Caller;
  /** An access token for who has shown its secret. */
  grant(caller: Caller): Promise<{ accessToken: string; issuedAtMs: number }>;
  /**
   * @returns a promise only where the access token is seen for the first time.
   * @throws {Refusal} `CREDENTIALS_INVALID`, `ACCESS_TOKEN_INVALID`
   */
  caller(credentials: CallerCredentials): RegisteredCaller | Promise<RegisteredCaller>;
  /**
   * The same without waiting.
   *
   * @returns undefined where the access token was not seen before, or is not good.
   * @throws {Refusal} `CREDENTIALS_INVALID`, `ACCESS_TOKEN_INVALID`
   */
  knownCaller(credentials: CallerCredentials): RegisteredCaller | undefined;
  /**
   * Checks the signature of a request and holds its nonce, which is then written with the record of
   * the request: that is when a replay is noticed.
   *
   * @param signature undefined when the request has none.
   * @throws {Refusal} `SIGNATURE_INVALID`, `SIGNATURE_REQUIRED`
   */
  signature(
    registered: RegisteredCaller,
    signature: RequestSignature | undefined,
    requestId: string,
  ): void;
  /** @throws {Refusal} `CREDENTIALS_INVALID` */
  merchant(apiKey: string, origin: Origin): Merchant;
}

/** Decides who asks. What is wrong with credentials is not told apart: it would help only a guesser. */
export function makeAuthenticate(deps: AuthenticateDeps): Authenticate {
  const { directory, credentials, networks, nonces, clock } = deps;

  function demandAccess(who: string, access: Access, origin: Origin): void {
    const problem = accessProblem(access, origin, clock.nowMs(), networks.includes);
    if (problem !== undefined) refuse(`${who}: ${problem}`);
  }

  function findCaller(apikey: string, origin: Origin): RegisteredCaller {
    const registered = directory.findCaller(credentials.digest(apikey));
    if (registered === undefined) refuse('unknown apikey');
    const { caller, expiresAtMs } = registered;
    demandAccess(`caller ${caller.id}`, caller, origin);
    if (expiresAtMs !== undefined && expiresAtMs <= clock.nowMs()) {
      refuse(`caller ${caller.id}: the credential has ended`);
    }
    return registered;
  }

  function findOwner({ apikey, clientId, origin }: CallerCredentials): RegisteredCaller {
    const registered = findCaller(apikey, origin);
    if (registered.caller.clientId !== clientId) refuse('wrong client id');
    return registered;
  }

  return {
    secret(apikey, secret, origin) {
      const registered = findCaller(apikey, origin);
      if (!credentials.isSecret(registered, secret)) refuse('wrong secret');
      return registered.caller;
    },

    async grant(caller) {
      const issuedAtMs = clock.nowMs();
      const lifetime = ACCESS_TOKEN_LIFETIME_SECONDS;
      const accessToken = await credentials.issueAccessToken(caller.id, issuedAtMs, lifetime);
      return { accessToken, issuedAtMs };
    },

    caller(shown) {
      const registered = findOwner(shown);
      const nowMs = clock.nowMs();
      const known = credentials.rememberedAccessToken(shown.accessToken, nowMs);
      if (known !== undefined) return demandOwn(registered, known);
      const verified = credentials.verifyAccessToken(shown.accessToken, nowMs);
      return verified.then((callerId) => demandOwn(registered, callerId));
    },

    knownCaller(shown) {
      const registered = findOwner(shown);
      const known = credentials.rememberedAccessToken(shown.accessToken, clock.nowMs());
      return known === undefined ? undefined : demandOwn(registered, known);
    },

    signature(registered, signature, requestId) {
      const { caller } = registered;
      if (signature === undefined) {
        if (caller.signature === 'required') throw new Refusal('SIGNATURE_REQUIRED');
        return;
      }
      const { nonce, signedAtMs } = signature;
      const isTimely = Math.abs(clock.nowMs() - signedAtMs) <= SIGNATURE_WINDOW_MS;
      const isGenuine = isGenuineSignature(deps, registered, signature);
      if (!isTimely || !isGenuine) throw new Refusal('SIGNATURE_INVALID');
      nonces.hold(requestId, makeSignedNonce(caller.id, nonce, signedAtMs));
    },

    merchant(apiKey, origin) {
      const merchant = directory.findMerchant(credentials.digest(apiKey));
      if (merchant === undefined) refuse('unknown x-api-key');
      demandAccess(`merchant ${merchant.id}`, merchant, origin);
      return merchant;
    },
  };
}

/** @throws {Refusal} `ACCESS_TOKEN_INVALID` for the token of another caller, or of none. */
function demandOwn(registered: RegisteredCaller, callerId: string | undefined): RegisteredCaller {
  if (callerId !== registered.caller.id) throw new Refusal('ACCESS_TOKEN_INVALID');
  return registered;
}

/** The one answer for all that can be wrong; the reason is for our own log. */
function refuse(reason: string): never {
  throw new Refusal('CREDENTIALS_INVALID', {}, { cause: new Error(reason) });
}

/** The form is that of the caller: a request cannot choose a weaker one. */
function isGenuineSignature(
  { credentials, publicKeys, clock }: AuthenticateDeps,
  registered: RegisteredCaller,
  { form, keyId, message, signature }: RequestSignature,
): boolean {
  const { caller } = registered;
  if (form !== caller.signatureForm) return false;
  if (form === 'firstvision') return credentials.isSignature(registered, message, signature);
  if (form === 'hmac-sha256') {
    const isOwn = keyId === caller.clientId;
    return credentials.isSignature(registered, message, signature) && isOwn;
  }
  const key = keyId === undefined ? undefined : signatureKeyOf(caller, keyId, clock.nowMs());
  return key !== undefined && publicKeys.verify(key, message, signature);
}
