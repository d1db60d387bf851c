import type { LineageStep } from './account-change.ts';
import type { Expiry } from './expiry.ts';
import type { RecordId } from './record-id.ts';

/**
 * The answer of an account updater: A account number changed, C closed, E expiry changed,
 * N non-participating BIN, Q contact the cardholder, O cardholder opted out, P participating BIN but
 * no match, V valid as asked.
 */
export type ValidationStatus = 'A' | 'C' | 'E' | 'N' | 'Q' | 'O' | 'P' | 'V';

/**
 * Decides what a merchant is told of a card that was found. What stops all use of the card goes
 * before what changed: a merchant that was told of a new number would try it.
 *
 * Opting out and stop advice are one letter: a merchant is not told which of the two it was.
 *
 * @param asked what the merchant has, and who it is.
 * @param state the lineage of that number.
 * @param expiries those of the cards that carry the newest number; one of them is enough for a match.
 */
export function validationStatus(
  asked: { readonly numberId: RecordId; readonly expiry: Expiry; readonly merchantId: string },
  state: Omit<LineageStep, 'next'>,
  expiries: readonly Expiry[],
): ValidationStatus {
  if (state.optedOut || state.stoppedMerchants.has(asked.merchantId)) return 'O';
  if (state.closed) return 'C';
  if (state.contactCardholder) return 'Q';
  if (state.newestNumberId !== asked.numberId) return 'A';
  return expiries.includes(asked.expiry) ? 'V' : 'E';
}
