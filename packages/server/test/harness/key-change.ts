import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openKeyTools } from '../../src/key-tools.ts';
import { custodyFileIn, type ServiceOptions } from '../../src/opened-home.ts';
import { REKEYED_PURPOSES } from '../../src/usecase/rekey-service.ts';
import { KEY_ORGANIZATION, type KeyPlace } from './key-home.ts';
import { KEY_OPERATOR, NO_REPORT, QUIET } from './key-tools.ts';

export const KEY_COMMANDS = [
  'rotate',
  'retokenize',
  'rekey-data',
  'rekey-index',
  'rewrap',
  'rekey-service',
] as const;
export type KeyCommand = (typeof KEY_COMMANDS)[number];

/** Gives one of the long commands of keys, in this process. */
export async function changeKeys(
  { home, database }: Pick<KeyPlace, 'home' | 'database'>,
  command: KeyCommand,
  open?: ServiceOptions['open'],
): Promise<void> {
  if (command === 'rewrap') addKek(home);
  const options = { database, ...(open && { open }) };
  // Nobody runs beside it: there is no node that must notice.
  const tools = await openKeyTools(home, QUIET, options, { pause: async () => undefined });
  const change = {
    rotate: () => tools.rotate(KEY_OPERATOR, KEY_ORGANIZATION),
    retokenize: () => tools.retokenize(KEY_OPERATOR, KEY_ORGANIZATION, NO_REPORT),
    'rekey-data': () => tools.rekeyData(KEY_OPERATOR, KEY_ORGANIZATION, NO_REPORT),
    'rekey-index': () => tools.rekeyIndex(KEY_OPERATOR, KEY_ORGANIZATION, NO_REPORT),
    rewrap: () => tools.rewrap(KEY_OPERATOR, 'second'),
    async 'rekey-service'() {
      for (const purpose of REKEYED_PURPOSES) {
        await tools.rekeyService(KEY_OPERATOR, purpose, 'active', NO_REPORT);
      }
    },
  }[command];
  assert(change !== undefined);
  await change();
  await tools.end();
}

/** A second key-encryption key, as `keys kek add` leaves it. */
function addKek(home: string): void {
  const path = custodyFileIn(home);
  const settings = JSON.parse(readFileSync(path, 'utf8'));
  if (settings.keyEncryptionKeys.length > 1) return;
  writeFileSync(join(home, 'second-key'), `${'5a'.repeat(32)}\n`, { mode: 0o600 });
  const added = { id: 'second', provider: 'file', options: { path: 'second-key' } };
  settings.keyEncryptionKeys.push(added);
  writeFileSync(path, JSON.stringify(settings));
}
