import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { DeleteCards } from '../usecase/delete-cards.ts';
import { organizationOption } from './key-command.ts';
import { type OperatorProgram, operating, operatorContext } from './operator.ts';

interface DeleteOptions {
  readonly organization: OrganizationNumber;
  readonly token?: readonly string[];
  readonly tokens?: string;
  readonly due: boolean;
  readonly dryRun: boolean;
}

const DELETE_HELP = `
  pantoken cards delete --organization 100 --due --dry-run     count what the rule would delete
  pantoken cards delete --organization 100 --due               do now what the service does by itself
  pantoken cards delete --organization 100 --tokens list.txt   these cards, a PAN-TOKEN on each line

A number goes with all of its cards, its earlier tokens, the numbers it replaced, and what merchants
watch of it. It cannot be undone: neither the number nor its token is ever given again, and both answer
CARD_DELETED. Each deletion is on record. What backups and PostgreSQL's files still hold, and for how
long: docs/operations.md.`;

/** `pantoken cards retention|delete` */
export function addCards(root: Command, program: OperatorProgram): void {
  const group = root.command('cards').description('how long cards are kept, and deleting them');

  const retention = group
    .command('retention')
    .description('set how long cards of an organization are kept after they are closed or expire')
    .addOption(organizationOption())
    .addOption(new Option('--days <number>', '0 to 36500').argParser(parseDays))
    .option('--keep', 'do not delete cards any more', false)
    .addHelpText(
      'after',
      `
The service then deletes by itself, some cards at a time, within hours after their day has come: PCI
DSS 3.2.1 wants stored numbers gone when nobody needs them. Merchants learn of a replaced number until
it is deleted. See what would go: pantoken cards delete --due --dry-run.`,
    );
  operating<{ organization: OrganizationNumber; days?: number; keep: boolean }>(
    retention,
    program,
    async ({ deleteCards }, _, { organization, days, keep }) => {
      if ((days === undefined) !== keep) throw new Error('name --days, or --keep');
      await deleteCards.setRetention(operatorContext(), organization, days);
      program.print(
        days === undefined
          ? `Cards of organization ${organization} are kept.`
          : `Cards of organization ${organization} are deleted ${days} days after their end.`,
      );
    },
  );

  const remove = group
    .command('delete')
    .description('delete cards for good: those whose time is over, or those of given tokens')
    .addOption(organizationOption())
    .option('--due', 'all whose time of retention is over', false)
    .option('--token <token...>', 'these')
    .option('--tokens <file>', 'these: a token on each line')
    .option('--dry-run', 'count, and delete nothing', false)
    .addHelpText('after', DELETE_HELP);
  operating<DeleteOptions>(remove, program, async ({ deleteCards }, _, options) => {
    const counts = await act(deleteCards, options);
    const { numberCount, cardCount, unknownCount } = counts;
    const done = options.dryRun ? 'would be deleted' : 'deleted';
    program.print(`${numberCount} numbers with ${cardCount} cards ${done}.`);
    if (unknownCount > 0) program.print(`${unknownCount} tokens stand for no card.`);
  });
}

function act(deleteCards: DeleteCards, options: DeleteOptions) {
  const { organization, token = [], tokens, due, dryRun } = options;
  const listed = tokens === undefined ? [] : readFileSync(tokens, 'utf8').split(/\r?\n/);
  const all = [...token, ...listed].filter((each) => each !== '');
  if (due === all.length > 0) throw new Error('name --due, or tokens');
  const mode = dryRun ? 'dry-run' : 'delete';
  return due
    ? deleteCards.deleteDue(operatorContext(), organization, mode)
    : deleteCards.deleteByToken(operatorContext(), organization, all, mode);
}

function parseDays(text: string): number {
  const days = /^[0-9]{1,5}$/.test(text) ? Number(text) : 36_501;
  if (days > 36_500) throw new InvalidArgumentError('It is an integer from 0 to 36500.');
  return days;
}
