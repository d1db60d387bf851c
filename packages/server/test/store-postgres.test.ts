import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { openPostgres } from '../src/store/postgres.ts';
import { splitHosts } from '../src/store/postgres-connection.ts';
import { batchContract } from './batch-contract.ts';
import { makeTestDatabase } from './harness/postgres.ts';
import { nonceContract } from './nonce-contract.ts';
import { storeContract } from './store-contract.ts';

const database = await makeTestDatabase();

describe('a database URL', () => {
  it('may name several hosts', () => {
    assert.deepEqual(splitHosts('postgres://me:a,b@one:1,two:2,three/db?x=1,2'), [
      'postgres://me:a,b@one:1/db?x=1,2',
      'postgres://me:a,b@two:2/db?x=1,2',
      'postgres://me:a,b@three/db?x=1,2',
    ]);
  });

  it('is tried host by host until one takes writes', async () => {
    const url = database.url.replace(/@([^/]+)\//, '@127.0.0.1:1,$1/');
    const store = await openPostgres({ url });
    await store.reader.read('listOrganizations', []);
    await store.close();
  });
});

const place = { engine: 'postgres', url: database.url } as const;
await storeContract(place, (sql) => database.query(sql));
await batchContract(place, (sql) => database.query(sql));
await nonceContract(place);

after(() => database.close());
