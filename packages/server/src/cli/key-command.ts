import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { Refusal } from '../domain/error.ts';
import { type OrganizationNumber, parseOrganizationNumber } from '../domain/organization-number.ts';
import type { RequestContext } from '../usecase/audit-trail.ts';
import type { KeyCommandKind } from '../usecase/dual-control.ts';
import type { Report } from '../usecase/walk-numbers.ts';
import type { KeyTools } from './key-tools.ts';
import { homeOption } from './options.ts';
import type { Program } from './program.ts';

/** What the commands of keys need of the rest of the program. */
export type KeyProgram = Pick<Program, 'defaults' | 'keys' | 'print' | 'terminal'>;

/** What every command of keys is given. */
export interface KeyOptions {
  readonly home: string;
  readonly credential?: string;
  readonly approve?: string;
}

/** Adds a command that opens the keys of a home, and lets go of them when it is done. */
export function addKeyCommand<O extends KeyOptions>(
  parent: Command,
  program: KeyProgram,
  [name, description, more = '']: readonly [string, string, string?],
  options: readonly Option[],
  act: (tools: KeyTools, options: O) => Promise<void>,
): void {
  const command = parent.command(name).description(description);
  command.addOption(homeOption(program).makeOptionMandatory());
  for (const option of options) command.addOption(option);
  command
    .option('--credential <file>', 'the credential of the operator who gives the command')
    .option('--approve <file>', 'the credential of a second operator, who approves it')
    .addHelpText('after', more)
    .action(async (given: O) => {
      const tools = await program.keys.open(resolve(given.home));
      try {
        await act(tools, given);
      } finally {
        await tools.end();
      }
    });
}

/** Who gives the command, for the record; one that changes custody needs a second operator. */
export async function authorized(
  tools: KeyTools,
  { credential, approve }: KeyOptions,
  kind: KeyCommandKind,
  command: string,
): Promise<RequestContext> {
  const read = (path: string | undefined) =>
    path === undefined ? undefined : tools.readSecret(path);
  const word = { credential: read(credential), approve: read(approve) };
  return tools.context(await tools.authorize(kind, command, word));
}

export function organizationOption(): Option {
  return new Option('--organization <number>', '0 to 998').makeOptionMandatory().argParser(parse);
}

export function epochOption(): Option {
  return new Option('--epoch <number>', 'which key').makeOptionMandatory().argParser(parseCount);
}

function parse(text: string): OrganizationNumber {
  return parseOrganizationNumber(parseCount(text));
}

export function parseCount(text: string): number {
  if (!/^[0-9]{1,9}$/.test(text)) throw new InvalidArgumentError('It is a number.');
  return Number(text);
}

/** A file for each custodian: `--component a --component b`. */
export function filesOption(flags: string, description: string): Option {
  return new Option(flags, description)
    .argParser((path: string, before: string[] | undefined) => [...(before ?? []), path])
    .makeOptionMandatory();
}

/** What cannot be undone is typed twice. @throws {Refusal} `CONFIRMATION_MISSING` */
export function demandConfirmation(typed: number | undefined, expected: number): void {
  if (typed !== expected) throw new Refusal('CONFIRMATION_MISSING');
}

/** A line for every twentieth of the way. */
export function reportTo(program: KeyProgram, what: string): Report {
  let shown = -1;
  return ({ doneCount, totalCount }) => {
    const share = totalCount === 0 ? 20 : Math.floor((doneCount * 20) / totalCount);
    if (share === shown) return;
    shown = share;
    program.print(`${what}: ${doneCount} of ${totalCount}`);
  };
}
