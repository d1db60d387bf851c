import { Refusal } from './error.ts';
import type { OrganizationNumber } from './organization-number.ts';

/** An authenticated client of the issuer's API. It holds no secret. */
export interface Caller {
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  /** What the caller sends as `X-ClientID`. */
  readonly clientId: string;
  /** The organizations it may act for. */
  readonly organizations: ReadonlySet<OrganizationNumber>;
  /** Whether it may see card numbers. */
  readonly pciCertified: boolean;
}

/**
 * The one place that decides whether a caller may act for an organization. An organization that does
 * not exist and one of somebody else are refused alike, so that nothing can be learned by asking.
 *
 * @throws {Refusal} `ORGANIZATION_NOT_FOUND`
 */
export function demandOrganization(caller: Caller, organization: OrganizationNumber): void {
  if (!caller.organizations.has(organization)) throw new Refusal('ORGANIZATION_NOT_FOUND');
}

/** The one place that decides who may see a card number. */
export function maySeeNumbers(caller: Caller, organization: OrganizationNumber): boolean {
  return caller.pciCertified && caller.organizations.has(organization);
}
