/**
 * The server that the harness kills: the service as it is, and two things only a harness may have. It
 * takes clock jumps from its parent, and with `early-ack` (the negative control) it answers before it
 * commits, which the harness has to notice.
 *
 * @module
 */
import { flushCompileCache } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { makeLog } from '../src/log.ts';
import { openService } from '../src/service.ts';
import { openStore, type StorePlace } from '../src/store/place.ts';

const [home = '', port = '', url = '', mode = ''] = process.argv.slice(2);

/** How long the negative control leaves a batch in memory. */
const EARLY_ACK_MS = 20;

let clockOffsetMs = 0;
const realNow = Date.now;
Date.now = () => realNow() + clockOffsetMs;
process.on('message', (offsetMs: number) => {
  clockOffsetMs = offsetMs;
});

async function openEarly(place: StorePlace): ReturnType<typeof openStore> {
  const store = await openStore(place);
  const { committer } = store;
  let last: Promise<unknown> = Promise.resolve();
  return {
    ...store,
    committer: {
      ...committer,
      async commitBatch(units) {
        last = last
          .then(() => sleep(EARLY_ACK_MS))
          .then(() => committer.commitBatch(units))
          .catch(() => undefined);
        return units.map(() => ({ committed: true }));
      },
    },
  };
}

const log = makeLog('error', pino.destination({ dest: 2, sync: true }));
const database = url === '' ? undefined : ({ engine: 'postgres', url } as const);
const open = mode === 'early-ack' ? openEarly : openStore;
const service = await openService(home, log, undefined, { database, open });
await service.app.listen({ host: '127.0.0.1', port: Number(port) });
flushCompileCache(); // Nobody who is killed writes it at the end.
process.send?.('listening');
