import type { NewCaller } from '../../src/domain/caller.ts';
import type { OrganizationNumber } from '../../src/domain/organization-number.ts';
import { type IssuerClient, makeIssuerClient } from './issuer-client.ts';
import { operator, type TestService } from './service.ts';

let lastNumber = 0;

/** Registers a caller of organization 100, PCI-certified unless said otherwise, and its client. */
export async function addCaller(
  { service, send }: TestService,
  given: Partial<NewCaller> = {},
): Promise<IssuerClient & { readonly name: string }> {
  lastNumber++;
  const caller: NewCaller = {
    name: `caller-${lastNumber}`,
    clientId: `1${String(lastNumber).padStart(4, '0')}`,
    pciCertified: true,
    organizations: new Set([100 as OrganizationNumber]),
    ...given,
  };
  const { apikey, secret } = await service.register.addCaller(operator, caller);
  const { name, clientId } = caller;
  return { ...makeIssuerClient(send, { name, clientId, apikey, secret }), name };
}
