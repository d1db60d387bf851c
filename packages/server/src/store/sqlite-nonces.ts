import { hash, randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { Conflict } from '../usecase/ports.ts';
import { SQLITE } from './dialect.ts';
import { type Digest, type DigestSet, makeDigestSet } from './digest-set.ts';
import { type SqlValue, WRITES } from './statements.ts';

/**
 * Nonces of signed requests, as the writer of SQLite takes them. On the disk they are in the order they came
 * in: by caller and nonce each would change a page of its own. So which are taken is kept in memory too, and
 * what other processes have taken is read before each batch that is signed. A request that was captured is
 * refused by the disk alone, since it comes with its own time stamp; another one with the same nonce by the memory.
 */
export interface SqliteNonces {
  /** Makes the memory what the disk holds. */
  catchUp(): void;
  /**
   * @returns `nonce_taken`, and has then written nothing.
   * @throws SQLite's error of a unique constraint, where the disk knows of it and the memory does not.
   */
  add(values: readonly SqlValue[]): Conflict | undefined;
  /** What was added from here on is undone by {@link undo}. */
  mark(): number;
  undo(mark: number): void;
  /** The transaction is durable. Never throws: what there is no memory for now is read again. */
  keepAdded(): void;
  /** The transaction was not kept. */
  dropAdded(): void;
}

type NonceRow = readonly [position: number, callerId: string, nonce: string, expiresAtMs: number];

interface Taken {
  readonly row: NonceRow;
  readonly name: string;
  readonly digest: Digest;
}

export function makeSqliteNonces(database: DatabaseSync): SqliteNonces {
  const insert = database.prepare(SQLITE.spell(WRITES.addNonce));
  const disk = openNonceDisk(database);
  // Nobody can choose nonces whose digests want the same place.
  const salt = randomBytes(16).toString('hex');
  let memory = makeMemory();
  /** The newest row that the memory has. */
  let last: NonceRow | undefined;
  /** Of this transaction, in order. */
  let added: Taken[] = [];
  const addedNames = new Set<string>();

  function keep(row: NonceRow, digest: Digest): void {
    memory.add(digest, row[3]);
    last = row;
  }

  /** @returns false when the last row is not on the disk any more: its place may be another one's. */
  function readOn(): boolean {
    if (last === undefined) return false;
    const before = last;
    let isThere = false;
    for (const row of disk.rowsFrom(before[0])) {
      if (isThere) keep(row, digestOf(salt, nameOf(row[1], row[2])));
      else if (String(row) !== String(before)) return false;
      isThere = true;
    }
    return isThere;
  }

  function readAnew(): void {
    memory = makeMemory();
    last = undefined;
    for (const row of disk.rowsFrom(0)) keep(row, digestOf(salt, nameOf(row[1], row[2])));
  }

  function dropAdded(): void {
    added = [];
    addedNames.clear();
  }

  return {
    catchUp() {
      if (readOn()) memory.forgetBefore(disk.oldestMs());
      else readAnew();
    },
    add(values) {
      const [callerId, nonce, expiresAtMs] = values as readonly [string, string, number];
      const name = nameOf(callerId, nonce);
      const digest = digestOf(salt, name);
      if (addedNames.has(name) || memory.has(digest)) return 'nonce_taken';
      const position = Number(insert.run(callerId, nonce, expiresAtMs).lastInsertRowid);
      added.push({ row: [position, callerId, nonce, expiresAtMs], name, digest });
      addedNames.add(name);
      return undefined;
    },
    mark: () => added.length,
    undo(mark) {
      for (const { name } of added.splice(mark)) addedNames.delete(name);
    },
    keepAdded() {
      try {
        for (const { row, digest } of added) keep(row, digest);
      } catch {
        last = undefined;
      }
      dropAdded();
    },
    dropAdded,
  };
}

interface NonceDisk {
  rowsFrom(position: number): Iterable<NonceRow>;
  /** When the first of them is over. */
  oldestMs(): number;
}

function openNonceDisk(database: DatabaseSync): NonceDisk {
  const from = database.prepare(
    'select rowid, caller, nonce, expires_at from request_nonce where rowid >= ? order by rowid',
  );
  from.setReturnArrays(true);
  const oldest = database.prepare('select min(expires_at) as "expiresAtMs" from request_nonce');
  return {
    rowsFrom: (position) => from.iterate(position) as unknown as Iterable<NonceRow>,
    oldestMs: () => Number(oldest.get()?.expiresAtMs ?? 0),
  };
}

const MINUTE_MS = 60_000;

interface Memory {
  add(digest: Digest, expiresAtMs: number): void;
  has(digest: Digest): boolean;
  forgetBefore(expiresAtMs: number): void;
}

/** Digests by the minute in which their nonces are over, so that a whole minute is forgotten at once. */
function makeMemory(): Memory {
  const minutes = new Map<number, DigestSet>();
  return {
    add(digest, expiresAtMs) {
      const minute = Math.floor(expiresAtMs / MINUTE_MS);
      const digests = minutes.get(minute) ?? makeDigestSet();
      minutes.set(minute, digests);
      digests.add(digest);
    },
    has(digest) {
      for (const digests of minutes.values()) if (digests.has(digest)) return true;
      return false;
    },
    forgetBefore(expiresAtMs) {
      const first = Math.floor(expiresAtMs / MINUTE_MS);
      for (const minute of minutes.keys()) if (minute < first) minutes.delete(minute);
    },
  };
}

/** Ids of callers have no space in them. */
function nameOf(callerId: string, nonce: string): string {
  return `${callerId} ${nonce}`;
}

const HALF_DIGITS = 8;

/** 64 bits of SHA-256: a new nonce is taken for one of ten million others once in 10 ** 12 requests. */
function digestOf(salt: string, name: string): Digest {
  const digits = hash('sha256', salt + name, 'hex');
  const half = (at: number) => Number.parseInt(digits.slice(at, at + HALF_DIGITS), 16);
  return [half(0), half(HALF_DIGITS)];
}
