import { deepEqual, equal, ok } from 'node:assert/strict';
import { it } from 'node:test';
import { Command } from 'commander';
import { addNotifications } from '../src/cli/notifications.ts';
import type { Program, RunningService } from '../src/cli/program.ts';
import type { NotificationView } from '../src/usecase/watch-ports.ts';
import { editByHand } from './harness/service.ts';
import { startWatchingService } from './harness/watching-service.ts';

it('more watched cards of one custom reference than an answer holds are listed by pages', async () => {
  const watching = await startWatchingService();
  const { server } = watching;
  const { merchantid } = server.merchant.credentials;
  await watching.notify();
  const { panid: first } = await watching.watchNew({ customreference: 'all' });
  const moreCount = 10_000;
  editByHand(server.home, (database) =>
    database.exec(`
      insert into watch_entry (panid, merchant, custom_index, sealed, notification_count,
        failure_count, next_check_at, claimed_until, claim_count, fence, ended, created_at)
      with recursive n (n) as (select 1 union all select n + 1 from n where n < ${moreCount})
      select printf('%032x', n), merchant, custom_index, sealed, 0, 0, next_check_at, 0, 0, 0, 0, n
      from n, watch_entry where panid = '${first}'`),
  );
  const list = async (more = {}) => {
    const query = new URLSearchParams({ customreference: 'all', merchantid, ...more });
    const headers = server.merchant.headers();
    const reply = await server.send({ method: 'GET', path: `/api/cu/panids?${query}`, headers });
    return { status: reply.status, ...JSON.parse(reply.text) };
  };
  const page = await list();
  equal(page.status, 200);
  equal(page.panids.length, 10_000);
  const rest = await list({ after: page.next });
  deepEqual([rest.panids.length, rest.next], [1, undefined]);
  equal(new Set([...page.panids, ...rest.panids]).size, moreCount + 1);
  ok([...page.panids, ...rest.panids].includes(first));

  const three = await list({ limit: '3', after: '0'.repeat(31).concat('7') });
  deepEqual(
    three.panids,
    ['8', '9', 'a'].map((digit) => digit.padStart(32, '0')),
  );
  equal(three.next, three.panids[2]);
  for (const wrong of [{ limit: '0' }, { limit: '10001' }, { limit: 'x' }, { after: 'x' }]) {
    deepEqual([(await list(wrong)).status, (await list(wrong)).code], [400, 'REQUEST_INVALID']);
  }
});

it('pantoken notifications list prints however many there are, a page in memory at a time', async () => {
  const all = Array.from({ length: 2_500 }, (_, index) => {
    const view = { panid: String(index), position: 1, merchantId: 'm', state: 'failed' };
    return { ...view, nextAttemptAtMs: -index } as unknown as NotificationView;
  });
  const pages: number[] = [];
  const service = {
    updater: {
      listNotifications: async (_state: string, limit: number, before?: NotificationView) => {
        const from = before === undefined ? 0 : all.indexOf(before) + 1;
        const page = all.slice(from, from + limit);
        pages.push(page.length);
        return page;
      },
    },
    close: async () => undefined,
  };
  const given = async (...argv: string[]) => {
    const printed: string[] = [];
    const root = new Command('pantoken').exitOverride();
    addNotifications(root, {
      defaults: { home: '/nowhere', port: 0 },
      openService: async () => service as unknown as RunningService,
      print: (text: string) => void printed.push(text),
    } as unknown as Program);
    await root.parseAsync(['notifications', 'list', ...argv], { from: 'user' });
    return printed;
  };
  equal((await given()).length, 100);
  const lines = all.map((each) => JSON.stringify(each));
  deepEqual(await given('--limit', '1200'), lines.slice(0, 1200));
  deepEqual(await given('--limit', '0'), lines);
  ok(Math.max(...pages) <= 1_000);
});
