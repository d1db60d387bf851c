import type { AccountChangeKind } from '../domain/account-change.ts';
import { Refusal } from '../domain/error.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { Audited, RequestContext } from './audit-trail.ts';
import {
  type CardReference,
  demandRecord,
  type FindNumberDeps,
  findByReference,
} from './find-number.ts';
import { RACE_LIMIT, readLineage } from './lineage.ts';
import type { Clock } from './ports.ts';

export interface ChangeAccountRequest {
  readonly organization: OrganizationNumber;
  readonly card: CardReference;
  /** Replacing and renewing make plastics: they have use cases of their own. */
  readonly kind: Exclude<AccountChangeKind, 'replaced' | 'renewed' | 'card_added'>;
}

export type ChangeAccount = (
  context: RequestContext,
  request: ChangeAccountRequest,
) => Promise<void>;

export type ChangeAccountDeps = FindNumberDeps & {
  readonly audited: Audited;
  readonly clock: Clock;
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
        const { nextPosition, newestNumberId } = await readLineage(cards, record);
        const change = {
          organization: organization.number,
          lineage: record.lineage,
          position: nextPosition,
          kind: request.kind,
          numberId: newestNumberId,
          recordedAtMs: clock.nowMs(),
        };
        const outcome = await trail.commit([{ kind: 'add_account_change', change }]);
        if (outcome.committed) return;
      }
      throw new Refusal('CARD_BUSY');
    });
}
