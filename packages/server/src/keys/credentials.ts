import {
  createHmac,
  createSecretKey,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import type { Credentials, RegisteredCaller } from '../usecase/ports.ts';
import { open, openWithAny, seal } from './seal.ts';
import type { ServiceKeys } from './service-keys.ts';
import { makeShortHmac, type ShortHmac } from './short-hmac.ts';

const ISSUER = 'pantoken';
const AUDIENCE = 'pantoken/firstvision';

/**
 * How many verified access tokens, and digests of API keys, are remembered, so that they cost one
 * computation and not one a request. At some 400 bytes each, well under 1 MiB.
 */
const REMEMBERED_TOKENS_MAX = 1_000;

/** No access token of ours is longer; what is longer is not looked at. */
const ACCESS_TOKEN_LENGTH_MAX = 1_000;

/** Of a signed request, as most are: longer ones take more time. */
const SIGNED_BYTES = 1024;

/** What is longer is no key of ours, and its digest is not remembered. */
const API_KEY_LENGTH_MAX = 100;

interface RememberedToken {
  readonly callerId: string;
  readonly expiresAtMs: number;
  /** With which it was verified. */
  readonly key: KeyObject;
}

/** API keys as keyed digests, callers' secrets wrapped, access tokens as JWT (HS256). */
export function makeCredentials(keys: ServiceKeys): Credentials {
  const digests = new Map<string, string>();
  const signatureHmacs = new WeakMap<RegisteredCaller, ShortHmac>();

  function secretOf({ caller, wrappedSecret }: RegisteredCaller): Buffer {
    const attributes = ['caller secret', caller.id];
    const secret = openWithAny(keys.callerSecret.living(), attributes, wrappedSecret);
    if (secret === undefined) throw new Error(`the secret of caller ${caller.id} does not open`);
    return secret;
  }

  return {
    newSecret: () => randomBytes(32).toString('base64url'),

    digest(apiKey) {
      const known = digests.get(apiKey);
      if (known !== undefined) return known;
      const made = createHmac('sha256', keys.credentialIndex).update(apiKey).digest('hex');
      if (apiKey.length > API_KEY_LENGTH_MAX) return made;
      if (digests.size >= REMEMBERED_TOKENS_MAX) digests.clear();
      digests.set(apiKey, made);
      return made;
    },

    wrapSecret: (callerId, secret) =>
      seal(keys.callerSecret.active(), ['caller secret', callerId], Buffer.from(secret, 'utf8')),

    rewrapSecret(registered) {
      const attributes = ['caller secret', registered.caller.id];
      const active = keys.callerSecret.active();
      if (open(active, attributes, registered.wrappedSecret) !== undefined) return undefined;
      return seal(active, attributes, secretOf(registered));
    },

    isSecret: (registered, candidate) =>
      isEqual(keyedDigest(keys, secretOf(registered)), keyedDigest(keys, Buffer.from(candidate))),

    isSignature(registered, message, signature) {
      const known = signatureHmacs.get(registered);
      const hmac = known ?? makeShortHmac(createSecretKey(secretOf(registered)), SIGNED_BYTES);
      if (known === undefined) signatureHmacs.set(registered, hmac);
      return isEqual(hmac(message), signature);
    },

    ...makeAccessTokens(keys),
  };
}

type AccessTokens = Pick<
  Credentials,
  'issueAccessToken' | 'rememberedAccessToken' | 'verifyAccessToken'
>;

function makeAccessTokens({ accessToken }: ServiceKeys): AccessTokens {
  const remembered = new Map<string, RememberedToken>();
  return {
    issueAccessToken: (callerId, nowMs, lifetimeSeconds) =>
      new SignJWT()
        .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setSubject(callerId)
        .setIssuedAt(Math.floor(nowMs / 1000))
        .setExpirationTime(Math.floor(nowMs / 1000) + lifetimeSeconds)
        .sign(accessToken.active()),

    rememberedAccessToken(token, nowMs) {
      const known = remembered.get(token);
      if (known === undefined || known.expiresAtMs <= nowMs) return undefined;
      // A key that was re-wrapped is another object, and a token of it is verified once more.
      return accessToken.living().includes(known.key) ? known.callerId : undefined;
    },

    async verifyAccessToken(token, nowMs) {
      remembered.delete(token);
      if (token.length > ACCESS_TOKEN_LENGTH_MAX) return undefined;
      const verified = await verify(accessToken.living(), token, nowMs);
      if (verified === undefined || verified.expiresAtMs <= nowMs) return undefined;
      if (remembered.size >= REMEMBERED_TOKENS_MAX) remembered.clear();
      remembered.set(token, verified);
      return verified.callerId;
    },
  };
}

async function verify(
  living: readonly KeyObject[],
  token: string,
  nowMs: number,
): Promise<RememberedToken | undefined> {
  for (const key of living) {
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: ['HS256'],
        typ: 'at+jwt',
        issuer: ISSUER,
        audience: AUDIENCE,
        requiredClaims: ['sub', 'exp'],
        currentDate: new Date(nowMs),
      });
      const { sub, exp } = payload;
      if (sub !== undefined && exp !== undefined) {
        return { callerId: sub, expiresAtMs: exp * 1000, key };
      }
    } catch {
      // Not with this key, or expired.
    }
  }
  return undefined;
}

/** Comparing digests under a key hides length and contents of what is compared. */
function keyedDigest(keys: ServiceKeys, text: Uint8Array): Buffer {
  return createHmac('sha256', keys.credentialIndex).update('compare').update(text).digest();
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
