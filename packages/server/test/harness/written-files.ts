import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeLog } from '../../src/log.ts';
import { openHome, systemClock } from '../../src/opened-home.ts';
import { openPan } from '../../src/usecase/open-record.ts';
import type { PanRegistry } from './pan-registry.ts';
import { readAside } from './read-aside.ts';

/** What clients of a sandbox keep, and the key: none of it is written by the service as it runs. */
const NOT_WRITTEN_BY_SERVICE = /^(credentials\.json|scenario-[A-Z]\.json|key-encryption-key)$/;

/** Looks for every number of the registry in all files of a folder. */
export function demandNoPanIn(folder: string, registry: PanRegistry): void {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || NOT_WRITTEN_BY_SERVICE.test(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    const isDatabase = /\.db(?:-wal|-shm)?$/.test(path);
    registry.demandAbsent(path, isDatabase ? readAside(path) : readFileSync(path));
  }
}

/**
 * Adds every number a database keeps, also those that were drawn and shown to nobody. Records that
 * a test has damaged are passed over.
 *
 * @returns how many there are.
 */
export async function addKeptNumbers(home: string, registry: PanRegistry): Promise<number> {
  const { keyring, cards, close } = await openHome(
    home,
    makeLog('error', { write: () => undefined }),
    systemClock,
    {},
  );
  try {
    const ids = readRows(home, 'select organization, lower(hex(number_id)) as id from card_number');
    for (const { organization, id } of ids) {
      const record = await cards.findNumber(organization as never, id as never);
      if (record === undefined) continue;
      try {
        registry.add(openPan(keyring, record).reveal());
      } catch {
        // Damaged on purpose.
      }
    }
    return ids.length;
  } finally {
    await close();
  }
}

/** Rows of a database that may be in use. */
export function readRows(home: string, sql: string): readonly Record<string, unknown>[] {
  const database = new DatabaseSync(join(home, 'pantoken.db'), { readOnly: true, timeout: 5_000 });
  try {
    return database.prepare(sql).all();
  } finally {
    database.close();
  }
}
