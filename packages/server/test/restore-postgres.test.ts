import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { takeBaseBackup } from './harness/base-backup.ts';
import { makePostgresServer } from './harness/postgres.ts';
import { drillRestore } from './harness/restore-drill.ts';

/*
 * A base backup of a server from npm. What PostgreSQL's own tools make is restored by `npm run
 * test:restore`, with an installation that has them.
 */

it('a base backup of PostgreSQL, taken under load, is served, and what it lacks is noticed', async () => {
  const server = await makePostgresServer(['fsync = off', 'wal_keep_size = 256MB']);
  after(server.stop);
  await server.start();
  const folder = mkdtempSync(join(tmpdir(), 'pantoken-restored-'));
  await drillRestore(
    server.url('postgres'),
    () => takeBaseBackup(server, join(folder, 'data'), 'included'),
    async () => {
      await server.kill(); // It is not needed any more, and must not be.
      const restored = await makePostgresServer(['fsync = off'], folder);
      after(restored.stop);
      await restored.start();
      return restored.url('postgres');
    },
  );
});
