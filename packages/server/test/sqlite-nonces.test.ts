import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { SQLITE } from '../src/store/dialect.ts';
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
    nonces.dropAdded();
    nonces.catchUp();
    assert.equal(nonces.add(['a', 'captured', endsAtMs + 1]), 'nonce_taken');
  });

  it('are read anew when rows were forgotten by another process', () => {
    const database = openSchema();
    const nonces = makeSqliteNonces(database);
    nonces.catchUp();
    assert.equal(nonces.add(['a', 'own', endsAtMs]), undefined);
    assert.equal(nonces.add(['a', 'own 2', endsAtMs]), undefined);
    nonces.keepAdded();
    database.exec(`delete from request_nonce; insert into request_nonce values ('a', 'other', 1)`);
    nonces.catchUp();
    assert.equal(nonces.add(['a', 'other', endsAtMs]), 'nonce_taken');
  });

  it('are read anew when their places were given to others', () => {
    const database = openSchema();
    const other = database.prepare('insert into request_nonce values (?, ?, ?)');
    const nonces = makeSqliteNonces(database);
    nonces.catchUp();
    for (const nonce of ['own', 'own 2']) {
      assert.equal(nonces.add(['a', nonce, endsAtMs]), undefined);
    }
    nonces.keepAdded();
    database.exec('delete from request_nonce');
    for (const nonce of ['other', 'other 2', 'other 3']) other.run('a', nonce, endsAtMs);
    nonces.catchUp();
    for (const nonce of ['other', 'other 2', 'other 3']) {
      assert.equal(nonces.add(['a', nonce, endsAtMs + 1]), 'nonce_taken');
    }
    assert.equal(nonces.add(['a', 'own', endsAtMs]), undefined);
  });

  it('are forgotten with the disk, also by who only reads', () => {
    const database = openSchema();
    const nonces = makeSqliteNonces(database);
    const other = database.prepare('insert into request_nonce values (?, ?, ?)');
    other.run('a', 'old', endsAtMs - 600_000);
    other.run('a', 'new', endsAtMs);
    nonces.catchUp();
    assert.equal(nonces.add(['a', 'old', endsAtMs]), 'nonce_taken');
    database.exec("delete from request_nonce where nonce = 'old'");
    nonces.catchUp();
    assert.equal(nonces.add(['a', 'new', endsAtMs + 1]), 'nonce_taken');
    assert.equal(nonces.add(['a', 'old', endsAtMs]), undefined);
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
    nonces.dropAdded();
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
