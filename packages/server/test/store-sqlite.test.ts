import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after } from 'node:test';
import { batchContract } from './batch-contract.ts';
import { nonceContract } from './nonce-contract.ts';
import { storeContract } from './store-contract.ts';

const folder = mkdtempSync(join(tmpdir(), 'pantoken-store-'));
const path = join(folder, 'pantoken.db');
after(() => rmSync(folder, { recursive: true }));

const place = { engine: 'sqlite', path } as const;
const query = async (sql: string) => {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return database.prepare(sql).all();
  } finally {
    database.close();
  }
};
await storeContract(place, query);
await batchContract(place, query);
await nonceContract(place);
