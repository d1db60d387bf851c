import { Refusal } from '../domain/error.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { Audited, RequestContext } from './audit-trail.ts';
import {
  type CardReference,
  demandRecord,
  type FindNumberDeps,
  findByReference,
} from './find-number.ts';
import { addAccountChange, RACE_LIMIT, readLineage } from './lineage.ts';
import type { Clock, Random } from './ports.ts';

export interface ChangeAccountRequest {
  readonly organization: OrganizationNumber;
  readonly card: CardReference;
  readonly kind: 'closed' | 'contact_cardholder' | 'opted_out' | 'opted_in';
}

export type ChangeAccount = (
  context: RequestContext,
  request: ChangeAccountRequest,
) => Promise<void>;

export type ChangeAccountDeps = FindNumberDeps & {
  readonly audited: Audited;
  readonly clock: Clock;
  readonly random: Random;
};

/**
 * Records what became of a card other than a new plastic. It holds for the whole lineage.
 *
 * @throws {Refusal} those of finding the card, `CARD_BUSY`
 */
export function makeChangeAccount(deps: ChangeAccountDeps): ChangeAccount {
  const { audited, directory, cards, clock } = deps;
  return (context, request) =>
    audited(context, 'change_account', async (trail) => {
      trail.note({ organization: request.organization });
      const organization = demandRecord(directory, request.organization);
      const { record } = await findByReference(deps, organization, request.card, trail);
      for (let tries = 0; tries < RACE_LIMIT; tries++) {
        const nowMs = clock.nowMs();
        const state = await readLineage(cards, record, nowMs);
        const change = {
          organization: organization.number,
          lineage: state.newestLineage,
          position: state.nextPosition,
          kind: request.kind,
          numberId: state.newestNumberId,
          effectiveAtMs: nowMs,
          recordedAtMs: nowMs,
        };
        const outcome = await trail.commit(await addAccountChange(deps, change));
        if (outcome.committed) return;
      }
      throw new Refusal('CARD_BUSY');
    });
}
