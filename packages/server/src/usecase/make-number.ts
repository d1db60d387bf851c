import assert from 'node:assert/strict';
import type { NumberRecord } from '../domain/card.ts';
import type { Organization } from '../domain/organization.ts';
import type { Pan } from '../domain/pan.ts';
import type { RecordId } from '../domain/record-id.ts';
import { makeToken, RANDOM_EPOCH } from '../domain/token-format.ts';
import { deletedNames } from './delete-number.ts';
import { panPlace } from './open-record.ts';
import type { Change, Clock, CommitOutcome, Keyring, Random } from './ports.ts';

export interface MakeNumberDeps {
  readonly keyring: Keyring;
  readonly random: Random;
  readonly clock: Clock;
}

/**
 * How often something drawn at random is drawn again before the request is refused. While half of
 * the room is free, all tries fail in one of 2 ** 40 requests.
 */
export const DRAW_LIMIT = 40;

/**
 * The record of a PAN that has none yet: its PAN-TOKEN is calculated here, once and for all.
 *
 * @param lineage the chain this number continues; without, it begins one.
 * @throws {Refusal} `PAN_LENGTH_NOT_SERVED`, `KEY_UNAVAILABLE`
 */
export function makeNumber(
  { keyring, random, clock }: MakeNumberDeps,
  organization: Organization,
  pan: Pan,
  lineage?: RecordId,
): NumberRecord {
  const keys = keyring.tokenKeys(organization.number);
  const { token, epoch } = makeToken(organization.formats, keys, pan, random);
  const id = random.recordId();
  const names = { organization: organization.number, id, lineage: lineage ?? id, token };
  const panIndex = keyring.panIndex(organization.number, pan);
  return {
    ...names,
    panIndex: panIndex.current,
    nextPanIndex: panIndex.next,
    epoch,
    sealedPan: keyring.seal(panPlace(names), pan.reveal()),
    createdAtMs: clock.nowMs(),
  };
}

/** Adds a number, unless it or its token was deleted. */
export function addNumber(keyring: Keyring, record: NumberRecord, pan: Pan): Change {
  const names = deletedNames(keyring, record.organization, pan, record);
  return { kind: 'add_number', record, names };
}

/** What stood in the way of a unit that adds a number: drawn again, found, refused, or a bug. */
export type NumberConflict = 'number_taken' | 'token_taken' | 'change_taken' | 'name_deleted';

const NUMBER_CONFLICTS: readonly string[] = ['number_taken', 'change_taken', 'name_deleted'];

/** @returns undefined when the unit was committed. */
export function numberConflict(
  outcome: CommitOutcome,
  record: Pick<NumberRecord, 'epoch'> | undefined,
): NumberConflict | undefined {
  if (outcome.committed) return undefined;
  const { conflict } = outcome;
  if (NUMBER_CONFLICTS.includes(conflict)) return conflict as NumberConflict;
  assert(record !== undefined && conflict === 'token_taken', `unexpected conflict: ${conflict}`);
  // FF1 is a permutation: a keyed token is taken by the same PAN only, whose second record breaks
  // both constraints, and which one of the two an engine names is its own affair.
  return record.epoch === RANDOM_EPOCH ? 'token_taken' : 'number_taken';
}
