/**
 * Changes keys of organization 100, or deletes cards of it, beside the server, as an operator would:
 * `node rotate.ts <home> <url> <job>`, where a job is `delete:<token>,<token>` or the name of a change. The harness kills it, too; what it began, the next run of the same job finishes.
 *
 * @module
 */
import { pino } from 'pino';
import type { OrganizationNumber } from '../src/domain/organization-number.ts';
import { openKeyTools } from '../src/key-tools.ts';
import { makeLog } from '../src/log.ts';
import { openService } from '../src/service.ts';

const [home = '', url = '', job = ''] = process.argv.slice(2);
const organization = 100 as OrganizationNumber;
const log = makeLog('error', pino.destination({ dest: 2, sync: true }));
const database = url === '' ? undefined : ({ engine: 'postgres', url } as const);
const tools = await openKeyTools(home, log, { database });
const context = tools.context('operator');
const noReport = () => undefined;
const [name = '', list = ''] = job.split(':');
const jobs: Readonly<Record<string, () => Promise<unknown>>> = {
  rotate: () => tools.rotate(context, organization),
  async delete() {
    const service = await openService(home, log, undefined, { database });
    const { deleteCards } = service;
    await deleteCards.deleteByToken(context, organization, list.split(','), 'delete');
    await service.close();
  },
  'rekey-data': () => tools.rekeyData(context, organization, noReport),
  'rekey-index': () => tools.rekeyIndex(context, organization, noReport),
};
try {
  await jobs[name]?.();
} finally {
  await tools.end();
}
