import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { httpbis } from 'http-message-signatures';
import { SIGNATURE_FORMS, type SignatureForm } from '../../domain/caller.ts';
import { Refusal } from '../../domain/error.ts';
import type { RequestSignature } from '../../usecase/authenticate.ts';
import type { Asked } from '../direct-routes.ts';
import { headerOf } from '../header.ts';
import { rawBodyOf } from '../raw-body.ts';

/** HMAC-SHA256 gives 32 bytes, Ed25519 64. */
const SIGNATURE_LENGTHS = [32, 64];

/** What an HTTP message signature has to cover, and what it has to say (RFC 9421, 7.2.1). */
const REQUIRED_COMPONENTS = ['@method', '@path', 'content-digest'];
const REQUIRED_PARAMETERS = ['created', 'keyid', 'alg', 'nonce'];

const NONCE_PATTERN = /^[\x21-\x7e]{1,40}$/;

/**
 * The signature of a request: FirstVision's own, or an HTTP message signature (RFC 9421), which has
 * `Signature-Input` beside it.
 *
 * @returns undefined when there is none; a promise for an HTTP message signature only, so that the
 *   others wait for nothing.
 * @throws {Refusal} `SIGNATURE_INVALID` when it cannot be read.
 */
export function requestSignatureOf(
  request: FastifyRequest,
): RequestSignature | Promise<RequestSignature> | undefined {
  const signature = headerOf(request, 'signature');
  const input = headerOf(request, 'signature-input');
  if (input === undefined) return plainSignatureOf(request);
  if (signature === undefined) throw new Refusal('SIGNATURE_INVALID');
  return messageSignatureOf(request, signature);
}

/** FirstVision's own. @returns undefined when there is none. @throws {Refusal} `SIGNATURE_INVALID` */
export function plainSignatureOf(request: Asked): RequestSignature | undefined {
  const signature = headerOf(request, 'signature');
  if (signature === undefined) return undefined;
  const nonce = headerOf(request, 'x-client-request-id') ?? '';
  const timestamp = headerOf(request, 'timestamp') ?? '';
  // Exactly 13 digits, so that the border between it and what stands before cannot be moved.
  if (nonce === '' || !/^[1-9][0-9]{12}$/.test(timestamp)) throw new Refusal('SIGNATURE_INVALID');
  const signed = (headerOf(request, 'apikey') ?? '') + nonce + timestamp;
  return {
    form: 'firstvision',
    keyId: undefined,
    nonce,
    signedAtMs: Number(timestamp),
    message: Buffer.concat([Buffer.from(signed, 'utf8'), rawBodyOf(request)]),
    signature: parseBase64(signature),
  };
}

/** RFC 9421. The library parses the fields and makes the signature base; whose it is, is not its part. */
async function messageSignatureOf(
  request: FastifyRequest,
  field: string,
): Promise<RequestSignature> {
  demandContentDigest(request);
  // One signature, in the one spelling its bytes have.
  const [, encoded] = /^[a-z][a-z0-9_-]{0,31}=:([A-Za-z0-9+/=]+):$/.exec(field) ?? [];
  if (encoded === undefined) throw new Refusal('SIGNATURE_INVALID');
  const signature = parseBase64(encoded);
  let found: RequestSignature | undefined;
  const headers = Object.fromEntries(
    Object.entries(request.headers).filter(([, value]) => value !== undefined),
  ) as Record<string, string | string[]>;
  try {
    await httpbis.verifyMessage(
      {
        requiredFields: REQUIRED_COMPONENTS,
        requiredParams: REQUIRED_PARAMETERS,
        notAfter: Number.POSITIVE_INFINITY, // The time is judged where all signatures' is.
        keyLookup: async () => ({
          verify: async (message, _signature, parameters = {}) => {
            found = { ...parseParameters(parameters), message, signature };
            return true;
          },
        }),
      },
      {
        method: request.method,
        url: `${request.protocol}://${request.headers.host ?? ''}${request.url}`,
        headers,
      },
    );
  } catch (cause) {
    throw new Refusal('SIGNATURE_INVALID', {}, { cause });
  }
  if (found === undefined) throw new Refusal('SIGNATURE_INVALID');
  return found;
}

function parseParameters(
  parameters: Readonly<Record<string, unknown>>,
): Pick<RequestSignature, 'form' | 'keyId' | 'nonce' | 'signedAtMs'> {
  const { alg, keyid, nonce, created } = parameters;
  const form = SIGNATURE_FORMS.find((each): each is SignatureForm => each === alg);
  const isWhole =
    form !== undefined &&
    form !== 'firstvision' &&
    typeof keyid === 'string' &&
    typeof nonce === 'string' &&
    NONCE_PATTERN.test(nonce) &&
    created instanceof Date;
  if (!isWhole) throw new Refusal('SIGNATURE_INVALID');
  return { form, keyId: keyid, nonce, signedAtMs: created.getTime() };
}

/** RFC 9530: the signature covers the field, and the field has to be that of the body. */
function demandContentDigest(request: FastifyRequest): void {
  const digest = createHash('sha256').update(rawBodyOf(request)).digest('base64');
  if (headerOf(request, 'content-digest') !== `sha-256=:${digest}:`) {
    throw new Refusal('SIGNATURE_INVALID');
  }
}

/** Only the canonical base64: one signature has one spelling. */
function parseBase64(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64');
  if (!SIGNATURE_LENGTHS.includes(bytes.length) || bytes.toString('base64') !== text) {
    throw new Refusal('SIGNATURE_INVALID');
  }
  return bytes;
}
