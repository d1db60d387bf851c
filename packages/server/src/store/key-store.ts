import type { KeyState } from '../domain/key-epoch.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type {
  Approval,
  KeyJob,
  KeyJobName,
  KeyJobStore,
  KeyPurpose,
  KeyRecord,
  OperatorStore,
  RegisteredOperator,
  WrappedKey,
  WrappedKeyStore,
} from '../usecase/key-ports.ts';
import type { ReindexDeps } from '../usecase/reindex-watches.ts';
import type { ServiceSealStore } from '../usecase/rekey-service.ts';
import type { WatchersDeps } from '../usecase/rekey-watchers.ts';
import { numberOf, recordId } from './card-store.ts';
import { idBytes, SERVICE_ORGANIZATION } from './ids.ts';
import type { Reader, ReadName, Row } from './statements.ts';

/** Keys and their lives in tables wrapped_key and key_epoch. */
export function makeWrappedKeyStore(reader: Reader): WrappedKeyStore {
  return { listKeys: async () => (await reader.read('listKeys', [])).map(keyRecordOf) };
}

/** Jobs in table key_job, and the counts and pages they need of the tables of cards. */
export function makeKeyJobStore(reader: Reader): KeyJobStore {
  async function count(name: ReadName, organization: OrganizationNumber) {
    const rows = await reader.read(name, [organization]);
    return new Map(rows.map((row) => [Number(row.epoch), Number(row.count)]));
  }

  return {
    async findJob(organization, job) {
      const [row] = await reader.read('findKeyJob', [organization, job]);
      return row && jobOf(row);
    },
    async listNumbersAfter(organization, position, limit) {
      const rows = await reader.read('listNumbersAfter', [organization, idBytes(position), limit]);
      return rows.map(numberOf);
    },
    async countNumbers(organization) {
      const [row] = await reader.read('countNumbers', [organization]);
      return Number(row?.count);
    },
    countTokens: (organization) => count('countTokens', organization),
    countReplacedTokens: (organization) => count('countReplacedTokens', organization),
    async countSealed(organization) {
      const sum = new Map(await count('countSealedNumbers', organization));
      for (const [epoch, more] of await count('countSealedCards', organization)) {
        sum.set(epoch, (sum.get(epoch) ?? 0) + more);
      }
      return sum;
    },
    countAnswers: (organization) => count('countSealedAnswers', organization),
    async countIndexes(organization) {
      const [row] = await reader.read('countIndexes', [organization]);
      return {
        withoutNextCount: Number(row?.withoutNext),
        withNextCount: Number(row?.withNext),
        notPromotedCount: Number(row?.notPromoted),
      };
    },
  };
}

/** What is sealed under keys of the service, in tables watch_entry and notification. */
export function makeServiceSealStore(
  reader: Reader,
): ServiceSealStore & ReindexDeps['seals'] & WatchersDeps['seals'] {
  return {
    async countWatches() {
      const [row] = await reader.read('countWatches', []);
      return Number(row?.count);
    },
    async listSealedWatches(panid, limit) {
      const entries = await reader.read('listSealedEntries', [panid, limit]);
      return Promise.all(
        entries.map(async (entry) => {
          const notifications = await reader.read('listSealedNotifications', [String(entry.panid)]);
          const parts = [
            { part: 'entry', sealed: entry.sealed as Uint8Array } as const,
            ...notifications.map(({ position, sealed }) => ({
              part: `notification:${Number(position)}` as const,
              sealed: sealed as Uint8Array,
            })),
          ];
          const told = entry.told as Uint8Array | null;
          return {
            ...{ panid: String(entry.panid), merchantId: String(entry.merchantId) },
            parts: told === null ? parts : [...parts, { part: 'told', sealed: told }],
          };
        }),
      );
    },
    async listWatchesOf(organization, panid, limit) {
      const rows = await reader.read('listWatchesOf', [organization, panid, limit]);
      return rows.map((row) => ({
        ...{ panid: String(row.panid), merchantId: String(row.merchantId) },
        sealed: row.sealed as Uint8Array,
        lineage: row.lineage === null ? undefined : recordId(row.lineage),
      }));
    },
    async listIndexedWatches(panid, limit) {
      const rows = await reader.read('listIndexedEntries', [panid, limit]);
      return rows.map((row) => ({
        ...{ panid: String(row.panid), merchantId: String(row.merchantId) },
        sealed: row.sealed as Uint8Array,
        panIndex: row.panIndex as Uint8Array,
        nextPanIndex: (row.nextPanIndex ?? undefined) as Uint8Array | undefined,
        customIndex: (row.customIndex ?? undefined) as Uint8Array | undefined,
      }));
    },
  };
}

/** Operators and what waits for a second one, in tables operator and approval. */
export function makeOperatorStore(reader: Reader): OperatorStore {
  return {
    async listOperators() {
      const rows = await reader.read('listOperators', []);
      return rows.map((row) => ({
        ...(row as unknown as RegisteredOperator),
        createdAtMs: Number(row.createdAtMs),
      }));
    },
    async findApproval(command) {
      const [row] = await reader.read('findApproval', [command]);
      return row && { ...(row as unknown as Approval), requestedAtMs: Number(row.requestedAtMs) };
    },
  };
}

function keyRecordOf(row: Row): KeyRecord {
  const { organization, lastSeenAtMs } = row;
  const name = {
    organization:
      organization === SERVICE_ORGANIZATION ? undefined : (organization as OrganizationNumber),
    purpose: row.purpose as KeyPurpose,
    epoch: Number(row.epoch),
  };
  const key: WrappedKey | undefined =
    row.wrapped === null
      ? undefined
      : {
          ...name,
          id: row.id as string,
          environment: row.environment as string,
          kek: row.kek as string,
          wrapped: row.wrapped as Uint8Array,
          checkValue: row.checkValue as string,
          knownAnswer: (row.knownAnswer as string | null) ?? undefined,
          createdAtMs: Number(row.wrappedCreatedAtMs),
        };
  return {
    ...name,
    state: row.state as KeyState,
    createdAtMs: Number(row.createdAtMs),
    stateSinceMs: Number(row.stateSinceMs),
    seenCount: Number(row.seenCount),
    lastSeenAtMs: lastSeenAtMs === null ? undefined : Number(lastSeenAtMs),
    key,
  };
}

function jobOf(row: Row): KeyJob {
  return {
    organization: row.organization as OrganizationNumber,
    job: row.job as KeyJobName,
    epoch: Number(row.epoch),
    position: recordId(row.position),
    doneCount: Number(row.doneCount),
    startedAtMs: Number(row.startedAtMs),
    updatedAtMs: Number(row.updatedAtMs),
  };
}
