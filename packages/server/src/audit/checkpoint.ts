import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { sha256 } from './merkle.ts';

/**
 * The state of one chain at one moment, for a place where whoever can write the database cannot: so
 * many blocks, and the root of the Merkle tree over their hashes.
 *
 * @see https://c2sp.org/tlog-checkpoint and https://c2sp.org/signed-note
 */
export interface Checkpoint {
  /** `pantoken/<fingerprint of the key>/<number of the chain>/<chain>` */
  readonly origin: string;
  readonly size: number;
  /** base64 of 32 bytes. */
  readonly root: string;
}

/** An Ed25519 public key. */
export type PublicKey = KeyObject;

const ALGORITHM_ED25519 = 0x01;
const SIGNATURE_BYTES = 64;

/** @param key public, Ed25519. @returns 16 hexadecimal digits. */
export function fingerprintOf(key: PublicKey): string {
  return sha256(rawPublicKey(key)).toString('hex').slice(0, 16);
}

export function originOf(key: PublicKey, chainNumber: number, chain: string): string {
  return `pantoken/${fingerprintOf(key)}/${chainNumber}/${chain}`;
}

/** The number and the id of the chain an origin names; undefined when it is not one of ours. */
export function chainOfOrigin(origin: string): { number: number; chain: string } | undefined {
  const [, number, chain] =
    /^pantoken\/[0-9a-f]{16}\/([1-9][0-9]{0,9})\/([0-9a-z-]{1,64})$/.exec(origin) ?? [];
  if (number === undefined || chain === undefined) return undefined;
  return { number: Number(number), chain };
}

/** The text that is signed: three lines, each with its line break. */
export function textOf({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${root}\n`;
}

/** The signed note: the text, an empty line, and one signature line whose name is the origin. */
export function signedNote(
  checkpoint: Checkpoint,
  publicKey: PublicKey,
  signature: Uint8Array,
): string {
  const { origin } = checkpoint;
  const named = Buffer.concat([keyIdOf(origin, publicKey), signature]).toString('base64');
  return `${textOf(checkpoint)}\n— ${origin} ${named}\n`;
}

/**
 * Reads a signed note of one of these keys.
 *
 * @returns undefined when it is not exactly such a note, or its signature is not good.
 */
export function openNote(note: string, publicKeys: readonly PublicKey[]): Checkpoint | undefined {
  const [, origin, sizeText, rootText, name, signatureText] =
    /^([!-~]+)\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)\n\n— ([!-~]+) ([A-Za-z0-9+/]+={0,2})\n$/.exec(
      note,
    ) ?? [];
  if (origin === undefined || rootText === undefined || signatureText === undefined)
    return undefined;
  if (name !== origin) return undefined;
  const checkpoint = { origin, size: Number(sizeText), root: rootText };
  const signed = Buffer.from(signatureText, 'base64');
  // Base64 has more than one spelling of the same bytes: only ours is taken.
  const isCanonical =
    signed.toString('base64') === signatureText &&
    Buffer.from(rootText, 'base64').toString('base64') === rootText;
  if (!isCanonical || signed.length !== 4 + SIGNATURE_BYTES) return undefined;
  const key = publicKeys.find((each) => keyIdOf(origin, each).equals(signed.subarray(0, 4)));
  if (key === undefined) return undefined;
  const isGood = verify(null, Buffer.from(textOf(checkpoint)), key, signed.subarray(4));
  return isGood ? checkpoint : undefined;
}

/**
 * The notes in a file of notes, oldest first; each begins with its origin. What stands between them
 * is left out.
 */
export function splitNotes(text: string): readonly string[] {
  const note = /^pantoken\/[^\n]*\n[^\n]*\n[^\n]*\n\n— [^\n]*\n/gm;
  return [...text.matchAll(note)].map(([each]) => each);
}

/** The public key as C2SP writes it for verifiers, under a name. */
export function verifierKey(name: string, publicKey: PublicKey): string {
  const body = Buffer.concat([Buffer.of(ALGORITHM_ED25519), rawPublicKey(publicKey)]);
  return `${name}+${keyIdOf(name, publicKey).toString('hex')}+${body.toString('base64')}`;
}

const PEM_PATTERN = /-----BEGIN PUBLIC KEY-----[^-]*-----END PUBLIC KEY-----/g;

/** @param pem one SubjectPublicKeyInfo or several. @throws {Error} when one is no Ed25519 key. */
export function parsePublicKeys(pem: string): readonly PublicKey[] {
  const keys = (pem.match(PEM_PATTERN) ?? []).map(parsePublicKey);
  if (keys.length === 0) throw new Error('there is no public key in PEM');
  return keys;
}

function parsePublicKey(pem: string): PublicKey {
  const key = createPublicKey(pem);
  if (key.asymmetricKeyType !== 'ed25519') throw new Error('the audit key is not an Ed25519 key');
  return key;
}

/** Signed note: the first four bytes of SHA-256(name, line break, algorithm, key). */
function keyIdOf(name: string, publicKey: PublicKey): Buffer {
  const head = Buffer.from(`${name}\n`, 'utf8');
  const key = rawPublicKey(publicKey);
  return sha256(Buffer.concat([head, Buffer.of(ALGORITHM_ED25519), key])).subarray(0, 4);
}

/** The 32 bytes of an Ed25519 public key. */
function rawPublicKey(key: PublicKey): Buffer {
  return Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url');
}
