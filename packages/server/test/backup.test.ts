import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { makeLog } from '../src/log.ts';
import { openService } from '../src/service.ts';
import { backupSqlite } from '../src/store/backup-sqlite.ts';
import { makeIssuerClient } from './harness/issuer-client.ts';
import { makePanRegistry } from './harness/pan-registry.ts';
import { injecting } from './harness/send.ts';
import { startService } from './harness/service.ts';

it('a backup made under load, restored with its key, has every card made before it', async () => {
  const { home, issuer } = await startService();
  const before = (await Promise.all(Array.from({ length: 30 }, () => issuer.create()))).map(
    ({ data }) => data.cardNumber,
  );
  const restored = mkdtempSync(join(tmpdir(), 'pantoken-restored-'));
  const target = join(restored, 'pantoken.db');
  const load = Promise.all(Array.from({ length: 60 }, () => issuer.create()));
  await backupSqlite(join(home, 'pantoken.db'), target);
  await load;
  assert.equal(statSync(target).mode & 0o777, 0o600);

  // The keys are kept apart from the backup: they come back from wherever they were.
  for (const name of readdirSync(home).filter((each) => each.startsWith('key-encryption-key'))) {
    cpSync(join(home, name), join(restored, name), { recursive: true });
  }
  const service = await openService(restored, makeLog('error', { write: () => undefined }));
  const send = injecting(() => service.app, makePanRegistry());
  const client = makeIssuerClient(send, issuer.credentials);
  for (const token of before) {
    const number = await client.numberOf(100, token);
    assert.equal(number.status, 200, number.text);
  }
  assert.equal((await client.create()).status, 200);
  await service.close();
  rmSync(restored, { recursive: true });
});
