import { Refusal } from '../domain/error.ts';
import { type Merchant, parseQuota } from '../domain/merchant.ts';
import type { Audited, RequestContext } from './audit-trail.ts';
import { demandMerchant } from './merchant-keys.ts';
import type { Directory } from './ports.ts';

/** What is agreed with a merchant. */
export type MerchantTerms = Pick<Merchant, 'organizations' | 'validationsPerMinute'>;

export type SetMerchantTerms = (
  context: RequestContext,
  name: string,
  /** What is left out stays. */
  terms: Partial<MerchantTerms>,
) => Promise<void>;

/**
 * Changes whose PAN-TOKENs a merchant may name cards by, and how many validations a minute it has.
 *
 * @throws {Refusal} `MERCHANT_NOT_FOUND`, `QUOTA_INVALID`, `ORGANIZATION_RECORD_MISSING`
 */
export function makeSetMerchantTerms(deps: {
  readonly audited: Audited;
  readonly directory: Directory;
}): SetMerchantTerms {
  const { audited, directory } = deps;
  return async (context, name, terms) => {
    await audited(context, 'set_merchant_terms', async (trail) => {
      const merchant = demandMerchant(directory, name);
      const { id: merchantId } = merchant;
      trail.note({ merchantId });
      const { organizations, validationsPerMinute } = { ...merchant, ...terms };
      if (validationsPerMinute !== undefined) parseQuota(validationsPerMinute);
      for (const organization of organizations) {
        const isThere = directory.findOrganization(organization) !== undefined;
        if (!isThere) throw new Refusal('ORGANIZATION_RECORD_MISSING');
      }
      const change = { kind: 'set_merchant_terms', merchantId, organizations } as const;
      await trail.commit([{ ...change, validationsPerMinute }, { kind: 'count_directory_up' }]);
    });
    await directory.refresh();
  };
}
