import type { CardDetails, CardInBrief, NumberInBrief, NumberRecord } from '../domain/card.ts';
import { Refusal } from '../domain/error.ts';
import { type CardNumber, Pan } from '../domain/pan.ts';
import { openDetails, openDetailsBeside } from './card-details.ts';
import type { Keyring, SealedPlace } from './ports.ts';

/** What was sealed of a number. */
export interface OpenedRecord {
  readonly pan: Pan;
  /** Of the card that was read with it, if there was one; or why they do not open. */
  readonly details?: CardDetails | Refusal | undefined;
}

/**
 * What is sealed of a number, and of the card that was read with it.
 *
 * @param expected what the PAN should be: the sealed one is opened only where the details do not vouch for it.
 * @throws {Refusal} `RECORD_DAMAGED`, `KEY_UNAVAILABLE` of the number; that of the details is for later.
 */
export function openRecord(
  keyring: Keyring,
  record: NumberInBrief & { readonly card?: CardInBrief | undefined },
  expected: CardNumber | undefined,
): OpenedRecord {
  const { card } = record;
  if (card === undefined) return { pan: openPan(keyring, record) };
  if (expected === undefined) {
    const pan = openPan(keyring, record);
    return { pan, details: orRefusal(() => openDetails(keyring, record, card)) };
  }
  const beside = orRefusal(() => openDetailsBeside(keyring, record, card, expected));
  if (beside instanceof Refusal) return { pan: openPan(keyring, record), details: beside };
  const { details, doVouch } = beside;
  return { pan: doVouch ? Pan.parse(expected.reveal()) : openPan(keyring, record), details };
}

/** What opens, or why it does not. */
export function orRefusal<T>(open: () => T): T | Refusal {
  try {
    return open();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

/** @throws {Refusal} `RECORD_DAMAGED`, `KEY_UNAVAILABLE` */
export function openPan(keyring: Keyring, record: NumberInBrief): Pan {
  return Pan.parse(keyring.open(panPlace(record), record.sealedPan));
}

/** Where a sealed PAN belongs. The lineage is part of it: a number cannot be moved to another card. */
export function panPlace({
  organization,
  id,
  token,
  lineage,
}: Pick<NumberRecord, 'organization' | 'id' | 'token' | 'lineage'>): SealedPlace {
  return { organization, recordId: id, token, part: `pan:${lineage}` };
}
