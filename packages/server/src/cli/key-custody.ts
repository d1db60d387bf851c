import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import {
  addKeyCommand,
  authorized,
  filesOption,
  type KeyOptions,
  type KeyProgram,
  parseCount,
} from './key-command.ts';
import { digestOf } from './key-transport.ts';
import { homeOption } from './options.ts';

/** The commands of key-encryption keys, their backups, and the people who give commands. */
export function addKeyCustody(keys: Command, program: KeyProgram): void {
  addKek(keys, program);
  addRewrap(keys, program);
  addBackup(keys, program);
  addRestore(keys, program);
  addOperators(keys, program);
}

function addKek(keys: Command, program: KeyProgram): void {
  const kek = keys.command('kek').description('the key-encryption keys of this home');
  addKeyCommand<KeyOptions>(
    kek,
    program,
    ['list', 'where they are kept'],
    [],
    async (tools, options) => {
      const context = await authorized(tools, options, 'reading', 'keys kek list');
      const { current, keyEncryptionKeys } = await tools.keks.list(context);
      for (const { id, provider } of keyEncryptionKeys) {
        program.print(`${id}  ${provider}${id === current ? '  current' : ''}`);
      }
    },
  );
  const settings = new Option(
    '--settings <file>',
    'JSON: id, provider, options; mode 600',
  ).makeOptionMandatory();
  const create = new Option('--create', 'make the key where it is to be kept');
  addKeyCommand<KeyOptions & { settings: string; create?: true }>(
    kek,
    program,
    ['add', 'add one; nothing is wrapped under it yet'],
    [settings, create],
    async (tools, options) => {
      const howToGet = options.create ? 'create' : 'use';
      const named = `--settings ${digestOf(tools, options.settings)}`;
      const command = `keys kek add ${named}${options.create ? ' --create' : ''}`;
      const context = await authorized(tools, options, 'custody', command);
      await tools.keks.add(context, resolve(options.settings), howToGet);
    },
  );
  const id = new Option('--id <id>', 'which one').makeOptionMandatory();
  addKeyCommand<KeyOptions & { id: string }>(
    kek,
    program,
    ['remove', 'forget one that nothing is wrapped under'],
    [id],
    async (tools, options) => {
      const command = `keys kek remove --id ${options.id}`;
      const context = await authorized(tools, options, 'custody', command);
      await tools.keks.remove(context, options.id);
    },
  );
}

function addRewrap(keys: Command, program: KeyProgram): void {
  const to = new Option('--to <id>', 'the key-encryption key').makeOptionMandatory();
  addKeyCommand<KeyOptions & { to: string }>(
    keys,
    program,
    ['rewrap', 'put all keys under another key-encryption key, while the service goes on'],
    [to],
    async (tools, options) => {
      const { to: kek } = options;
      const context = await authorized(tools, options, 'custody', `keys rewrap --to ${kek}`);
      const { rewrappedCount } = await tools.rewrap(context, kek);
      program.print(`${rewrappedCount} keys are under ${kek} now`);
    },
  );
}

function addBackup(keys: Command, program: KeyProgram): void {
  const out = new Option(
    '--out <folder>',
    'for the sealed copy and the shares',
  ).makeOptionMandatory();
  const shares = new Option('--shares <count>', 'custodians').argParser(parseCount).default(5);
  const threshold = new Option('--threshold <count>', 'how many of them open it')
    .argParser(parseCount)
    .default(3);
  addKeyCommand<KeyOptions & { out: string; shares: number; threshold: number }>(
    keys,
    program,
    ['backup', 'seal the key-encryption key, and split what opens it among custodians'],
    [out, shares, threshold],
    async (tools, options) => {
      const { out, shares, threshold } = options;
      const command = `keys backup --shares ${shares} --threshold ${threshold}`;
      const context = await authorized(tools, options, 'custody', command);
      await tools.backUp(context, resolve(out), shares, threshold);
      program.print(`${resolve(out)}: give each share to one custodian, and delete it here`);
    },
  );
}

function addRestore(keys: Command, program: KeyProgram): void {
  keys
    .command('restore')
    .description('put a key-encryption key back into a new home')
    .addOption(homeOption(program).makeOptionMandatory())
    .requiredOption('--backup <file>', 'the sealed copy')
    .addOption(filesOption('--share <file>', 'one of each custodian'))
    .action(async (options: { home: string; backup: string; share: readonly string[] }) => {
      const shares = options.share.map((path) => resolve(path));
      const home = resolve(options.home);
      const { kek, environment, checkValue } = await program.keys.restore(
        home,
        resolve(options.backup),
        shares,
      );
      program.print(`${home}: ${kek} of environment ${environment}, check value ${checkValue}`);
    });
}

function addOperators(keys: Command, program: KeyProgram): void {
  const operators = keys
    .command('operators')
    .description('who gives commands; with two or more, none gives a destructive one alone');
  const name = () => new Option('--name <name>', 'who').makeOptionMandatory();
  addKeyCommand<KeyOptions & { name: string }>(
    operators,
    program,
    ['add', 'register one; the credential is shown once'],
    [name()],
    async (tools, options) => {
      const command = `keys operators add --name ${options.name}`;
      const context = await authorized(tools, options, 'operators', command);
      const { credential } = await tools.operators.add(context, options.name);
      program.print(credential);
    },
  );
  addKeyCommand<KeyOptions & { name: string }>(
    operators,
    program,
    ['remove', 'remove one'],
    [name()],
    async (tools, options) => {
      const command = `keys operators remove --name ${options.name}`;
      const context = await authorized(tools, options, 'operators', command);
      await tools.operators.remove(context, options.name);
    },
  );
}
