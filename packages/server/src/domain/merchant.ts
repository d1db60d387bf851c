import type { Access } from './access.ts';

/** How answers to a merchant are encrypted: fixed when its key is registered, never negotiated. */
export type MessageAlgorithm = 'rsa-v1_5';

/** A client of the account updater's API. It holds no secret. */
export interface Merchant extends Access {
  /** The `merchantid` it sends: 32 lower-case hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  /** SubjectPublicKeyInfo in PEM, RSA of 2048 bits or more. */
  readonly publicKeyPem: string;
  readonly algorithm: MessageAlgorithm;
}

/** What has to be said of a new merchant; where it may come from has a default: anywhere. */
export type NewMerchant = Omit<Merchant, 'id' | keyof Access> & Partial<Access>;
