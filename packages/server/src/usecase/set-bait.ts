import { type Caller, demandOrganization, demandRight } from '../domain/caller.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { Audited, RequestContext, Trail } from './audit-trail.ts';
import {
  type CardReference,
  demandRecord,
  type FindNumberDeps,
  findByReference,
} from './find-number.ts';

export interface SetBaitRequest {
  readonly organization: OrganizationNumber;
  readonly card: CardReference;
  /** False: it is an ordinary card again. */
  readonly isBait: boolean;
}

export interface SetBait {
  /** @throws {Refusal} `ORGANIZATION_NOT_FOUND`, `RIGHT_MISSING`, those of finding the card */
  byCaller(caller: Caller, request: SetBaitRequest, requestId: string): Promise<void>;
  /** @throws {Refusal} those of finding the card */
  byOperator(context: RequestContext, request: SetBaitRequest): Promise<void>;
  /** The tokens of an organization's bait. */
  list(organization: OrganizationNumber): Promise<readonly string[]>;
}

export type SetBaitDeps = FindNumberDeps & { readonly audited: Audited };

/**
 * Makes a card bait: a card nobody was given, put where only a thief finds it. Whoever asks about it is
 * answered as for any card and raises the alarm `bait_asked`.
 */
export function makeSetBait(deps: SetBaitDeps): SetBait {
  const { audited, directory, cards } = deps;

  async function set(trail: Trail, { organization, card, isBait }: SetBaitRequest): Promise<void> {
    const record = demandRecord(directory, organization);
    // Who marks it asks about it, too, and is no thief.
    const quiet = { ...trail, tripBait: () => undefined };
    const found = await findByReference(deps, record, card, quiet);
    trail.note({ bait: isBait });
    await trail.commit([{ kind: 'set_bait', record: found.record, isBait }]);
  }

  return {
    byCaller: (caller, request, requestId) =>
      audited({ who: `caller:${caller.id}`, requestId }, 'set_bait', async (trail) => {
        trail.note({ organization: request.organization });
        demandOrganization(caller, request.organization);
        demandRight(caller, 'manage');
        await set(trail, request);
      }),
    byOperator: (context, request) =>
      audited(context, 'set_bait', async (trail) => {
        trail.note({ organization: request.organization });
        await set(trail, request);
      }),
    list: async (organization) => (await cards.listBait(organization)).map(({ token }) => token),
  };
}
