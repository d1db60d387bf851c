import { equal, match } from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { frame } from '../src/watch/syslog.ts';
import { makeCommandLine } from './harness/command-line.ts';

const folder = mkdtempSync(join(tmpdir(), 'pantoken-audit-cli-'));
const home = join(folder, 'service');
after(() => rmSync(folder, { recursive: true }));

const pantoken = makeCommandLine(home);

await pantoken('init');

describe('pantoken audit', () => {
  it('verifies the log of a service, exports it, and verifies the export without the service', async () => {
    const verified = await pantoken('audit', 'verify');
    equal(verified.code, 0, verified.err);
    match(verified.out, /^1 records in 1 blocks of 1 chains/);
    const exported = await pantoken('audit', 'export');
    equal(exported.code, 0, exported.err);
    const file = join(folder, 'export.jsonl');
    writeFileSync(file, exported.out);
    const key = join(folder, 'audit.pem');
    const printed = (await pantoken('audit', 'public-key')).out;
    match(
      printed,
      /^-----BEGIN PUBLIC KEY-----[\s\S]*\npantoken\+[0-9a-f]{8}\+[A-Za-z0-9+/]+=*\n$/,
    );
    writeFileSync(key, printed.slice(0, printed.indexOf('pantoken+')));
    const offline = ['audit', 'verify', '--export', file, '--key', key] as const;
    equal((await pantoken(...offline)).code, 0);

    writeFileSync(file, exported.out.replace('create_service', 'create_servicf'));
    const edited = await pantoken(...offline);
    equal(edited.code, 1);
    match(edited.err, /its records were changed/);
  });

  it('searches by what a record says, and in a part of the time', async () => {
    const found = await pantoken('audit', 'search', '--action', 'create_service');
    equal(JSON.parse(found.out).record.who, 'operator');
    equal((await pantoken('audit', 'search', '--action', 'inquire_number')).out, '');
    const future = new Date(Date.now() + 60_000).toISOString();
    equal((await pantoken('audit', 'search', '--from', future)).out, '');
    equal((await pantoken('audit', 'verify', '--from', future)).code, 0);
    match((await pantoken('audit', 'search', '--from', 'soon')).err, /time such as/);
  });

  it('sends the records to a syslog collector, framed by their length', async () => {
    let received = '';
    const collector = createServer((socket: Socket) => {
      socket.setEncoding('utf8');
      socket.on('data', (text) => {
        received += text;
      });
    });
    await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
    const { port } = collector.address() as { port: number };
    const sent = await pantoken('audit', 'export', '--syslog', `tcp://127.0.0.1:${port}`);
    equal(sent.out, '1 records sent\n', sent.err);
    collector.close();
    const [, length = '', message = ''] = /^(\d+) (.*)$/s.exec(received) ?? [];
    equal(Number(length), Buffer.byteLength(message));
    match(message, /^<110>1 \d{4}-\d\d-\d\dT[\d:.]+Z \S+ pantoken \d+ create_service - \{"chain":/);
    const refused = { atMs: 0, severity: 'notice', messageId: 'a', text: 'é' } as const;
    match(frame(refused), /^\d+ <109>1 1970-01-01T00:00:00.000Z /);
    match((await pantoken('audit', 'export', '--syslog', 'udp://x')).err, /tls:\/\/host:port/);
  });

  it('says that nothing is missing when nothing is to be accepted', async () => {
    const accepted = await pantoken('audit', 'accept-restore', '--operator', 'alice');
    equal(accepted.out, 'nothing is missing\n');
  });
});

describe('pantoken budget', () => {
  it('lifts a limit when a second operator approves', async () => {
    const who = `caller:${'0'.repeat(32)}`;
    const given = ['--who', who, '--times', '3', '--hours', '8', '--reason', 'conversion'];
    const asked = await pantoken('budget', 'lift', ...given, '--operator', 'alice');
    match(asked.out, /^[0-9a-f]{8} {2}caller:0{32} {2}3 times .* waits for another operator\n$/);
    const id = asked.out.slice(0, 8);
    match((await pantoken('budget', 'approve', id, '--operator', 'alice')).err, /second operator/);
    equal((await pantoken('budget', 'approve', id, '--operator', 'bob')).code, 0);
    match((await pantoken('budget', 'list')).out, /approved: bob\n$/);
  });
});
