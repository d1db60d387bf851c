import { type Caller, demandOrganization, maySeeNumbers } from '../domain/caller.ts';
import { Refusal } from '../domain/error.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { Audited } from './audit-trail.ts';
import { demandRecord, type FindNumberDeps, findCardByToken } from './find-number.ts';
import type { CardAnswer } from './inquire-token.ts';
import { type ShowNumberDeps, type ShownNumber, showNumber } from './show-number.ts';

export interface InquireNumberRequest {
  readonly organization: OrganizationNumber;
  readonly token: string;
  readonly sequence: number;
}

export type InquireNumber = (
  caller: Caller,
  request: InquireNumberRequest,
  requestId: string,
) => Promise<CardAnswer & { readonly number: ShownNumber }>;

export type InquireNumberDeps = FindNumberDeps & ShowNumberDeps & { readonly audited: Audited };

/**
 * Gives the card number behind a PAN-TOKEN, to a caller who may see it.
 *
 * A caller without the right is refused before anything is looked up, so that its refusals do not
 * tell which tokens exist. The audit record is durable before the number leaves.
 *
 * @throws {Refusal} `NUMBER_FORBIDDEN`, `ORGANIZATION_NOT_FOUND`, `ORGANIZATION_RECORD_MISSING`,
 *   `PAN_TOKEN_SWITCHED_OFF`, `TOKEN_MALFORMED`, `CARD_NUMBER_NOT_FOUND`, `CARD_NOT_FOUND`,
 *   `RECORD_DAMAGED`, `KEY_UNAVAILABLE`, `ENCRYPTION_KEY_MISSING`, `NUMBER_ENCRYPTED_NO_ZONE_KEY`
 */
export function makeInquireNumber(deps: InquireNumberDeps): InquireNumber {
  const { audited, directory } = deps;
  return (caller, request, requestId) =>
    audited({ who: `caller:${caller.id}`, requestId }, 'inquire_number', async (trail) => {
      trail.note({ organization: request.organization });
      demandOrganization(caller, request.organization);
      if (!maySeeNumbers(caller, request.organization)) throw new Refusal('NUMBER_FORBIDDEN');
      const organization = demandRecord(directory, request.organization);
      if (!organization.panTokenOn) throw new Refusal('PAN_TOKEN_SWITCHED_OFF');
      const { token, sequence } = request;
      const found = await findCardByToken(deps, organization, token, sequence, trail);
      const { record, pan, details } = found;
      const number = await showNumber(deps, caller, record.organization, pan);
      await trail.commit([]);
      return {
        organization: record.organization,
        logo: record.card.logo,
        sequence,
        accountNumber: details.accountNumber,
        token: record.token,
        number,
      };
    });
}
