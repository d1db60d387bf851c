import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import {
  addKeyCommand,
  authorized,
  epochOption,
  filesOption,
  type KeyOptions,
  organizationOption,
} from './key-command.ts';
import type { KeyTools } from './key-tools.ts';
import type { Program } from './program.ts';

const TRANSPORT = 'a file for each component of the transport key';

interface ImportOptions extends KeyOptions {
  readonly organization: OrganizationNumber;
  readonly component?: readonly string[];
  readonly keyBlock?: string;
  readonly transportComponent?: readonly string[];
}

/** The commands that bring a token key in, and give one away, wrapped. */
export function addKeyTransport(keys: Command, program: Program): void {
  addImport(keys, program);
  addExport(keys, program);
}

function addImport(keys: Command, program: Program): void {
  addKeyCommand<ImportOptions>(
    keys,
    program,
    [
      'import',
      'take a token key from outside; it waits until it is rotated to',
      `
Either --component twice or three times: files of 64 hexadecimal digits, a space, and the check value
of the component. Or --key-block, of ANSI X9.143 version D, and --transport-component as above.`,
    ],
    [
      organizationOption(),
      filesOption('--component <file>', 'a file for each component').makeOptionMandatory(false),
      new Option('--key-block <file>', 'a file with a key block'),
      filesOption('--transport-component <file>', TRANSPORT).makeOptionMandatory(false),
    ],
    async (tools, options) => {
      const bytes = bytesOf(tools, options);
      const { organization } = options;
      const context = await authorized(
        tools,
        options,
        `keys import --organization ${organization}`,
      );
      const { epoch, checkValue } = await tools.importKey(context, organization, bytes);
      program.print(
        `organization ${organization}: epoch ${epoch} waits, check value ${checkValue}`,
      );
    },
  );
}

function bytesOf(
  tools: KeyTools,
  { component, keyBlock, transportComponent }: ImportOptions,
): Uint8Array {
  const paths = (files: readonly string[]) => files.map((file) => resolve(file));
  if (component !== undefined && keyBlock === undefined && transportComponent === undefined) {
    return tools.bytesOfComponents(paths(component));
  }
  if (component === undefined && keyBlock !== undefined && transportComponent !== undefined) {
    return tools.bytesOfKeyBlock(resolve(keyBlock), paths(transportComponent));
  }
  throw new Error('give --component, or --key-block with --transport-component');
}

function addExport(keys: Command, program: Program): void {
  addKeyCommand<
    KeyOptions & {
      organization: OrganizationNumber;
      epoch: number;
      transportComponent: readonly string[];
    }
  >(
    keys,
    program,
    ['export', 'give a token key away in a key block of ANSI X9.143 version D'],
    [organizationOption(), epochOption(), filesOption('--transport-component <file>', TRANSPORT)],
    async (tools, options) => {
      const { organization, epoch } = options;
      const command = `keys export --organization ${organization} --epoch ${epoch}`;
      const context = await authorized(tools, options, command);
      const paths = options.transportComponent.map((file) => resolve(file));
      const exported = await tools.exportKey(context, organization, epoch, paths);
      program.print(exported.keyBlock);
      program.print(`check value ${exported.checkValue}`);
    },
  );
}
