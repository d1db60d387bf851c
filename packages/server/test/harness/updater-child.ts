/** A service that runs its updater until it is killed: `<home> <how far its clock is ahead, ms>`. */
import { makeLog } from '../../src/log.ts';
import { openService } from '../../src/service.ts';

const [home = '', aheadMs = '0'] = process.argv.slice(2);
const clock = { nowMs: () => Date.now() + Number(aheadMs) };
const log = makeLog('error', { write: (line: string) => void process.stderr.write(line) });
const service = await openService(home, log, clock);
service.updater.start();
setInterval(() => undefined, 60_000);
