import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { DatabaseTools, NamedPlace } from './cli/database.ts';
import { random } from './keys/random.ts';
import { sqliteIn } from './service.ts';
import { backupSqlite } from './store/backup-sqlite.ts';
import { checkDatabase } from './store/check.ts';
import { abandonCopy, copyDatabase } from './store/copy/copy-database.ts';
import { makeLedger } from './store/ledger.ts';
import { migrate, schemaStatus } from './store/migrate.ts';
import { openStore, type StorePlace, useSchema } from './store/place.ts';

/** What `pantoken db` does. @param configured undefined: the file in the folder of the service. */
export function databaseTools(configured: () => StorePlace | undefined): DatabaseTools {
  const placeOf = (home: string) => configured() ?? sqliteIn(home);
  return {
    async status(home) {
      const { version, pending } = await useSchema(placeOf(home), schemaStatus);
      return { version, pending: pending.map(({ name }) => name) };
    },
    migrate: (home) => useSchema(placeOf(home), migrate),
    backup(home, target) {
      const place = placeOf(home);
      if (place.engine !== 'sqlite') {
        throw new Error('PostgreSQL has tools of its own for this: see docs/operations.md');
      }
      return backupSqlite(place.path, target);
    },
    check: (home) => useSchema(placeOf(home), checkDatabase),
    async copy({ from, to, finish }, report) {
      const places = { from: placeNamed(from), to: placeNamed(to) };
      await demandSchemas(places.from, places.to);
      await record(places.from, finish ? 'move_database' : 'copy_database');
      return copyDatabase({ ...places, finish }, report);
    },
    abandonCopy: (from) => abandonCopy(placeNamed(from)),
  };
}

/** `postgres://...`, or the path of a SQLite file. */
function placeNamed({ place, passwordFile }: NamedPlace): StorePlace {
  if (!/^postgres(?:ql)?:/.test(place)) return { engine: 'sqlite', path: resolve(place) };
  const password = passwordFile && readFileSync(passwordFile, 'utf8').replace(/\r?\n$/, '');
  return { engine: 'postgres', url: place, password };
}

/** Both sides have the schema of this program; an empty target is given it. @throws {Error} else. */
async function demandSchemas(from: StorePlace, to: StorePlace): Promise<void> {
  if (JSON.stringify(from) === JSON.stringify(to))
    throw new Error('source and target are the same');
  const source = await useSchema(from, schemaStatus);
  if (source.version === 0) throw new Error('the source has no service');
  if (source.pending.length > 0) {
    throw new Error('the source has an older schema: pantoken db migrate, with this program');
  }
  if (to.engine === 'sqlite' && !existsSync(to.path)) {
    await (await openStore(to)).close();
    return;
  }
  const target = await useSchema(to, schemaStatus);
  if (target.version === 0) await useSchema(to, migrate);
  else if (target.pending.length > 0) throw new Error('the target has an older schema');
}

/** On record in the source, and so in the copy; a source that takes no writes any more has it. */
async function record(place: StorePlace, action: 'copy_database' | 'move_database'): Promise<void> {
  const isMoved = await useSchema(place, async ({ run }) => {
    const rows = await run('select state from copy_state').catch(() => []);
    return rows[0]?.state === 'moved';
  });
  if (isMoved) return;
  const store = await openStore(place);
  try {
    const audit = {
      atMs: Date.now(),
      who: 'operator',
      requestId: random.recordId(),
      action,
    } as const;
    await makeLedger(store.committer).commit({ changes: [], audit: { ...audit, outcome: 'done' } });
  } finally {
    await store.close();
  }
}
