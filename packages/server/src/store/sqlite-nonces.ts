import { hash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { Conflict } from '../usecase/ports.ts';
import { SQLITE } from './dialect.ts';
import { type DigestSet, makeDigestSet } from './digest-set.ts';
import { type SqlValue, WRITES } from './statements.ts';

/**
 * Nonces of signed requests, as the writer of SQLite takes them. On the disk they are in the order they came
 * in: by caller and nonce each would change a page of its own. So which are taken is kept in memory too, and
 * what other processes have taken is read before each batch. A request that was captured is refused by the
 * disk alone, since it comes with its own time stamp; another one with the same nonce by the memory.
 */
export interface SqliteNonces {
  /** Reads what others have taken. */
  catchUp(): void;
  /** @returns `nonce_taken`, and has then written nothing. */
  add(values: readonly SqlValue[]): Conflict | undefined;
  forget(values: readonly SqlValue[]): void;
  /** What was added from here on is undone by {@link undo}. */
  mark(): number;
  undo(mark: number): void;
  /** The transaction has ended, and what was added in it is kept, or not. */
  end(isKept: boolean): void;
}

type Digest = readonly [high: number, low: number];

interface Taken {
  readonly name: string;
  readonly digest: Digest;
  readonly expiresAtMs: number;
  readonly position: number;
}

const MINUTE_MS = 60_000;
const HALF_DIGITS = 8;

export function makeSqliteNonces(database: DatabaseSync): SqliteNonces {
  const insert = database.prepare(SQLITE.spell(WRITES.addNonce));
  const remove = database.prepare(SQLITE.spell(WRITES.forgetNonces));
  const newest = database.prepare('select max(rowid) as position from request_nonce');
  const since = database.prepare(
    'select rowid, caller, nonce, expires_at from request_nonce where rowid > ? order by rowid',
  );
  since.setReturnArrays(true);
  /** By the minute in which they are over, so that a whole minute is forgotten at once. */
  const kept = new Map<number, DigestSet>();
  /** Of this transaction, in order. */
  let added: Taken[] = [];
  const addedNames = new Set<string>();
  /** The row up to which `kept` has all. */
  let position = 0;

  function keep(digest: Digest, expiresAtMs: number): void {
    const minute = Math.floor(expiresAtMs / MINUTE_MS);
    const digests = kept.get(minute) ?? makeDigestSet();
    kept.set(minute, digests);
    digests.add(...digest);
  }

  function isTaken(name: string, digest: Digest): boolean {
    if (addedNames.has(name)) return true;
    for (const digests of kept.values()) if (digests.has(...digest)) return true;
    return false;
  }

  return {
    catchUp() {
      const found = Number(newest.get()?.position ?? 0);
      if (found === position) return;
      // Rows were forgotten, and their places are given again: whatever is there may be new.
      const from = found < position ? 0 : position;
      for (const row of since.iterate(from) as Iterable<unknown>) {
        const [, callerId, nonce, expiresAtMs] = row as [number, string, string, number];
        keep(digestOf(nameOf(callerId, nonce)), expiresAtMs);
      }
      position = found;
    },
    add(values) {
      const [callerId, nonce, expiresAtMs] = values as readonly [string, string, number];
      const name = nameOf(callerId, nonce);
      const digest = digestOf(name);
      if (isTaken(name, digest)) return 'nonce_taken';
      const { lastInsertRowid } = insert.run(callerId, nonce, expiresAtMs);
      added.push({ name, digest, expiresAtMs, position: Number(lastInsertRowid) });
      addedNames.add(name);
      return undefined;
    },
    forget(values) {
      remove.run(...values);
      const [expiredBeforeMs] = values as readonly [number];
      for (const minute of kept.keys()) {
        if ((minute + 1) * MINUTE_MS <= expiredBeforeMs) kept.delete(minute);
      }
    },
    mark: () => added.length,
    undo(mark) {
      for (const { name } of added.splice(mark)) addedNames.delete(name);
    },
    end(isKept) {
      if (isKept) for (const { digest, expiresAtMs } of added) keep(digest, expiresAtMs);
      position = (isKept && added.at(-1)?.position) || position;
      added = [];
      addedNames.clear();
    },
  };
}

/** Ids of callers have no space in them. */
function nameOf(callerId: string, nonce: string): string {
  return `${callerId} ${nonce}`;
}

/** 64 bits of SHA-256: a new nonce is taken for one of ten million others once in 10 ** 12 requests. */
function digestOf(name: string): Digest {
  const digits = hash('sha256', name, 'hex');
  const half = (at: number) => Number.parseInt(digits.slice(at, at + HALF_DIGITS), 16);
  return [half(0), half(HALF_DIGITS)];
}
