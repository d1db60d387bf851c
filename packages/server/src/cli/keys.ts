import { type Command, Option } from 'commander';
import { QUIET_DAYS_DEFAULT } from '../domain/key-epoch.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { Inventory, InventoryKey } from '../usecase/list-keys.ts';
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
import { addKeyCustody } from './key-custody.ts';
import { addKeyRenewal } from './key-renewal.ts';
import { addKeyTransport } from './key-transport.ts';

interface EpochOptions extends KeyOptions {
  readonly organization: OrganizationNumber;
  readonly epoch: number;
}

/** `pantoken keys ...`: the keys of a service, beside the nodes that run. */
export function addKeys(root: Command, program: KeyProgram): void {
  const keys = root.command('keys').description('the keys of a service; docs/keys.md tells all');
  addList(keys, program);
  addRotate(keys, program);
  addClose(keys, program);
  addDestroy(keys, program);
  addRetokenize(keys, program);
  addKeyRenewal(keys, program);
  addKeyCustody(keys, program);
  addKeyTransport(keys, program);
}

function addList(keys: Command, program: KeyProgram): void {
  const organization = organizationOption().makeOptionMandatory(false);
  const json = new Option('--json', 'the inventory as JSON');
  addKeyCommand<KeyOptions & { organization?: OrganizationNumber; json?: true }>(
    keys,
    program,
    ['list', 'every key there is or was, its state, age and tokens'],
    [organization, json],
    async (tools, options) => {
      const context = await authorized(tools, options, 'reading', 'keys list');
      const inventory = await tools.list(context, options.organization);
      if (options.json) program.print(JSON.stringify(inventory, undefined, 2));
      else printInventory(program, inventory);
    },
  );
}

function printInventory({ print }: KeyProgram, { keys, warnings }: Inventory): void {
  const head = [
    'key',
    'state',
    'check value',
    'age in days',
    'tokens',
    'replaced',
    'seen',
    'under',
  ];
  const rows = [head, ...keys.map(cellsOf)];
  const widths = head.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  for (const row of rows) {
    print(
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  }
  for (const warning of warnings) print(`warning: ${warning}`);
}

function cellsOf(key: InventoryKey): string[] {
  const owner = key.organization === undefined ? 'service' : String(key.organization);
  const counts = [key.tokenCount, key.replacedTokenCount, key.seenCount];
  return [
    `${owner} ${key.purpose} ${key.epoch}`,
    key.state,
    key.checkValue ?? '-',
    String(key.ageDays),
    ...counts.map((count) => (count === undefined ? '-' : String(count))),
    key.kek ?? '-',
  ];
}

function addRotate(keys: Command, program: KeyProgram): void {
  addKeyCommand<KeyOptions & { organization: OrganizationNumber }>(
    keys,
    program,
    ['rotate', 'make the next token key the one that makes tokens; old tokens open as before'],
    [organizationOption()],
    async (tools, options) => {
      const { organization } = options;
      const command = `keys rotate --organization ${organization}`;
      const context = await authorized(tools, options, 'rotation', command);
      const { epoch, before } = await tools.rotate(context, organization);
      program.print(`organization ${organization}: epoch ${epoch} makes, epoch ${before} opens`);
    },
  );
}

function addClose(keys: Command, program: KeyProgram): void {
  addKeyCommand<EpochOptions>(
    keys,
    program,
    ['close', 'refuse the tokens of an epoch from now on, and count each one seen'],
    [organizationOption(), epochOption()],
    async (tools, options) => {
      const { organization, epoch } = options;
      const command = `keys close --organization ${organization} --epoch ${epoch}`;
      const context = await authorized(tools, options, 'custody', command);
      const { cardCount } = await tools.closeKey(context, organization, epoch);
      program.print(`organization ${organization}: epoch ${epoch} is closed`);
      if (cardCount > 0) program.print(`warning: ${cardCount} cards have their token from it`);
    },
  );
}

function addDestroy(keys: Command, program: KeyProgram): void {
  const purpose = new Option('--purpose <purpose>', 'which kind of key')
    .choices(['token', 'data'])
    .default('token');
  const quiet = new Option('--quiet-days <days>', 'closed, none of its tokens seen; 0: at once')
    .default(QUIET_DAYS_DEFAULT)
    .argParser(parseCount);
  const confirm = new Option('--confirm <number>', 'the organization number again').argParser(
    parseCount,
  );
  addKeyCommand<EpochOptions & { purpose: 'token' | 'data'; quietDays: number; confirm?: number }>(
    keys,
    program,
    ['destroy', 'delete a key for good: nobody opens again what it made'],
    [organizationOption(), epochOption(), purpose, quiet, confirm],
    async (tools, options) => {
      const { organization, epoch, quietDays } = options;
      demandConfirmation(options.confirm, organization);
      const named = `--organization ${organization} --purpose ${options.purpose} --epoch ${epoch}`;
      const command = `keys destroy ${named} --quiet-days ${quietDays}`;
      const context = await authorized(tools, options, 'custody', command);
      const request = { organization, purpose: options.purpose, epoch, quietDays };
      await tools.destroy(context, request);
      program.print(`organization ${organization}: ${options.purpose} key ${epoch} is destroyed`);
    },
  );
}

function addRetokenize(keys: Command, program: KeyProgram): void {
  const retire = new Option('--retire', 'then refuse the tokens that were replaced');
  addKeyCommand<KeyOptions & { organization: OrganizationNumber; retire?: true }>(
    keys,
    program,
    ['retokenize', 'give every card a token of the newest epoch; the old one works until --retire'],
    [organizationOption(), retire],
    async (tools, options) => {
      const { organization } = options;
      const report = reportTo(program, 'retokenize');
      const named = `keys retokenize --organization ${organization}`;
      const context = options.retire
        ? await authorized(tools, options, 'custody', `${named} --retire`)
        : await authorized(tools, options, 'rotation', named);
      const done = await tools.retokenize(context, organization, report);
      program.print(`${done.movedCount} cards have a new token, of epoch ${done.epoch}`);
      if (done.damagedCount > 0) {
        throw new Error(`${done.damagedCount} records are damaged and were left as they are`);
      }
      if (!options.retire) return;
      const closed = await tools.retire(context, organization);
      program.print(`closed epochs: ${closed.join(', ') || 'none'}`);
    },
  );
}
