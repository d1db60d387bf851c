import { Refusal } from './error.ts';

declare const brand: unique symbol;

/** An issuer's number in this service, an integer from 0 to 998. */
export type OrganizationNumber = number & { readonly [brand]: 'OrganizationNumber' };

/** @throws {Refusal} `ORGANIZATION_NUMBER_INVALID` */
export function parseOrganizationNumber(value: unknown): OrganizationNumber {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 998) {
    throw new Refusal('ORGANIZATION_NUMBER_INVALID');
  }
  return value as OrganizationNumber;
}
