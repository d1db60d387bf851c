/**
 * Changes keys of organization 100 beside the server, as an operator would: `node rotate.ts <home>
 * <url> <job>`. The harness kills it, too; what it began, the next run of the same job finishes.
 *
 * @module
 */
import { pino } from 'pino';
import type { OrganizationNumber } from '../src/domain/organization-number.ts';
import { openKeyTools } from '../src/key-tools.ts';
import { makeLog } from '../src/log.ts';

const [home = '', url = '', job = ''] = process.argv.slice(2);
const organization = 100 as OrganizationNumber;
const log = makeLog('error', pino.destination({ dest: 2, sync: true }));
const database = url === '' ? undefined : ({ engine: 'postgres', url } as const);
const tools = await openKeyTools(home, log, { database });
const context = tools.context('operator');
const noReport = () => undefined;
const jobs: Readonly<Record<string, () => Promise<unknown>>> = {
  rotate: () => tools.rotate(context, organization),
  'rekey-data': () => tools.rekeyData(context, organization, noReport),
  'rekey-index': () => tools.rekeyIndex(context, organization, noReport),
};
try {
  await jobs[job]?.();
} finally {
  await tools.end();
}
