import assert, { deepEqual, equal } from 'node:assert/strict';
import { it } from 'node:test';
import pg from 'pg';
import { verifyAudit } from '../src/usecase/verify-audit.ts';
import { startPostgresNodes } from './harness/postgres-nodes.ts';

const service = await startPostgresNodes();
const { database } = service;
const connection = new pg.Client(database.url);
await connection.connect();

/** The role of a server that may add audit records and never change one. */
const ROLE = `audited_${process.pid}`;
const roleUrl = database.url.replace('//pantoken@', `//${ROLE}@`);

const caller = await service.addCaller();
await service.close(service.first);
await connection.query(`
  create role ${ROLE} login;
  grant select, insert, update, delete on all tables in schema public to ${ROLE};
  revoke update, delete, truncate on audit_block, audit_chain, audit_acceptance from ${ROLE};
`);
service.atEnd(async () => {
  await connection.query(`drop owned by ${ROLE}; drop role ${ROLE}`);
  await connection.end();
});
const place = { engine: 'postgres', url: roleUrl } as const;
const open = (node: string) => service.open(node, { database: place });
const nodes = [await open('two'), await open('three')];

it('PostgreSQL: two nodes write chains that link and verify, under a role that cannot change them', async () => {
  const clients = nodes.map(caller.of);
  const created = await Promise.all(
    Array.from({ length: 60 }, (_, index) =>
      clients[index % 2]?.create({ organizationNumber: [100, 200, 400][index % 3] }),
    ),
  );
  assert(created.every((reply) => reply?.status === 200));
  const [first] = nodes;
  assert(first);
  for (const { audit } of nodes) await audit.checkpointer.flush();
  const { archive, publicKeys, readNotes } = first.audit;
  const result = await verifyAudit(archive, {
    range: {},
    notes: readNotes(),
    publicKeys: publicKeys(),
  });
  deepEqual(result.problems, []);
  assert(result.checkpointCount >= 6, 'a chain for each node and organization has a checkpoint');
  const { rows } = await connection.query('select number, node from audit_chain order by number');
  deepEqual(
    rows.map(({ number }) => number),
    rows.map((_, index) => index + 1),
  );
  deepEqual([...new Set(rows.map(({ node }) => node))].sort(), ['node', 'one', 'three', 'two']);

  const role = new pg.Client(roleUrl);
  await role.connect();
  for (const sql of [
    'update audit_block set recorded_at = 0',
    'delete from audit_block',
    'delete from audit_chain',
    'truncate audit_block',
    'update audit_acceptance set lost_through = 0',
  ]) {
    await assert.rejects(role.query(sql), { code: '42501' }, sql);
  }
  await role.end();
});

it('PostgreSQL: an edit by somebody who can is found', async () => {
  const [first] = nodes;
  assert(first);
  const { archive, publicKeys, readNotes } = first.audit;
  const request = { range: {}, notes: readNotes(), publicKeys: publicKeys() };
  equal((await verifyAudit(archive, request)).problemCount, 0);
  await connection.query(`
    update audit_block set records = replace(records, '"outcome":"done"', '"outcome":"gone"')
    where (chain, position) in (select chain, position from audit_block order by 1, 2 limit 1)`);
  const { problems } = await verifyAudit(archive, request);
  assert(problems.length > 0);
});
