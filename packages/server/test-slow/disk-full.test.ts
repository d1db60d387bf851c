import assert, { deepEqual, equal } from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { ORGANIZATIONS } from '../src/cli/sandbox-plan.ts';
import { makeLog } from '../src/log.ts';
import { createService, openService } from '../src/service.ts';
import { verifyAudit } from '../src/usecase/verify-audit.ts';
import { makeIssuerClient, unpad } from '../test/harness/issuer-client.ts';
import { makePanRegistry } from '../test/harness/pan-registry.ts';
import { injecting } from '../test/harness/send.ts';

// A file system of its own that is full when it is full: mounting one takes root.
const disk = mkdtempSync(join(tmpdir(), 'pantoken-full-'));
const mount = (...args: string[]) => execFileSync('mount', [...args, disk]);
mount('-t', 'tmpfs', '-o', 'size=3m', 'tmpfs');
after(() => {
  execFileSync('umount', [disk]);
  rmdirSync(disk);
});

it('with the disk of the audit log full no number leaves; with space it goes on, nothing is lost', async (t) => {
  const home = join(disk, 'service');
  const lines: string[] = [];
  const log = makeLog('error', { write: (line: string) => void lines.push(line) });
  const service = await createService(home, log);
  const operator = { who: 'operator', requestId: 'test' };
  for (const { organization, ranges } of ORGANIZATIONS) {
    await service.register.addOrganization(operator, organization, ranges);
  }
  const organizations = new Set(ORGANIZATIONS.map(({ organization }) => organization.number));
  const given = { name: 'issuer', clientId: '00970', pciCertified: true, organizations };
  const { apikey, secret } = await service.register.addCaller(operator, given);
  const send = injecting(() => service.app, makePanRegistry());
  const issuer = makeIssuerClient(send, { ...given, apikey, secret });

  const acknowledged: string[] = [];
  let withheld = 0;
  const load = async (rounds: number) => {
    for (let round = 0; round < rounds; round++) {
      const token = acknowledged[round % Math.max(1, acknowledged.length)];
      const [created, shown] = await Promise.all([
        issuer.create(),
        token === undefined ? undefined : issuer.numberOf(100, token),
      ]);
      if (created.status === 200) acknowledged.push(unpad(created.data.cardNumber));
      else equal(created.code, 'STORE_UNAVAILABLE', created.text);
      if (shown === undefined || shown.status === 200) continue;
      equal(shown.status, 503, shown.text);
      assert(!/[0-9]{12,}/.test(shown.text), 'a refusal holds no number');
      withheld++;
    }
  };
  await load(20);
  const before = acknowledged.length;
  equal(before, 20);
  for (let tries = 0; withheld === 0 && tries < 200; tries++) await load(50);
  assert(withheld > 0, 'the disk was filled');
  const recordedBefore = lines.some((line) => line.includes('"alarm":"audit_unavailable"'));
  assert(recordedBefore, 'the alarm was raised');
  const [atFull, withheldBefore] = [acknowledged.length, withheld];
  await load(200);
  const whileFull = withheld - withheldBefore;

  mount('-o', 'remount,size=64m');
  const again = acknowledged.length;
  await load(20);
  equal(acknowledged.length, again + 20, 'it takes everything again');
  await service.close();

  const reopened = await openService(home, log);
  const client = makeIssuerClient(
    injecting(() => reopened.app, makePanRegistry()),
    { ...given, apikey, secret },
  );
  for (const token of acknowledged) equal((await client.numberOf(100, token)).status, 200);
  const { archive, publicKeys, readNotes } = reopened.audit;
  const result = await verifyAudit(archive, {
    range: {},
    notes: readNotes(),
    publicKeys: publicKeys(),
  });
  deepEqual(result.problems, []);
  await reopened.close();
  t.diagnostic(
    `full after ${atFull} cards; then ${whileFull} of 200 inquiries withheld; ${acknowledged.length} acknowledged, all there; ${result.recordCount} records in ${result.chainCount} chains verify; files: ${readdirSync(home)}`,
  );
});
