import { createHash, createSecretKey, randomBytes } from 'node:crypto';
import { combine, split } from 'shamir-secret-sharing';
import { Refusal } from '../domain/error.ts';
import { aesCheckValue } from './check-value.ts';
import { open, seal } from './seal.ts';

/** The sealed copy of a key-encryption key. It is of no use without enough of its shares. */
export interface KekBackup {
  readonly format: 'pantoken key-encryption key backup 1';
  /** Shares name the backup they belong to. */
  readonly backup: string;
  readonly kek: string;
  readonly environment: string;
  readonly checkValue: string;
  readonly threshold: number;
  readonly shareCount: number;
  /** AES-256-GCM under a key of its own, which is what the custodians share. */
  readonly sealed: string;
}

const FORMAT = 'pantoken key-encryption key backup 1';

/** `pantoken-share <backup> <digits> <check>`: the check tells a wrong digit, and nothing else. */
const SHARE_PATTERN = /^pantoken-share ([0-9a-f]{16}) ([0-9a-f]{66}) ([0-9A-F]{6})\s*$/;

/**
 * Seals a key-encryption key under a new key, and splits that one among custodians (Shamir over
 * GF(2 ** 8)): any `threshold` of them open it, fewer learn nothing.
 *
 * @param threshold 2 to `shareCount`; `shareCount` up to 16.
 * @returns one share for each custodian, a line of text.
 * @throws {Refusal} `KEY_INPUT_INVALID`
 */
export async function backUpKek(
  kek: { readonly id: string; readonly environment: string; readonly bytes: Uint8Array },
  shareCount: number,
  threshold: number,
): Promise<{ backup: KekBackup; shares: readonly string[] }> {
  const isSound = Number.isInteger(shareCount) && Number.isInteger(threshold);
  if (!isSound || threshold < 2 || shareCount < threshold || shareCount > 16) {
    throw invalid('shares: 2 to 16, and at least 2 of them needed');
  }
  const name = randomBytes(8).toString('hex');
  const sealingKey = randomBytes(32);
  const head = {
    format: FORMAT,
    backup: name,
    kek: kek.id,
    environment: kek.environment,
    checkValue: aesCheckValue(kek.bytes),
    threshold,
    shareCount,
  } as const;
  const sealed = seal(createSecretKey(sealingKey), attributesOf(head), kek.bytes);
  const shares = await split(Uint8Array.from(sealingKey), shareCount, threshold); // It takes no Buffer.
  return {
    backup: { ...head, sealed: Buffer.from(sealed).toString('hex') },
    shares: shares.map((share) => {
      const digits = Buffer.from(share).toString('hex');
      return `pantoken-share ${name} ${digits} ${shareCheck(name, digits)}`;
    }),
  };
}

/**
 * The key-encryption key, from its backup and enough of its shares, in any order.
 *
 * @throws {Refusal} `KEY_INPUT_INVALID`; too few shares and wrong ones are not told apart.
 */
export async function restoreKek(backup: KekBackup, shares: readonly string[]): Promise<Buffer> {
  if (backup.format !== FORMAT) throw invalid('this is no backup of a key-encryption key');
  const parts = shares.map((text) => parseShare(backup, text));
  if (parts.length < 2) throw invalid('more shares are needed');
  if (new Set(parts.map((part) => part.at(-1))).size !== parts.length) {
    throw invalid('a share is there twice');
  }
  const sealingKey = createSecretKey(await combine(parts));
  const bytes = open(sealingKey, attributesOf(backup), Buffer.from(backup.sealed, 'hex'));
  if (bytes === undefined) throw invalid('these shares do not open this backup');
  return bytes;
}

function parseShare({ backup }: KekBackup, text: string): Uint8Array {
  const [, name = '', digits = '', check] = SHARE_PATTERN.exec(text) ?? [];
  if (check === undefined) throw invalid('a share is not a line that begins with pantoken-share');
  if (shareCheck(name, digits) !== check) throw invalid('a digit of a share is wrong');
  if (name !== backup) throw invalid('a share belongs to another backup');
  return Uint8Array.from(Buffer.from(digits, 'hex'));
}

function shareCheck(name: string, digits: string): string {
  const digest = createHash('sha256').update(`${name} ${digits}`).digest('hex');
  return digest.slice(0, 6).toUpperCase();
}

function attributesOf(head: Omit<KekBackup, 'sealed'>): string[] {
  const { backup, kek, environment, checkValue, threshold, shareCount } = head;
  const numbers = [String(threshold), String(shareCount)];
  return [FORMAT, backup, kek, environment, checkValue, ...numbers];
}

function invalid(reason: string): Refusal {
  return new Refusal('KEY_INPUT_INVALID', { reason });
}
