import { effectiveChanges } from '../domain/account-change.ts';
import type { NumberRecord } from '../domain/card.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { Pan } from '../domain/pan.ts';
import type { RecordId } from '../domain/record-id.ts';
import { nameOfNumber, nameOfToken } from '../domain/retention.ts';
import type { RequestContext } from './audit-trail.ts';
import { listFeeders, RECORDED } from './lineage.ts';
import { openPan } from './open-record.ts';
import type { CardStore, Clock, Keyring, Ledger } from './ports.ts';
import type { UpdaterVault } from './watch-vault.ts';

export interface DeleteNumberDeps {
  readonly cards: CardStore;
  readonly keyring: Keyring;
  readonly ledger: Ledger;
  readonly vault: Pick<UpdaterVault, 'numberIndex'>;
  readonly clock: Clock;
}

/** The digests a number is remembered by, itself and one of its tokens. */
export function deletedNames(
  keyring: Keyring,
  organization: OrganizationNumber,
  pan: Pan,
  { epoch, token }: { readonly epoch: number; readonly token: string },
): readonly [Uint8Array, Uint8Array] {
  return [
    keyring.referenceIndex(organization, nameOfNumber(pan)),
    keyring.referenceIndex(organization, nameOfToken(epoch, token)),
  ];
}

/**
 * Deletes a number with its cards, its earlier tokens, and what merchants watch of it. Of the number
 * nothing is left but keyed digests of it and of its tokens, so that none of them is given again, and
 * an entry in the log of its lineage, which names no number.
 *
 * @returns false when somebody else changed or deleted the card at the same moment: nothing happened.
 * @throws {Refusal} `RECORD_DAMAGED`, `KEY_UNAVAILABLE`, `STORE_UNAVAILABLE`
 */
export async function deleteNumber(
  deps: DeleteNumberDeps,
  { who, requestId }: RequestContext,
  record: NumberRecord,
): Promise<boolean> {
  const { cards, keyring, ledger, vault, clock } = deps;
  const { organization, id: numberId, lineage, token } = record;
  const pan = openPan(keyring, record);
  const log = await cards.listChanges(organization, lineage);
  const replaced = await cards.listReplacedTokens(organization, numberId);
  const [numberName, tokenName] = deletedNames(keyring, organization, pan, record);
  const before = replaced.map((each) => deletedNames(keyring, organization, pan, each)[1]);
  const atMs = clock.nowMs();
  const outcome = await ledger.commit({
    changes: [
      {
        kind: 'delete_number',
        ...{ organization, numberId, atMs },
        names: [numberName, tokenName, ...before],
        watchIndex: vault.numberIndex(pan).sought,
      },
      {
        // Whoever adds a card to this number, or replaces it, takes the same place in the log.
        kind: 'add_account_change',
        change: {
          ...{ organization, lineage, numberId, kind: 'deleted' },
          position: (log.at(-1)?.position ?? 0) + 1,
          effectiveAtMs: atMs,
          recordedAtMs: atMs,
        },
      },
    ],
    audit: { atMs, who, action: 'delete_card', outcome: 'done', organization, token, requestId },
  });
  return outcome.committed;
}

/**
 * The numbers on record that lead to this one through replacements, the oldest first. They go before it:
 * a number that is there must not lead to one that is not.
 */
export async function listPredecessors(
  cards: CardStore,
  record: NumberRecord,
): Promise<readonly NumberRecord[]> {
  const { organization, lineage } = record;
  const before = new Map<RecordId, RecordId[]>();
  for (const feeder of await listFeeders(cards, organization, lineage)) {
    for (const change of effectiveChanges(
      await cards.listChanges(organization, feeder),
      RECORDED,
    )) {
      const { kind, numberId, newNumberId } = change;
      if (kind !== 'replaced' || newNumberId === undefined) continue;
      before.set(newNumberId, [...(before.get(newNumberId) ?? []), numberId]);
    }
  }
  const found = new Set([record.id]);
  for (const id of found) for (const earlier of before.get(id) ?? []) found.add(earlier);
  found.delete(record.id);
  const records: NumberRecord[] = [];
  for (const id of found) {
    const known = await cards.findNumber(organization, id);
    if (known !== undefined) records.unshift(known);
  }
  return records;
}
