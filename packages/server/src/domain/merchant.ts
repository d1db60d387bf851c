import type { Access } from './access.ts';
import { Refusal } from './error.ts';
import type { OrganizationNumber } from './organization-number.ts';

/** How answers to a merchant are encrypted: fixed when its key is registered, never negotiated. */
export const MESSAGE_ALGORITHMS = ['rsa-v1_5', 'rsa-oaep-256', 'jwe'] as const;
export type MessageAlgorithm = (typeof MESSAGE_ALGORITHMS)[number];

/** A client of the account updater's API. It holds no secret. */
export interface Merchant extends Access {
  /** The `merchantid` it sends: 32 lower-case hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  /** SubjectPublicKeyInfo in PEM, RSA of 2048 bits or more. */
  readonly publicKeyPem: string;
  readonly algorithm: MessageAlgorithm;
  /** Where it is told of changes; undefined: nowhere, and it can watch no card. */
  readonly notificationUrl: string | undefined;
  /** Whose PAN-TOKENs it may name cards by. */
  readonly organizations: ReadonlySet<OrganizationNumber>;
  /** How many validations a minute each node answers it; undefined: as many as it can. */
  readonly validationsPerMinute: number | undefined;
  /** Whether notifications are signed (RFC 9421). */
  readonly notificationSigned: boolean;
}

/** What has to be said of a new merchant; where it may come from has a default: anywhere. */
export type NewMerchant = Pick<Merchant, 'name' | 'publicKeyPem' | 'algorithm'> &
  Partial<Access & Pick<Merchant, 'organizations' | 'validationsPerMinute'>>;

/** @throws {Refusal} `QUOTA_INVALID` */
export function parseQuota(perMinute: number): number {
  const isQuota = Number.isInteger(perMinute) && perMinute >= 1 && perMinute <= 10_000_000;
  if (!isQuota) throw new Refusal('QUOTA_INVALID');
  return perMinute;
}
