import { createHash, createPublicKey } from 'node:crypto';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseFingerprint } from '../domain/access.ts';
import { MESSAGE_ALGORITHMS } from '../domain/merchant.ts';
import { readText } from './parse-option.ts';

/** Adds what names a merchant's key, and how it is encrypted to. */
export function addKeyOptions(command: Command): Command {
  return command
    .requiredOption('--key <file>', "the merchant's RSA public key, PEM, 2048 bits or more")
    .addOption(
      new Option('--algorithm <name>', 'how it is encrypted to; requests, too')
        .choices(MESSAGE_ALGORITHMS)
        .makeOptionMandatory(),
    )
    .option(
      '--fingerprint <sha256>',
      'of the key, as the merchant has told it another way; another key is refused',
      keyFingerprint,
    );
}

/**
 * The fingerprint of a public key: SHA-256 of its SubjectPublicKeyInfo, 64 lower-case hexadecimal digits,
 * as `openssl pkey -pubin -in key.pem -outform der | openssl dgst -sha256` prints it.
 *
 * @returns undefined for what is no public key.
 */
export function fingerprintOfKey(pem: string): string | undefined {
  try {
    const bytes = createPublicKey(pem).export({ type: 'spki', format: 'der' });
    return createHash('sha256').update(bytes).digest('hex');
  } catch {
    return undefined;
  }
}

/**
 * Reads a merchant's key.
 *
 * @param pinned the fingerprint its merchant has told another way, where it has.
 * @throws {Error} when the file holds another key, or none.
 */
export function readMerchantKey(path: string, pinned: string | undefined): string {
  const pem = readText(path);
  const found = fingerprintOfKey(pem);
  if (pinned === undefined || pinned === found) return pem;
  throw new Error(`${path} holds another key: its fingerprint is ${found ?? 'none'}`);
}

function keyFingerprint(text: string): string {
  const found = parseFingerprint(text);
  if (found === undefined) {
    throw new InvalidArgumentError(
      'A fingerprint is the SHA-256 of a key (openssl pkey -pubin -outform der | openssl dgst -sha256).',
    );
  }
  return found;
}
