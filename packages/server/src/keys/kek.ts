/**
 * A key-encryption key, wherever it is kept. The service hands it key bytes to wrap and gets them
 * back; the key-encryption key itself stays with its provider.
 */
export interface Kek {
  /**
   * @param attributes what the bytes belong to; they open with exactly these only.
   * @throws {KeyProviderError}
   */
  wrap(attributes: readonly string[], bytes: Uint8Array): Promise<Uint8Array>;
  /**
   * @returns undefined when it was wrapped under another key, with other attributes, or changed.
   * @throws {KeyProviderError}
   */
  unwrap(attributes: readonly string[], wrapped: Uint8Array): Promise<Buffer | undefined>;
  /** That the key is still where it was and answers. @throws {KeyProviderError} */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** Where a key-encryption key is kept, and how to get at it. Holds no secret. */
export interface KekSettings {
  /** Names the key-encryption key for ever: wrapped keys say it. 1 to 40 of a-z, 0-9 and -. */
  readonly id: string;
  readonly provider: KekProviderName;
  /** By provider; texts and numbers only. */
  readonly options: Readonly<Record<string, string | number | boolean>>;
}

export type KekProviderName = 'file' | 'passphrase' | 'pkcs11' | 'vault-transit';

/** A way to keep a key-encryption key. */
export interface KekProvider {
  /** Names of options, in the form `name` or `name?`; anything else is refused. */
  readonly optionNames: readonly string[];
  /** @param folder what relative paths are relative to. @throws {KeyProviderError} */
  open(settings: KekSettings, folder: string): Promise<Kek>;
  /** Makes the key where that can be done from here. @throws {KeyProviderError} */
  create(settings: KekSettings, folder: string): Promise<void>;
}

/** A provider could not be reached, or refuses. Its message is for an operator and holds no secret. */
export class KeyProviderError extends Error {
  override readonly name = 'KeyProviderError';
}

/** How long a provider may take for one key, when its settings do not say. */
export const PROVIDER_TIMEOUT_MS = 5_000;

/** An option that is a text. @throws {KeyProviderError} */
export function textOption({ id, options }: KekSettings, name: string): string {
  const value = options[name];
  if (typeof value !== 'string' || value === '') {
    throw new KeyProviderError(`key-encryption key ${id}: option ${name} must be a text`);
  }
  return value;
}

/** `timeoutMs`, 100 to 60,000. @throws {KeyProviderError} */
export function timeoutOption({ id, options }: KekSettings): number {
  const value = options.timeoutMs ?? PROVIDER_TIMEOUT_MS;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 100 || value > 60_000) {
    throw new KeyProviderError(`key-encryption key ${id}: timeoutMs must be 100 to 60000`);
  }
  return value;
}
