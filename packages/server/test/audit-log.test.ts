import assert, { deepEqual, equal } from 'node:assert/strict';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { leafOfRecord } from '../src/audit/block.ts';
import { openNote } from '../src/audit/checkpoint.ts';
import { inclusionProof, rootOfProof } from '../src/audit/merkle.ts';
import type { Verification } from '../src/audit/verifier.ts';
import { verifyAudit } from '../src/usecase/verify-audit.ts';
import { startService, type TestService } from './harness/service.ts';

const verify = ({ service }: TestService): Promise<Verification> =>
  verifyAudit(service.audit.archive, {
    range: {},
    notes: service.audit.readNotes(),
    publicKeys: service.audit.publicKeys(),
  });

const problemsOf = async (test: TestService) =>
  (await verify(test)).problems.map(({ position, what }) => `${position}: ${what}`);

const EDITS: readonly (readonly [string, string, RegExp])[] = [
  [
    'a record that was edited',
    `update audit_block set records = replace(records, 'create_card', 'renew_card')`,
    /head of the block was changed|records were changed/,
  ],
  ['a block whose time was moved', 'update audit_block set recorded_at = 1', /head of the block/],
  [
    'a block that was removed',
    'delete from audit_block where position = 2 and chain = (select chain from audit_chain where number = 2)',
    /blocks before it are missing/,
  ],
  [
    'the last block that was removed, by its checkpoint',
    `delete from audit_block where chain = (select chain from audit_chain where number = 2)
       and position = (select max(position) from audit_block where chain =
         (select chain from audit_chain where number = 2))`,
    /ends at block \d+, but had/,
  ],
  [
    'a chain that was removed with all its blocks',
    `delete from audit_block where chain = (select chain from audit_chain where number = 1);
     delete from audit_chain where number = 1`,
    /chains 1 to 1 are missing/,
  ],
  ['the opening of a chain that was edited', `update audit_chain set node = 'x'`, /opening of the/],
];

describe('the audit log', () => {
  it('is one chain for each run of a writer, linked to the one before, and verifies', async () => {
    const test = await startService();
    for (let count = 0; count < 5; count++) await test.issuer.create();
    await test.restart();
    for (let count = 0; count < 5; count++) await test.issuer.create();
    const result = await verify(test);
    deepEqual(result.problems, []);
    equal(result.chainCount, 3); // Made, run, run again.
    equal(result.recordCount, test.audit().length);
    assert(result.checkpointCount >= 1, 'the run that ended left a checkpoint');
    const openings = test.rows('select * from audit_chain order by number');
    deepEqual(
      openings.map(({ number }) => number),
      [1, 2, 3],
    );
  });

  it('proves one record of a block without the others', async () => {
    const test = await startService();
    await Promise.all(Array.from({ length: 20 }, () => test.issuer.create()));
    const { archive } = test.service.audit;
    let provedCount = 0;
    for (const { opening, hash } of await archive.listOpenings()) {
      for await (const { block, lines } of archive.blocksOf(opening, hash, 0)) {
        const leaves = lines.map(leafOfRecord);
        for (const [index, line] of lines.entries()) {
          const proof = inclusionProof(leaves, index);
          const root = rootOfProof(leafOfRecord(line), index, lines.length, proof);
          equal(root?.toString('hex'), block.recordsRoot);
          provedCount++;
        }
      }
    }
    equal(provedCount, test.audit().length);
  });

  for (const [what, sql, expected] of EDITS) {
    it(`shows ${what}`, async () => {
      const test = await startService();
      for (let count = 0; count < 4; count++) await test.issuer.create();
      await test.restart();
      deepEqual(await problemsOf(test), []);
      // In the running service: what was cut off at its start would be noticed there already.
      const { DatabaseSync } = await import('node:sqlite');
      const database = new DatabaseSync(join(test.home, 'pantoken.db'));
      database.exec(sql);
      database.close();
      await turn(); // Reads of one turn of the event loop see one moment.
      const problems = await problemsOf(test);
      assert(
        problems.some((each) => expected.test(each)),
        problems.join('\n'),
      );
    });
  }

  it('signs checkpoints that another key does not open and no change survives', async () => {
    const test = await startService();
    await test.issuer.create();
    await test.service.audit.checkpointer.flush();
    const [note = ''] = test.service.audit.readNotes().slice(-1);
    const publicKeys = test.service.audit.publicKeys();
    assert(openNote(note, publicKeys));
    const other = await startService();
    equal(openNote(note, other.service.audit.publicKeys()), undefined);
    const bytes = Buffer.from(note);
    for (let at = 0; at < bytes.length; at++) {
      const edited = Buffer.from(bytes);
      edited[at] = (edited[at] ?? 0) ^ 1;
      equal(openNote(edited.toString('utf8'), publicKeys), undefined, `byte ${at}`);
    }
    assert.match(note, /^pantoken\/[0-9a-f]{16}\/2\/[0-9a-f]{16}\n\d+\n[^\n]{44}\n\n— pantoken/);
  });
});

describe('a database that was restored from an older backup', () => {
  it('changes nothing until an operator accepts it by name, and says so', async () => {
    const test = await startService();
    const path = join(test.home, 'pantoken.db');
    await test.issuer.create();
    await test.restart();
    await test.issuer.create();
    const { cardNumber } = (await test.issuer.create()).data;
    await test.restart(() => copyFileSync(path, `${path}.backup`));
    await test.issuer.create();
    await test.restart(() => {
      for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true });
      copyFileSync(`${path}.backup`, path);
    });

    assert.match(test.logText(), /"alarm":"audit_restored"/);
    const refused = await test.issuer.create();
    equal(refused.status, 503);
    equal(refused.code, 'RESTORE_UNACCEPTED');
    equal((await test.issuer.numberOf(100, cardNumber)).status, 200);
    assert(test.audit().some(({ code }) => code === 'RESTORE_UNACCEPTED'));
    const before = await problemsOf(test);
    assert(
      before.some((each) => /chain \d+ \([0-9a-f]+\) ends at block 0, but had/.test(each)),
      before.join('\n'),
    );

    const losses = await test.service.audit.acceptRestore('alice', 'test');
    equal(losses.length, 1);
    equal((await test.issuer.create()).status, 200);
    const after = await verify(test);
    deepEqual(after.problems, []);
    equal(after.acceptedLosses.length, 1);
    const [record] = test.audit().filter(({ action }) => action === 'accept_restore');
    equal(record?.who, 'operator:alice');
    await test.restart();
    equal((await test.issuer.create()).status, 200);
    rmSync(`${path}.backup`);
  });
});

describe('checkpoints', () => {
  it('are written again when the second place did not take them, after an alarm', async () => {
    const test = await startService();
    const { checkpointer } = test.service.audit;
    await checkpointer.flush();
    const path = join(test.home, 'audit-checkpoints');
    const kept = readFileSync(path);
    rmSync(path);
    const { mkdirSync, rmdirSync } = await import('node:fs');
    mkdirSync(path); // A folder takes no text.
    await test.issuer.create();
    await checkpointer.flush();
    assert.match(test.logText(), /"alarm":"checkpoint_failed"/);
    assert(checkpointer.lag().blocks > 0);
    rmdirSync(path);
    writeFileSync(path, kept);
    await checkpointer.flush();
    equal(checkpointer.lag().blocks, 0);
    deepEqual(await problemsOf(test), []);
  });
});
