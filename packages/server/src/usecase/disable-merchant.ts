import { Refusal } from '../domain/error.ts';
import type { RequestContext } from './audit-trail.ts';
import type { DisableDeps } from './disable-caller.ts';

export type DisableMerchant = (context: RequestContext, name: string) => Promise<void>;

/** Ends everything a merchant has, for good. @throws {Refusal} `MERCHANT_NOT_FOUND` */
export function makeDisableMerchant({ audited, directory, clock }: DisableDeps): DisableMerchant {
  return async (context, name) => {
    await audited(context, 'disable_merchant', async (trail) => {
      const merchant = directory.listMerchants().find((each) => each.name === name);
      if (merchant === undefined) throw new Refusal('MERCHANT_NOT_FOUND');
      const atMs = clock.nowMs();
      await trail.commit([
        { kind: 'disable_merchant', merchantId: merchant.id, atMs },
        { kind: 'count_directory_up' },
      ]);
    });
    await directory.refresh();
  };
}
