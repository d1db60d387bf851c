import {
  createHmac,
  createSecretKey,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import type { Credentials, RegisteredCaller } from '../usecase/ports.ts';
import { open, seal } from './seal.ts';
import type { ServiceKeys } from './service-keys.ts';

const ISSUER = 'pantoken';
const AUDIENCE = 'pantoken/firstvision';

/**
 * How many verified access tokens, and digests of API keys, are remembered, so that they cost one
 * computation and not one a request. At some 400 bytes each, well under 1 MiB.
 */
const REMEMBERED_TOKENS_MAX = 1_000;

/** No access token of ours is longer; what is longer is not looked at. */
const ACCESS_TOKEN_LENGTH_MAX = 1_000;

/** What is longer is no key of ours, and its digest is not remembered. */
const API_KEY_LENGTH_MAX = 100;

interface RememberedToken {
  readonly callerId: string;
  readonly expiresAtMs: number;
}

/** API keys as keyed digests, callers' secrets wrapped, access tokens as JWT (HS256). */
export function makeCredentials(keys: ServiceKeys): Credentials {
  const remembered = new Map<string, RememberedToken>();
  const digests = new Map<string, string>();
  const signatureKeys = new WeakMap<RegisteredCaller, KeyObject>();

  function secretOf({ caller, wrappedSecret }: RegisteredCaller): Buffer {
    const secret = open(keys.callerSecret, ['caller secret', caller.id], wrappedSecret);
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
      seal(keys.callerSecret, ['caller secret', callerId], Buffer.from(secret, 'utf8')),

    isSecret: (registered, candidate) =>
      isEqual(keyedDigest(keys, secretOf(registered)), keyedDigest(keys, Buffer.from(candidate))),

    isSignature(registered, message, signature) {
      const key = signatureKeys.get(registered) ?? createSecretKey(secretOf(registered));
      signatureKeys.set(registered, key);
      return isEqual(createHmac('sha256', key).update(message).digest(), signature);
    },

    issueAccessToken: (callerId, nowMs, lifetimeSeconds) =>
      new SignJWT()
        .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setSubject(callerId)
        .setIssuedAt(Math.floor(nowMs / 1000))
        .setExpirationTime(Math.floor(nowMs / 1000) + lifetimeSeconds)
        .sign(keys.accessToken),

    async verifyAccessToken(token, nowMs) {
      if (token.length > ACCESS_TOKEN_LENGTH_MAX) return undefined;
      const known = remembered.get(token) ?? (await verify(keys, token, nowMs));
      if (known === undefined || known.expiresAtMs <= nowMs) {
        remembered.delete(token);
        return undefined;
      }
      if (!remembered.has(token)) {
        if (remembered.size >= REMEMBERED_TOKENS_MAX) remembered.clear();
        remembered.set(token, known);
      }
      return known.callerId;
    },
  };
}

async function verify(
  keys: ServiceKeys,
  token: string,
  nowMs: number,
): Promise<RememberedToken | undefined> {
  try {
    const { payload } = await jwtVerify(token, keys.accessToken, {
      algorithms: ['HS256'],
      typ: 'at+jwt',
      issuer: ISSUER,
      audience: AUDIENCE,
      requiredClaims: ['sub', 'exp'],
      currentDate: new Date(nowMs),
    });
    const { sub, exp } = payload;
    if (sub === undefined || exp === undefined) return undefined;
    return { callerId: sub, expiresAtMs: exp * 1000 };
  } catch {
    return undefined;
  }
}

/** Comparing digests under a key hides length and contents of what is compared. */
function keyedDigest(keys: ServiceKeys, text: Uint8Array): Buffer {
  return createHmac('sha256', keys.credentialIndex).update('compare').update(text).digest();
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
