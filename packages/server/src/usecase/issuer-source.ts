import { expiryOf } from '../domain/account-change.ts';
import type { NumberInBrief } from '../domain/card.ts';
import { Refusal } from '../domain/error.ts';
import type { Expiry } from '../domain/expiry.ts';
import { validationStatus } from '../domain/validation.ts';
import type {
  AccountInquiry,
  AccountUpdate,
  AccountUpdateSource,
  InquiryOutcome,
} from './account-update-source.ts';
import { type FindNumberDeps, lookUpNumber } from './find-number.ts';
import { readLineage } from './lineage.ts';
import { openPan } from './open-record.ts';
import type { Clock } from './ports.ts';
import { NO_PUSHES } from './subscribe-cards.ts';

export type IssuerSourceDeps = FindNumberDeps & { readonly clock: Clock };

/**
 * The issuer's own records as a source: the same facts that creating, reissuing and renewing cards
 * made, and that issuers told. Nobody has to subscribe: whatever is recorded is fed to its watchers.
 */
export function makeIssuerSource(deps: IssuerSourceDeps): AccountUpdateSource {
  return {
    name: 'issuer',
    limits: { inquiriesPerCall: 1, callsAtOnce: 1 },
    async inquire(inquiries) {
      const outcomes: InquiryOutcome[] = [];
      for (const inquiry of inquiries) {
        outcomes.push(await inquireRecord(deps, inquiry, deps.clock.nowMs()));
      }
      return outcomes;
    },
    ...NO_PUSHES,
  };
}

/** One inquiry of our own record, as it stands at a moment. */
export async function inquireRecord(
  deps: FindNumberDeps,
  inquiry: AccountInquiry,
  atMs: number,
): Promise<InquiryOutcome> {
  try {
    return { update: await lookUp(deps, inquiry, atMs) };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { refusal: error };
  }
}

/** @throws {Refusal} `RECORD_DAMAGED`, `KEY_UNAVAILABLE` */
async function lookUp(
  deps: FindNumberDeps,
  { merchant, number, expiry }: AccountInquiry,
  atMs: number,
): Promise<AccountUpdate> {
  const { directory, cards } = deps;
  const range = directory.findBinRange(number);
  if (range === undefined) return { status: 'N' };
  const { organization } = range;
  // With the terms of its cards, read before the log: a card that is made in between is not yet there.
  const found = await lookUpNumber(deps, organization, number);
  if (found === undefined) return { status: 'P', onRecord: { organization } };
  const { record } = found;
  const state = await readLineage(cards, record, atMs);
  const newest =
    state.newestNumberId === record.id
      ? record
      : await cards.findNumber(organization, state.newestNumberId);
  // A log that was edited must not lead to somebody else's number.
  if (newest?.lineage !== state.newestLineage) throw new Refusal('RECORD_DAMAGED');
  const terms = newest === record ? record.terms : await cards.listTerms(organization, newest.id);
  const expiries = terms.map((each) => expiryOf(each, state.effective));
  if (expiries.length === 0) throw new Refusal('RECORD_DAMAGED');
  const asked = { numberId: record.id, expiry, merchantId: merchant.id };
  const status = validationStatus(asked, state, expiries);
  return {
    status,
    ...news(deps, status, newest, expiries),
    onRecord: {
      organization,
      lineage: record.lineage,
      token: record.token,
      ...(record.bait && { bait: true }),
      ...(status === 'A' && { newToken: newest.token }),
    },
  };
}

/** What is new to the merchant. Of several cards with one number, the one that is good longest. */
function news(
  { keyring }: FindNumberDeps,
  status: AccountUpdate['status'],
  newest: NumberInBrief,
  expiries: readonly Expiry[],
): Pick<AccountUpdate, 'newNumber' | 'newExpiry'> {
  if (status !== 'A' && status !== 'E') return {};
  const newExpiry = Math.max(...expiries) as Expiry;
  return status === 'A' ? { newNumber: openPan(keyring, newest), newExpiry } : { newExpiry };
}
