import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { Refusal } from '../domain/error.ts';
import { parseOrganizationNumber } from '../domain/organization-number.ts';
import { type AccountChangeMessage, messageOf } from '../usecase/account-change-message.ts';
import type { MessageResult, RecordAccountChanges } from '../usecase/record-account-changes.ts';
import { homeOption } from './options.ts';
import type { Program } from './program.ts';

/** A message has some 200 characters; a line over this is no message. */
const LINE_LENGTH_MAX = 4_096;

/** How many lines go into one audit context. */
const BATCH_MAX = 500;

/** How the import of a file ended. */
export interface ImportCounts {
  recorded: number;
  already_recorded: number;
  refused: number;
}

export function addAccountChanges(root: Command, program: Program): void {
  const group = root
    .command('account-changes')
    .description('what became of cards, told by their issuer');
  group
    .command('import')
    .description('record the account changes of a file, one JSON object a line')
    .argument('<file>', 'fields as in POST /v1/account-changes')
    .requiredOption('--organization <number>', 'whose cards they are, 0 to 998')
    .addOption(homeOption(program).makeOptionMandatory())
    .addHelpText(
      'after',
      `
Prints a line for each change that is refused, with its line number, and how many were recorded. A
file may be imported again: what is recorded stays as it is. The service may run meanwhile.`,
    )
    .action(async (file: string, options: { organization: string; home: string }) => {
      const home = resolve(options.home);
      const service = await program.openService(home, `${home}/import.log`);
      try {
        const counts = await importFile(service.recordAccountChanges, file, {
          organization: options.organization,
          print: program.print,
        });
        program.print(JSON.stringify(counts));
        if (counts.refused > 0) throw new Error(`${counts.refused} changes were refused`);
      } finally {
        await service.close();
      }
    });
}

/** @throws {Error} when the file cannot be read; {@link Refusal} when the store is unavailable. */
export async function importFile(
  recordAccountChanges: RecordAccountChanges,
  file: string,
  { organization: text, print }: { organization: string; print(text: string): void },
): Promise<ImportCounts> {
  const organization = parseOrganizationNumber(/^[0-9]{1,3}$/.test(text) ? Number(text) : text);
  const counts: ImportCounts = { recorded: 0, already_recorded: 0, refused: 0 };
  const refuse = (
    line: number,
    result: Pick<Extract<MessageResult, { code: unknown }>, 'code'>,
  ) => {
    counts.refused++;
    print(JSON.stringify({ line, code: result.code }));
  };
  let batch: { line: number; message: AccountChangeMessage }[] = [];
  const flush = async () => {
    const messages = batch.map(({ message }) => message);
    const context = { who: 'operator', requestId: 'import' };
    const results = await recordAccountChanges(context, organization, messages);
    for (const [index, result] of results.entries()) {
      if (result.status === 'refused') refuse(batch[index]?.line ?? 0, result);
      else counts[result.status]++;
    }
    batch = [];
  };
  let line = 0;
  for await (const json of createInterface({ input: createReadStream(file) })) {
    line++;
    if (json.trim() === '') continue;
    try {
      batch.push({ line, message: messageOf(parseLine(json)) });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refuse(line, error);
    }
    if (batch.length >= BATCH_MAX) await flush();
  }
  await flush();
  return counts;
}

function parseLine(json: string): unknown {
  if (json.length > LINE_LENGTH_MAX) throw new Refusal('REQUEST_INVALID', { reason: 'too_long' });
  try {
    return JSON.parse(json);
  } catch {
    throw new Refusal('BODY_NOT_JSON');
  }
}
