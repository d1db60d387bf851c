import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { fingerprintOf, parsePublicKeys } from '../../src/audit/checkpoint.ts';
import type { KeyTools } from '../../src/cli/key-tools.ts';
import { Refusal, type RefusalCode } from '../../src/domain/error.ts';
import { openKeyTools } from '../../src/key-tools.ts';
import type { RekeyedPurpose } from '../../src/usecase/rekey-service.ts';
import { verifyAudit } from '../../src/usecase/verify-audit.ts';
import { startEngineService } from '../harness/engine-service.ts';
import { giveKeyCommand } from '../harness/key-cli.ts';
import { KEY_ENGINES } from '../harness/key-home.ts';
import { KEY_OPERATOR, NO_REPORT, openTestHome, QUIET, until } from '../harness/key-tools.ts';
import { freshPan } from '../harness/numbers.ts';
import { addWatches, demandWatches } from '../harness/watches.ts';

const refusal = (code: RefusalCode) => (error: unknown) =>
  error instanceof Refusal && error.code === code;

const QUARTER_MS = 15 * 60_000;

for (const engine of KEY_ENGINES) {
  const test = await startEngineService(engine);

  async function withTools<T>(work: (tools: KeyTools) => Promise<T>, aheadMs = 0): Promise<T> {
    const clock = { nowMs: () => Date.now() + aheadMs };
    // One node, whose state is waited for below: no pause is needed.
    const surroundings = { clock, pause: async () => undefined };
    const tools = await openKeyTools(test.home, QUIET, test.options, surroundings);
    try {
      return await work(tools);
    } finally {
      await tools.end();
    }
  }

  const rekey = (purpose: RekeyedPurpose, until: 'there' | 'active' = 'active') =>
    withTools((tools) => tools.rekeyService(KEY_OPERATOR, purpose, until, NO_REPORT));
  const destroy = (purpose: RekeyedPurpose, epoch: number, aheadMs = QUARTER_MS + 1_000) =>
    withTools((tools) => tools.destroyServiceKey(KEY_OPERATOR, purpose, epoch), aheadMs);
  const digestOf = async (sql: string) => {
    const values = (await test.rows(sql)).map((row) => Object.values(row));
    return values.flat().map((value) =>
      createHash('sha256')
        .update(value as Uint8Array)
        .digest('hex'),
    );
  };

  describe(`keys of the service on ${engine}, re-keyed while it runs`, () => {
    it('of access tokens: those of the older key are good until it is destroyed', async () => {
      assert.equal((await test.issuer.create()).status, 200);
      assert.deepEqual(await rekey('access-token'), { epoch: 2, became: 'makes', damagedCount: 0 });
      assert.equal((await test.issuer.create()).status, 200);
      await assert.rejects(destroy('access-token', 2), refusal('EPOCH_STATE'));
      await assert.rejects(destroy('access-token', 1, 60_000), refusal('EPOCH_NOT_QUIET'));
      await destroy('access-token', 1);
      await until(async () => (await test.issuer.create()).code === 'ACCESS_TOKEN_INVALID');
      assert.equal((await test.signedIn().create()).status, 200);
    });

    it('of the secrets of callers: all are under the new one, and the older one is of no use', async () => {
      const sql = 'select wrapped_secret from caller_credential order by apikey_digest';
      const before = await digestOf(sql);
      assert.equal((await rekey('caller-secret')).epoch, 2);
      assert(!(await digestOf(sql)).some((each) => before.includes(each)));
      await destroy('caller-secret', 1);
      await until(async () => (await test.signedIn().create()).status === 200);
      await test.restart();
      assert.equal((await test.signedIn().create()).status, 200);
    });

    it('of watched cards and what is told of them: sealed anew, as they were', async () => {
      const opened = await openTestHome(test.home, test.options.database);
      await addWatches(opened, 5);
      await opened.close();
      const sql =
        'select sealed from watch_entry where ended = 0 union all select sealed from notification';
      const before = await digestOf(sql);
      assert.equal(before.length, 10);
      assert.equal((await rekey('updater-data', 'there')).became, 'waits');
      assert.equal((await rekey('updater-data')).epoch, 2);
      assert(!(await digestOf(sql)).some((each) => before.includes(each)));
      await destroy('updater-data', 1);
      const after = await openTestHome(test.home, test.options.database);
      assert.equal(await demandWatches(after), 5);
      await after.close();
    });

    it('of the index of watched cards: each is found by the new one, also without the older', async () => {
      const columns = ['pan_index', 'next_pan_index', 'custom_index'];
      const sql = columns
        .map((column) => `select ${column} from watch_entry where ended = 0`)
        .join(' union all ');
      const before = await digestOf(sql);
      assert.equal(before.length, 15);
      assert.equal((await rekey('updater-index', 'there')).became, 'waits');
      const done = { epoch: 2, became: 'makes', damagedCount: 0 } as const;
      assert.deepEqual(await rekey('updater-index'), done);
      const now = await digestOf(sql);
      assert(!now.some((each) => before.includes(each)));
      const opened = await openTestHome(test.home, test.options.database);
      assert.equal(await demandWatches(opened), 5);
      await assert.rejects(destroy('updater-index', 1, 60_000), refusal('EPOCH_NOT_QUIET'));
      // Nothing is left to be done; no third key is made while there is an older one.
      assert.deepEqual(await rekey('updater-index'), done);
      assert.deepEqual(await digestOf(sql), now);
      await destroy('updater-index', 1);
      await opened.serviceKeys.refresh();
      assert.equal(await demandWatches(opened), 5);
      await opened.close();
    });

    it('of watched cards: it is not destroyed while something is under it', async () => {
      assert.equal((await rekey('updater-data')).epoch, 3);
      // A row that came back from a backup, say.
      await test.change(
        "update watch_entry set sealed = (select sealed from notification n where n.panid = watch_entry.panid) where panid like '%1'",
      );
      await assert.rejects(destroy('updater-data', 2), refusal('EPOCH_IN_USE'));
      const again = await rekey('updater-data');
      assert.deepEqual(again, { epoch: 3, became: 'makes', damagedCount: 1 });
    });

    it('of the index of watched cards: one whose number cannot be read is left until it ends', async () => {
      const left = { epoch: 3, became: 'makes', damagedCount: 1 } as const;
      assert.deepEqual(await rekey('updater-index'), left);
      await assert.rejects(destroy('updater-index', 2), refusal('EPOCH_IN_USE'));
      const opened = await openTestHome(test.home, test.options.database);
      const [damaged] = await test.rows("select panid from watch_entry where panid like '%1'");
      const change = { kind: 'end_watch', panid: String(damaged?.panid) } as const;
      await opened.audit.ledger.commit({
        changes: [{ ...change, organization: undefined }],
        audit: { atMs: 1, who: 'updater', action: 'end_watch', outcome: 'done', requestId: 'end' },
      });
      await opened.close();
      assert.deepEqual(await rekey('updater-index'), { ...left, damagedCount: 0 });
      await destroy('updater-index', 2);
    });

    it('of messages: merchants go over from one to the next, and none is refused', async () => {
      const pan = freshPan();
      const ask = async (merchant = test.merchant()) => {
        const { merchantid } = merchant.credentials;
        const card = { pan, expmonth: '11', expyear: '2030', merchantid };
        const encdata = merchant.encrypt(JSON.stringify(card));
        return merchant.post(JSON.stringify({ encdata }));
      };
      const older = test.merchant();
      assert.equal((await ask(older)).status, 200);
      assert.equal((await rekey('message')).epoch, 2);
      await until(
        async () =>
          test.merchant().credentials.servicePublicKeyPem !== older.credentials.servicePublicKeyPem,
      );
      assert.equal((await ask()).status, 200);
      assert.equal((await ask(older)).status, 200);
      await destroy('message', 1);
      await until(async () => (await ask(older)).status !== 200);
      assert.equal((await ask()).status, 200);
    });

    it('of notifications: its public half can be handed out before it signs', async () => {
      const before = test.service.updater.signingKeyPem;
      assert.equal((await rekey('updater-signing', 'there')).became, 'waits');
      const printed = await withTools((tools) =>
        giveKeyCommand(tools, ['service', 'public', '--purpose', 'updater-signing']),
      );
      const [first, second] = parsePublicKeys(printed).map(pemOf);
      assert.equal(first, before);
      assert.match(printed, /updater-signing key 2, pre-active/);
      assert.equal((await rekey('updater-signing')).epoch, 2);
      await until(async () => test.service.updater.signingKeyPem !== before);
      assert.equal(test.service.updater.signingKeyPem, second);
      await destroy('updater-signing', 1);
    });

    it('of audit checkpoints: older ones are good still, and its key stays for that', async () => {
      await test.signedIn().create();
      await test.service.audit.checkpointer.flush();
      const signing = () => test.service.audit.publicKeys().map(fingerprintOf)[0];
      const before = signing();
      assert.equal((await rekey('audit')).epoch, 2);
      // Both are there before the new one signs.
      await until(async () => signing() !== before);
      await test.signedIn().create();
      await test.service.audit.checkpointer.flush();
      const { archive, readNotes, publicKeys } = test.service.audit;
      const [newest] = publicKeys();
      assert(newest);
      const notes = readNotes();
      assert(notes.at(-1)?.startsWith(`pantoken/${fingerprintOf(newest)}/`));
      assert(notes.some((note) => !note.startsWith(`pantoken/${fingerprintOf(newest)}/`)));
      const result = await verifyAudit(archive, { range: {}, notes, publicKeys: publicKeys() });
      assert.deepEqual(result.problems, []);
      const withoutOlder = { range: {}, notes, publicKeys: [newest] };
      assert((await verifyAudit(archive, withoutOlder)).problemCount > 0);
      await assert.rejects(destroy('audit', 1), refusal('EPOCH_IN_USE'));
      await test.restart();
      assert.deepEqual(test.service.audit.losses(), []);
    });

    it('are on record, and in the inventory', async () => {
      const records = (await test.audit()).filter(({ key }) => key?.endsWith('of the service'));
      const actions = new Set(records.map(({ action, outcome }) => `${action} ${outcome}`));
      for (const each of [
        'add_key done',
        'activate_key done',
        'rekey done',
        'destroy_key done',
        'destroy_key refused',
      ]) {
        assert(actions.has(each), each);
      }
      const { keys } = await withTools((tools) => tools.list(KEY_OPERATOR));
      const own = keys.filter(({ purpose }) => purpose === 'caller-secret');
      assert.deepEqual(
        own.map(({ state }) => state),
        ['destroyed', 'active'],
      );
    });
  });
}

function pemOf(key: ReturnType<typeof parsePublicKeys>[number]): string {
  return String(key.export({ type: 'spki', format: 'pem' }));
}
