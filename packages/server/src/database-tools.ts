import type { DatabaseTools } from './cli/database.ts';
import { sqliteIn } from './service.ts';
import { backupSqlite } from './store/backup-sqlite.ts';
import { checkDatabase } from './store/check.ts';
import { migrate, schemaStatus } from './store/migrate.ts';
import { type StorePlace, useSchema } from './store/place.ts';

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
  };
}
