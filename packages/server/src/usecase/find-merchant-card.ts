import type { BinRange } from '../domain/bin-range.ts';
import { Refusal } from '../domain/error.ts';
import type { Merchant } from '../domain/merchant.ts';
import type { CardNumber } from '../domain/pan.ts';
import { keptDigits } from '../domain/token-format.ts';
import type { Trail } from './audit-trail.ts';
import { type CardReference, type FindNumberDeps, findByToken } from './find-number.ts';

/** Every token keeps at least the first six digits of its number. */
const KEPT_FIRST_MIN = 6;

/**
 * The number of a card as a merchant names it, and counts it against the merchant's budget: before
 * anything is looked up. It is named by the number, or by a PAN-TOKEN of an organization the
 * merchant belongs to. The token of any other organization is not told from one that does not exist.
 *
 * @throws {Refusal} `CARD_NUMBER_NOT_FOUND`, `RECORD_DAMAGED`, `KEY_UNAVAILABLE`
 */
export async function findMerchantCard(
  deps: FindNumberDeps,
  merchant: Merchant,
  card: CardReference,
  trail: Trail,
): Promise<CardNumber> {
  const { directory } = deps;
  if (card.kind === 'number') {
    const range = directory.findBinRange(card.number);
    const formats = range && directory.findOrganization(range.organization)?.formats;
    trail.spend(card.number.reveal(), keptDigits(formats ?? [], card.number.length));
    return card.number;
  }
  for (const number of merchant.organizations) {
    const organization = directory.findOrganization(number);
    const isOfRange = directory.listBinRanges(number).some((range) => isIn(range, card.token));
    if (organization === undefined || !organization.panTokenOn || !isOfRange) continue;
    trail.spend(card.token, keptDigits(organization.formats, card.token.length));
    try {
      return (await findByToken(deps, organization, card.token, trail)).pan;
    } catch (error) {
      // A range of eight digits may share its first six with another organization's.
      const isOther =
        error instanceof Refusal &&
        (error.code === 'TOKEN_MALFORMED' || error.code === 'CARD_NUMBER_NOT_FOUND');
      if (!isOther) throw error;
    }
  }
  throw new Refusal('CARD_NUMBER_NOT_FOUND');
}

function isIn({ prefix }: BinRange, token: string): boolean {
  return token.startsWith(prefix.slice(0, KEPT_FIRST_MIN));
}
