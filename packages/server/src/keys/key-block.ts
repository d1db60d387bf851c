/**
 * Key blocks of ANSI X9.143 (TR-31), version D: a key and what it may be used for, wrapped under a
 * transport key by AES key derivation binding.
 *
 * @module
 */
import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { Refusal } from '../domain/error.ts';
import { aesCmac } from './aes-cmac.ts';
import { aesCheckValue } from './check-value.ts';

/** What the header of a key block says, all of it under the MAC. */
export interface KeyBlockHeader {
  /** Two characters, X9.143 table 2: `D0` is data encryption. */
  readonly usage: string;
  /** `A` is AES. */
  readonly algorithm: string;
  /** `B` is both encrypt and decrypt, `N` no restriction. */
  readonly modeOfUse: string;
  readonly keyVersion: string;
  /** `E` exportable under a trusted key, `S` as the sender says, `N` not at all. */
  readonly exportability: string;
  /** Identifier and contents, in order. */
  readonly optionalBlocks: readonly (readonly [string, string])[];
}

export interface OpenedKeyBlock {
  readonly header: KeyBlockHeader;
  readonly bytes: Buffer;
}

const HEADER_LENGTH = 16;
const MAC_BYTES = 16;
const BLOCK_BYTES = 16;
const LENGTH_MAX = 9_984; // Four decimal digits, in whole blocks.

const HEADER_PATTERN = /^D([0-9]{4})([A-Z0-9]{2})([A-Z])([A-Z])([A-Z0-9]{2})([A-Z])([0-9]{2})00$/;

/**
 * Opens a key block. The length, the header and the MAC are checked before anything of it is used.
 *
 * @param transportKey AES-128, 192 or 256 (the key block protection key).
 * @throws {Refusal} `KEY_INPUT_INVALID`, with one reason for all that does not fit the transport key.
 */
export function openKeyBlock(transportKey: KeyObject, text: string): OpenedKeyBlock {
  const { header, headerText } = parseHeader(text);
  const rest = text.slice(headerText.length);
  if (!/^(?:[0-9A-Fa-f]{32})+$/.test(rest) || rest.length < 32 * 2) throw invalid('its key data');
  const sealed = Buffer.from(rest, 'hex');
  const mac = sealed.subarray(-MAC_BYTES);
  const { encryption, authentication } = deriveKeys(transportKey);
  const cipher = `aes-${bitsOf(transportKey)}-cbc`;
  const decipher = createDecipheriv(cipher, encryption, mac).setAutoPadding(false);
  const data = Buffer.concat([decipher.update(sealed.subarray(0, -MAC_BYTES)), decipher.final()]);
  const expected = aesCmac(authentication, Buffer.concat([Buffer.from(headerText), data]));
  if (!timingSafeEqual(expected, mac)) {
    throw invalid('it was changed, or wrapped under another transport key');
  }
  const keyBits = data.readUInt16BE(0);
  if (keyBits % 8 !== 0 || keyBits === 0 || keyBits / 8 > data.length - 2) throw invalid('its key');
  const bytes = data.subarray(2, 2 + keyBits / 8);
  demandCheckValues(header, bytes, transportKey);
  return { header, bytes };
}

/** Makes a key block without optional blocks. @param padding random; a test hands in a known one. */
export function makeKeyBlock(
  transportKey: KeyObject,
  header: Omit<KeyBlockHeader, 'optionalBlocks'>,
  bytes: Uint8Array,
  padding: (count: number) => Uint8Array = randomBytes,
): string {
  const plainLength = Math.ceil((2 + bytes.length) / BLOCK_BYTES) * BLOCK_BYTES;
  const data = Buffer.alloc(plainLength);
  data.writeUInt16BE(bytes.length * 8, 0);
  data.set(bytes, 2);
  data.set(padding(plainLength - 2 - bytes.length), 2 + bytes.length);
  const length = HEADER_LENGTH + (plainLength + MAC_BYTES) * 2;
  const { usage, algorithm, modeOfUse, keyVersion, exportability } = header;
  const use = `${usage}${algorithm}${modeOfUse}${keyVersion}${exportability}`;
  const headerText = `D${String(length).padStart(4, '0')}${use}0000`;
  const { encryption, authentication } = deriveKeys(transportKey);
  const mac = aesCmac(authentication, Buffer.concat([Buffer.from(headerText), data]));
  const cipher = createCipheriv(`aes-${bitsOf(transportKey)}-cbc`, encryption, mac);
  const sealed = cipher.setAutoPadding(false).update(data);
  return headerText + Buffer.concat([sealed, cipher.final(), mac]).toString('hex').toUpperCase();
}

/** A token key in a key block: for data encryption with AES, both ways. */
export const TOKEN_KEY_HEADER = {
  usage: 'D0',
  algorithm: 'A',
  modeOfUse: 'B',
  keyVersion: '00',
  exportability: 'E',
} as const;

/**
 * The token key in a key block, if it was made to be one.
 *
 * @throws {Refusal} `KEY_INPUT_INVALID` naming the attribute that does not fit.
 */
export function openTokenKeyBlock(transportKey: KeyObject, text: string): Buffer {
  const { header, bytes } = openKeyBlock(transportKey, text);
  const { usage, algorithm, modeOfUse } = header;
  if (usage !== 'D0') throw invalid(`its usage ${usage}: a token key has D0`);
  if (algorithm !== 'A') throw invalid(`its algorithm ${algorithm}: a token key has A`);
  if (!['B', 'N'].includes(modeOfUse))
    throw invalid(`its mode ${modeOfUse}: a token key has B or N`);
  return bytes;
}

function parseHeader(text: string): { header: KeyBlockHeader; headerText: string } {
  const [
    ,
    length,
    usage = '',
    algorithm = '',
    modeOfUse = '',
    keyVersion = '',
    exportability = '',
    count,
  ] = HEADER_PATTERN.exec(text.slice(0, HEADER_LENGTH)) ?? [];
  if (length === undefined) throw invalid('its header: version D is taken');
  if (Number(length) !== text.length || text.length > LENGTH_MAX) throw invalid('its length');
  if (text.length % BLOCK_BYTES !== 0) throw invalid('its length');
  const optionalBlocks: (readonly [string, string])[] = [];
  let at = HEADER_LENGTH;
  for (let index = 0; index < Number(count); index++) {
    const id = text.slice(at, at + 2);
    const blockLength = Number.parseInt(text.slice(at + 2, at + 4), 16);
    // Extended lengths (00) are for blocks longer than any we take.
    if (!OPTIONAL_BLOCKS.includes(id) || !(blockLength >= 4)) throw invalid('an optional block');
    optionalBlocks.push([id, text.slice(at + 4, at + blockLength)]);
    at += blockLength;
  }
  const header = { usage, algorithm, modeOfUse, keyVersion, exportability, optionalBlocks };
  return { header, headerText: text.slice(0, at) };
}

/** Check values of the key and of the transport key, labels, times, padding. Others are refused. */
const OPTIONAL_BLOCKS = ['KC', 'KP', 'LB', 'PB', 'TS', 'TC'];

/** Contents: `01` for CMAC, then the digits. `00` is a block of zeros encrypted: not for AES here. */
function demandCheckValues(
  { optionalBlocks }: KeyBlockHeader,
  bytes: Buffer,
  key: KeyObject,
): void {
  const own = { KC: bytes, KP: key.export() };
  for (const [id, contents] of optionalBlocks) {
    if (id !== 'KC' && id !== 'KP') continue;
    const digits = contents.slice(2).toUpperCase();
    // X9.24 takes five bytes of the CMAC of an AES key; ours are the first three of them.
    const agrees = contents.startsWith('01') && digits.startsWith(aesCheckValue(own[id]));
    if (!agrees) throw invalid(`the check value in its block ${id}`);
  }
}

/** X9.143, derivation for version D: CMAC in counter mode over usage, algorithm and length. */
function deriveKeys(key: KeyObject): { encryption: KeyObject; authentication: KeyObject } {
  const bits = bitsOf(key);
  const algorithm = { 128: 2, 192: 3, 256: 4 }[bits];
  if (algorithm === undefined) throw invalid('the transport key');
  const derive = (usage: number) => {
    const parts = [1, 2].map((counter) => {
      const input = Buffer.from([counter, 0, usage, 0, 0, algorithm, 0, 0]);
      input.writeUInt16BE(bits, 6);
      return aesCmac(key, input);
    });
    return createSecretKey(Buffer.concat(parts).subarray(0, bits / 8));
  };
  return { encryption: derive(0), authentication: derive(1) };
}

function bitsOf(key: KeyObject): number {
  return (key.symmetricKeySize ?? 0) * 8;
}

function invalid(reason: string): Refusal {
  return new Refusal('KEY_INPUT_INVALID', { reason: `the key block is not taken: ${reason}` });
}
