import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { SQLITE } from '../src/store/dialect.ts';
import { makeDigestSet } from '../src/store/digest-set.ts';
import { readMigrations } from '../src/store/migrations.ts';
import { makeSqliteNonces } from '../src/store/sqlite-nonces.ts';

function openSchema(version = Number.POSITIVE_INFINITY): DatabaseSync {
  const database = new DatabaseSync(':memory:');
  for (const step of readMigrations('sqlite')) {
    if (step.version <= version) database.exec(SQLITE.spell(step.sql));
  }
  return database;
}

const IN_ORDER = 18;

describe('a set of digests', () => {
  it('holds what a set of texts holds, while it grows', () => {
    const digests = makeDigestSet();
    const texts = new Set<string>();
    for (let count = 0; count < 20_000; count++) {
      // Few high halves and lower bits that meet, so that places are fought for.
      const [high, low] = [randomInt(4), randomInt(8_000) * 0x400];
      assert.equal(digests.has(high, low), texts.has(`${high} ${low}`));
      if (count % 2 === 0) {
        digests.add(high, low);
        texts.add(`${high} ${low}`);
      }
    }
  });

  it('holds the least and the greatest', () => {
    const digests = makeDigestSet();
    for (const half of [0, 2 ** 32 - 1]) {
      assert.equal(digests.has(half, half), false);
      digests.add(half, half);
      assert.equal(digests.has(half, half), true);
    }
  });
});

describe('nonces of SQLite', () => {
  const endsAtMs = Date.now() + 60_000;

  it('are refused by the disk alone when they come with their own time stamp', () => {
    const database = openSchema();
    const nonces = makeSqliteNonces(database);
    nonces.catchUp();
    // Another process, of which this one has not read.
    database.prepare('insert into request_nonce values (?, ?, ?)').run('a', 'captured', endsAtMs);
    let conflict: unknown;
    try {
      nonces.add(['a', 'captured', endsAtMs]);
    } catch (error) {
      conflict = SQLITE.conflictOf(error);
    }
    assert.equal(conflict, 'nonce_taken');
    nonces.end(false);
    nonces.catchUp();
    assert.equal(nonces.add(['a', 'captured', endsAtMs + 1]), 'nonce_taken');
  });

  it('are read anew when rows were forgotten by another process', () => {
    const database = openSchema();
    const nonces = makeSqliteNonces(database);
    nonces.catchUp();
    assert.equal(nonces.add(['a', 'own', endsAtMs]), undefined);
    assert.equal(nonces.add(['a', 'own 2', endsAtMs]), undefined);
    nonces.end(true);
    database.exec(`delete from request_nonce; insert into request_nonce values ('a', 'other', 1)`);
    nonces.catchUp();
    assert.equal(nonces.add(['a', 'other', endsAtMs]), 'nonce_taken');
  });

  it('are not kept when their transaction was not', () => {
    const database = openSchema();
    const nonces = makeSqliteNonces(database);
    database.exec('begin');
    assert.equal(nonces.add(['a', 'one', endsAtMs]), undefined);
    const mark = nonces.mark();
    assert.equal(nonces.add(['a', 'two', endsAtMs]), undefined);
    nonces.undo(mark);
    assert.equal(nonces.add(['a', 'one', endsAtMs + 1]), 'nonce_taken');
    database.exec('rollback');
    nonces.end(false);
    nonces.catchUp();
    for (const nonce of ['one', 'two']) {
      assert.equal(nonces.add(['a', nonce, endsAtMs]), undefined);
    }
  });

  it('of a database of the schema before are taken over', () => {
    const database = openSchema(IN_ORDER - 1);
    const rows = Array.from({ length: 50 }, (_, index) => [
      'a',
      `n${index}`,
      endsAtMs + randomInt(99),
    ]);
    const insert = database.prepare('insert into request_nonce values (?, ?, ?)');
    for (const row of rows) insert.run(...(row as [string, string, number]));
    const [step] = readMigrations('sqlite').filter(({ version }) => version === IN_ORDER);
    assert.ok(step);
    database.exec(SQLITE.spell(step.sql));
    const nonces = makeSqliteNonces(database);
    nonces.catchUp();
    for (const [, nonce] of rows) {
      assert.equal(nonces.add(['a', nonce as string, endsAtMs + 1_000]), 'nonce_taken');
    }
    assert.equal(nonces.add(['b', 'n0', endsAtMs]), undefined);
  });
});

it('a step for SQLite only is empty for PostgreSQL', () => {
  const steps = readMigrations('postgres').filter(({ sql }) => sql === '');
  assert.deepEqual(
    steps.map(({ version }) => version),
    [IN_ORDER],
  );
});
