import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import {
  addKeyCommand,
  authorized,
  epochOption,
  type KeyOptions,
  type KeyProgram,
  organizationOption,
} from './key-command.ts';
import { componentOptions, readComponents } from './key-components.ts';
import type { KeyTools } from './key-tools.ts';

interface TransportOptions extends KeyOptions {
  readonly transportComponent?: readonly string[];
  readonly transportComponents?: number;
}

interface ImportOptions extends TransportOptions {
  readonly organization: OrganizationNumber;
  readonly component?: readonly string[];
  readonly components?: number;
  readonly keyBlock?: string;
}

const TOKEN_KEY = 'the token key';
const TRANSPORT_KEY = 'the transport key';

/** The commands that bring a token key in, and give one away, wrapped. */
export function addKeyTransport(keys: Command, program: KeyProgram): void {
  addImport(keys, program);
  addExport(keys, program);
}

function addImport(keys: Command, program: KeyProgram): void {
  addKeyCommand<ImportOptions>(
    keys,
    program,
    [
      'import',
      'take a token key from outside; it waits until it is rotated to',
      `
A component is 64 hexadecimal digits, a space, and its check value: in files (--component, twice or three
times), or entered here (--components 2 or 3), where on a terminal the check value is shown instead.
Or --key-block, of ANSI X9.143 version D, with the components of its transport key in the same way.`,
    ],
    [
      organizationOption(),
      ...componentOptions('', TOKEN_KEY),
      new Option('--key-block <file>', 'a file with a key block'),
      ...componentOptions('transport-', TRANSPORT_KEY),
    ],
    async (tools, options) => {
      const { organization, keyBlock } = options;
      // The second operator approves this key block, not any.
      const named = keyBlock === undefined ? '' : ` --key-block ${digestOf(tools, keyBlock)}`;
      const command = `keys import --organization ${organization}${named}`;
      const context = await authorized(tools, options, 'custody', command);
      const { epoch, checkValue } = await tools.importKey(context, organization, () =>
        bytesOf(tools, program, options),
      );
      program.print(
        `organization ${organization}: epoch ${epoch} waits, check value ${checkValue}`,
      );
    },
  );
}

/** 64 bits of SHA-256: enough for the two operators to mean the same file. */
export function digestOf(tools: KeyTools, path: string): string {
  const text = tools.readSecret(resolve(path));
  return `sha256:${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
}

async function bytesOf(
  tools: KeyTools,
  program: KeyProgram,
  options: ImportOptions,
): Promise<Uint8Array> {
  const { component, components, keyBlock } = options;
  if (keyBlock === undefined) {
    const source = { files: component, count: components };
    return tools.joinComponents(await readComponents(tools, program, source, TOKEN_KEY));
  }
  const transport = await readComponents(tools, program, transportOf(options), TRANSPORT_KEY);
  return tools.openKeyBlock(tools.readSecret(resolve(keyBlock)), transport);
}

function transportOf({ transportComponent, transportComponents }: TransportOptions) {
  return { files: transportComponent, count: transportComponents };
}

function addExport(keys: Command, program: KeyProgram): void {
  addKeyCommand<TransportOptions & { organization: OrganizationNumber; epoch: number }>(
    keys,
    program,
    ['export', 'give a token key away in a key block of ANSI X9.143 version D'],
    [organizationOption(), epochOption(), ...componentOptions('transport-', TRANSPORT_KEY)],
    async (tools, options) => {
      const { organization, epoch } = options;
      const command = `keys export --organization ${organization} --epoch ${epoch}`;
      const context = await authorized(tools, options, 'custody', command);
      const transport = await readComponents(tools, program, transportOf(options), TRANSPORT_KEY);
      const exported = await tools.exportKey(context, organization, epoch, transport);
      program.print(exported.keyBlock);
      program.print(`check value ${exported.checkValue}`);
    },
  );
}
