import type { Merchant, MessageAlgorithm } from '../domain/merchant.ts';

/** Messages encrypted from and to merchants. */
export interface MessageCipher {
  /**
   * @returns base64.
   * @throws {Refusal} `ANSWER_TOO_LONG`
   */
  encryptFor(merchant: Merchant, text: string): Promise<string>;
  /**
   * Undoes what a merchant encrypted to the key of the service. What comes out is hostile: a message
   * that was tampered with gives bytes, too, and no error.
   *
   * @param encrypted base64, or a compact JWE.
   * @param merchant whose turn it takes; no other algorithm than its own is tried.
   * @throws {Refusal} `ENCDATA_UNREADABLE`; `QUOTA_EXCEEDED` when too much of this merchant waits,
   *   `TOO_BUSY` when too much of all does
   */
  decrypt(encrypted: string, merchant: Pick<Merchant, 'id' | 'algorithm'>): Promise<Uint8Array>;
  /**
   * How many bytes a message to a key may have; undefined when it is no RSA key of 2048 bits or more.
   */
  roomFor(publicKeyPem: string, algorithm: MessageAlgorithm): number | undefined;
  /** SubjectPublicKeyInfo in PEM: what merchants encrypt to. */
  publicKeyPem(): string;
}
