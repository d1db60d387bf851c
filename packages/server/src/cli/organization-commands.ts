import type { Command } from 'commander';
import type { BinRange } from '../domain/bin-range.ts';
import { parseFormats, type TokenFormatSpec } from '../domain/token-format.ts';
import { type OperatorProgram, operating, operatorContext, table } from './operator.ts';
import {
  binRange,
  collecting,
  organizationNumber,
  tokenFormat,
  zoneKeyFile,
} from './parse-option.ts';

interface AddOptions {
  readonly name: string;
  readonly bin: readonly Omit<BinRange, 'organization'>[];
  readonly format?: readonly TokenFormatSpec[];
  readonly panToken: boolean;
}

const DEFAULT_FORMAT: TokenFormatSpec = {
  engine: 'keyed',
  alphabet: 'alphanumeric',
  keepFirst: 6,
  keepLast: 4,
};

/** `pantoken organization add|list|zone-key` */
export function addOrganizationCommands(root: Command, program: OperatorProgram): void {
  const group = root.command('organization').description('issuers: their BINs and token formats');

  const add = group
    .command('add <number>')
    .description('register an issuer; its keys are made now')
    .requiredOption('--name <text>', 'what people call it')
    .requiredOption('--bin <range...>', 'prefix[:digits[:logo]]', collecting(binRange))
    .option('--format <format...>', '[random:]alphabet:first:last', collecting(tokenFormat))
    .option('--no-pan-token', 'show masked numbers in place of tokens')
    .addHelpText(
      'after',
      `
A BIN range belongs to one organization. Formats say how tokens look: alphanumeric:6:4 (the default)
keeps the first six and last four digits of the number and puts a letter in. They cannot be changed
later: a change would make other tokens.

  pantoken organization add 100 --name "First Bank" --bin 540208:16:1 --bin 457123:16:2`,
    );
  operating<AddOptions>(add, program, async ({ register }, number, options) => {
    const organization = {
      number: organizationNumber(number),
      name: options.name,
      panTokenOn: options.panToken,
      formats: parseFormats(options.format ?? [DEFAULT_FORMAT]),
    };
    await register.addOrganization(operatorContext(), organization, options.bin);
    program.print(`Organization ${number} is registered.`);
  });

  const list = group.command('list').description('all issuers, their BINs and formats');
  operating(list, program, async ({ directory }) => {
    const rows = directory.listOrganizations().map(({ number, name, panTokenOn, formats }) => [
      String(number),
      name,
      panTokenOn ? 'on' : 'off',
      formats
        .map(({ alphabet, keepFirst, keepLast }) => `${alphabet}:${keepFirst}:${keepLast}`)
        .join(' '),
      directory
        .listBinRanges(number)
        .map(({ prefix }) => prefix)
        .join(' '),
    ]);
    program.print(table(['number', 'name', 'PAN Token', 'formats', 'BINs'], rows));
  });
  addZoneKeyCommand(group, program);
}

function addZoneKeyCommand(group: Command, program: OperatorProgram): void {
  const zoneKey = group
    .command('zone-key <number>')
    .description('give an issuer a key to send card numbers under, or its next one')
    .option('--from <file>', '64 hexadecimal digits the issuer gave; left out: drawn', zoneKeyFile)
    .addHelpText(
      'after',
      `
Card numbers then travel as 32 hexadecimal digits: one AES-256 block of packed decimal. The newest key
encrypts; the one before still opens what is sent, until there is a third. A key that is drawn is shown
once: hand it over in two parts, by two ways.`,
    );
  operating<{ from?: Uint8Array }>(zoneKey, program, async ({ addZoneKey }, number, { from }) => {
    const organization = organizationNumber(number);
    const { epoch, bytes } = await addZoneKey(operatorContext(), organization, from);
    program.print(`Zone key ${epoch} of organization ${number} is in use.`);
    if (from === undefined) program.print(Buffer.from(bytes).toString('hex'));
  });
}
