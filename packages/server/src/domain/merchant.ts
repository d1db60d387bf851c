/** How answers to a merchant are encrypted: fixed when its key is registered, never negotiated. */
export type MessageAlgorithm = 'rsa-v1_5';

/** A client of the account updater's API. It holds no secret. */
export interface Merchant {
  /** The `merchantid` it sends: 32 lower-case hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  /** SubjectPublicKeyInfo in PEM, RSA of 2048 bits or more. */
  readonly publicKeyPem: string;
  readonly algorithm: MessageAlgorithm;
}
