import { type Command, Option } from 'commander';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import { REKEYED_PURPOSES, type RekeyedPurpose } from '../usecase/rekey-service.ts';
import {
  addKeyCommand,
  authorized,
  demandConfirmation,
  epochOption,
  type KeyOptions,
  type KeyProgram,
  organizationOption,
  parseCount,
  reportTo,
} from './key-command.ts';
import type { KeyTools } from './key-tools.ts';

const PAIRS = ['message', 'updater-signing', 'audit'] as const;

/** The commands that give a successor to keys that make no tokens. */
export function addKeyRenewal(keys: Command, program: KeyProgram): void {
  addRekey(keys, program);
  const service = keys.command('service').description('keys of the service, of no organization');
  addServiceRekey(service, program);
  addServiceDestroy(service, program);
  addPublic(service, program);
}

function addRekey(keys: Command, program: KeyProgram): void {
  const purpose = new Option(
    '--purpose <purpose>',
    'data: stored PANs; index: what they are found by',
  )
    .choices(['data', 'index'])
    .makeOptionMandatory();
  addKeyCommand<KeyOptions & { organization: OrganizationNumber; purpose: 'data' | 'index' }>(
    keys,
    program,
    ['rekey', 'put stored PANs, or their index, under a new key, while the service goes on'],
    [organizationOption(), purpose],
    async (tools, options) => {
      const { organization, purpose } = options;
      const command = `keys rekey --organization ${organization} --purpose ${purpose}`;
      const context = await authorized(tools, options, 'custody', command);
      const rekey = purpose === 'data' ? tools.rekeyData : tools.rekeyIndex;
      const report = reportTo(program, `rekey ${purpose}`);
      const { epoch, remainingCount } = await rekey(context, organization, report);
      program.print(`organization ${organization}: everything is under ${purpose} key ${epoch}`);
      if (remainingCount > 0) throw new Error(`${remainingCount} records are under older keys`);
    },
  );
}

function purposeOption(): Option {
  return new Option('--purpose <purpose>', 'which kind of key')
    .choices(REKEYED_PURPOSES)
    .makeOptionMandatory();
}

function addServiceRekey(service: Command, program: KeyProgram): void {
  const wait = new Option('--wait', 'of a pair: make it, to be handed out before it is used');
  addKeyCommand<KeyOptions & { purpose: RekeyedPurpose; wait?: true }>(
    service,
    program,
    ['rekey', 'give the service a new key, and seal anew what is under the one before'],
    [purposeOption(), wait],
    async (tools, options) => {
      const { purpose, wait: waits } = options;
      const command = `keys service rekey --purpose ${purpose}${waits ? ' --wait' : ''}`;
      const context = await authorized(tools, options, 'custody', command);
      const report = reportTo(program, `rekey ${purpose}`);
      const until = waits ? 'there' : 'active';
      const done = await tools.rekeyService(context, purpose, until, report);
      program.print(`the service: ${purpose} key ${done.epoch} ${done.became}`);
      if (isPair(purpose)) await printPublic(tools, program, context, purpose);
      if (done.damagedCount > 0) {
        throw new Error(`${done.damagedCount} records are damaged and were left as they are`);
      }
    },
  );
}

function addServiceDestroy(service: Command, program: KeyProgram): void {
  const confirm = new Option('--confirm <number>', 'the epoch again').argParser(parseCount);
  addKeyCommand<KeyOptions & { purpose: RekeyedPurpose; epoch: number; confirm?: number }>(
    service,
    program,
    ['destroy', 'delete a key of the service that makes nothing any more'],
    [purposeOption(), epochOption(), confirm],
    async (tools, options) => {
      const { purpose, epoch } = options;
      demandConfirmation(options.confirm, epoch);
      const command = `keys service destroy --purpose ${purpose} --epoch ${epoch}`;
      const context = await authorized(tools, options, 'custody', command);
      await tools.destroyServiceKey(context, purpose, epoch);
      program.print(`the service: ${purpose} key ${epoch} is destroyed`);
    },
  );
}

function addPublic(service: Command, program: KeyProgram): void {
  const purpose = new Option('--purpose <purpose>', 'which pair')
    .choices(PAIRS)
    .makeOptionMandatory();
  addKeyCommand<KeyOptions & { purpose: (typeof PAIRS)[number] }>(
    service,
    program,
    ['public', 'the public halves: what merchants encrypt to, and verify with'],
    [purpose],
    async (tools, options) => {
      const context = await authorized(tools, options, 'reading', 'keys service public');
      await printPublic(tools, program, context, options.purpose);
    },
  );
}

function isPair(purpose: RekeyedPurpose): purpose is (typeof PAIRS)[number] {
  return PAIRS.some((each) => each === purpose);
}

/** In PEM, which leaves out what stands around it. */
async function printPublic(
  tools: KeyTools,
  program: KeyProgram,
  context: Parameters<KeyTools['publicHalves']>[0],
  purpose: (typeof PAIRS)[number],
): Promise<void> {
  for (const { epoch, state, pem } of await tools.publicHalves(context, purpose)) {
    program.print(`${purpose} key ${epoch}, ${state}`);
    program.print(pem.trimEnd());
  }
}
