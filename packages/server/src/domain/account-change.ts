import type { Expiry } from './expiry.ts';
import type { OrganizationNumber } from './organization-number.ts';
import type { RecordId } from './record-id.ts';

/** What can become of a card after it was made. */
export type AccountChangeKind =
  | 'replaced' // by a new number
  | 'renewed' // same number, new expiry
  | 'card_added' // one more card with the number
  | 'closed'
  | 'contact_cardholder'
  | 'opted_out'
  | 'opted_in';

/** One entry of the log of a lineage. Entries are only ever added. */
export interface AccountChange {
  readonly organization: OrganizationNumber;
  readonly lineage: RecordId;
  /** 1 for the first change of the lineage; unique, so that two writers cannot both be next. */
  readonly position: number;
  readonly kind: AccountChangeKind;
  /** The number that was the newest when it changed. */
  readonly numberId: RecordId;
  /** `replaced`: the number that took its place. */
  readonly newNumberId?: RecordId;
  /** `renewed`, `card_added`: the sequence of that card. */
  readonly sequence?: number;
  /** `renewed`, `card_added`: the expiry from now on. */
  readonly expiry?: Expiry;
  readonly recordedAtMs: number;
}

/** Where a lineage stands after all of its changes. */
export interface LineageState {
  readonly newestNumberId: RecordId;
  readonly closed: boolean;
  readonly contactCardholder: boolean;
  readonly optedOut: boolean;
  /** The position the next change will have. */
  readonly nextPosition: number;
}

/**
 * Folds the log of a lineage, oldest first. A new number or expiry ends a request to contact the
 * cardholder; opting out holds until opting in, whatever happens to the card.
 */
export function lineageState(lineage: RecordId, changes: readonly AccountChange[]): LineageState {
  let newestNumberId = lineage;
  let closed = false;
  let contactCardholder = false;
  let optedOut = false;
  for (const change of changes) {
    switch (change.kind) {
      case 'replaced':
        newestNumberId = change.newNumberId ?? newestNumberId;
        contactCardholder = false;
        break;
      case 'renewed':
        contactCardholder = false;
        break;
      case 'card_added':
        break; // It is in the log so that replacing the number and adding to it exclude one another.
      case 'closed':
        closed = true;
        break;
      case 'contact_cardholder':
        contactCardholder = true;
        break;
      case 'opted_out':
        optedOut = true;
        break;
      case 'opted_in':
        optedOut = false;
        break;
    }
  }
  const nextPosition = (changes.at(-1)?.position ?? 0) + 1;
  return { newestNumberId, closed, contactCardholder, optedOut, nextPosition };
}
