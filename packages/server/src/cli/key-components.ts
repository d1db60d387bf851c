import { resolve } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import { Refusal } from '../domain/error.ts';
import type { KeyProgram } from './key-command.ts';
import type { Component, KeyTools } from './key-tools.ts';

/** Where the components of a key come from: files, or this terminal. */
export interface ComponentSource {
  readonly files: readonly string[] | undefined;
  /** How many are entered here, one after the other. */
  readonly count: number | undefined;
}

/** A typing error is noticed at once; whoever makes more has not got the component. */
const TRIES_MAX = 3;

/** `--component a --component b`, or `--components 2`. */
export function componentOptions(prefix: '' | 'transport-', of: string): readonly Option[] {
  return [
    new Option(`--${prefix}component <file>`, `a file for each component of ${of}`).argParser(
      (path: string, before: string[] | undefined) => [...(before ?? []), path],
    ),
    new Option(
      `--${prefix}components <count>`,
      `enter 2 or 3 components of ${of} here, unseen; from a pipe a line each`,
    ).argParser(parseComponentCount),
  ];
}

function parseComponentCount(text: string): number {
  if (text !== '2' && text !== '3') throw new InvalidArgumentError('A key has 2 or 3 components.');
  return Number(text);
}

/**
 * The components of a key, from wherever they come, their check values printed.
 *
 * @param of what the key is, for who is asked.
 * @throws {Refusal} `KEY_INPUT_INVALID`
 */
export async function readComponents(
  tools: KeyTools,
  program: KeyProgram,
  { files, count }: ComponentSource,
  of: string,
): Promise<readonly Uint8Array[]> {
  if ((files === undefined) === (count === undefined)) {
    throw new Error('give a file for each component, or how many of them are entered here');
  }
  if (count !== undefined && program.terminal.isInteractive) {
    return askForComponents(tools, program, count, of);
  }
  const texts = files?.map((file) => tools.readSecret(resolve(file)));
  const lines = texts ?? (await program.terminal.readLines());
  if (count !== undefined && lines.length !== count) {
    const reason = `standard input has ${lines.length} lines, and should have ${count}`;
    throw new Refusal('KEY_INPUT_INVALID', { reason });
  }
  return lines.map((line, index) => {
    const component = tools.parseComponent(line, 'with check value');
    program.print(`component ${index + 1} of ${of}: check value ${component.checkValue}`);
    return component.bytes;
  });
}

/** One custodian after the other, each alone with the terminal. */
function askForComponents(
  tools: KeyTools,
  program: KeyProgram,
  count: number,
  of: string,
): Promise<readonly Uint8Array[]> {
  return program.terminal.askHidden(async (ask) => {
    const components: Uint8Array[] = [];
    for (let number = 1; number <= count; number++) {
      const name = `component ${number} of ${count} of ${of}`;
      if (number > 1) await ask('Let the next custodian come alone, and press Enter. ');
      const { bytes, checkValue } = await askForOne(tools, ask, name);
      components.push(bytes);
      program.print(`${name}: check value ${checkValue}`);
    }
    return components;
  });
}

async function askForOne(
  tools: KeyTools,
  ask: (question: string) => Promise<string>,
  name: string,
): Promise<Component> {
  let question = `Type ${name}: 64 hexadecimal digits. Nothing is shown. `;
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    try {
      const component = tools.parseComponent(await ask(question), 'or without');
      const agree = `Its check value is ${component.checkValue}. Enter if it is yours, n if not. `;
      if ((await ask(agree)) === '') return component;
      question = `Type ${name} again. `;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      question = `That was none: ${error.facts.reason}. Type ${name} again. `;
    }
  }
  throw new Refusal('KEY_INPUT_INVALID', { reason: `${name} was not entered` });
}
