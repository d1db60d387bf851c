import { resolve } from 'node:path';
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { Lift } from '../usecase/budget-ports.ts';
import type { LiftRequest } from '../usecase/lift-budget.ts';
import { homeOption } from './options.ts';
import type { Program } from './program.ts';

/** What the commands of this file need of the rest of the program. */
export interface BudgetTools {
  request(home: string, operator: string, request: LiftRequest): Promise<Lift>;
  approve(home: string, operator: string, id: string): Promise<Lift>;
  list(home: string): Promise<readonly Lift[]>;
}

interface LiftOptions extends LiftRequest {
  readonly home: string;
  readonly operator: string;
}

/** `pantoken budget lift|approve|list` */
export function addBudget(root: Command, program: Program): void {
  const { budgets, print } = program;
  const group = root
    .command('budget')
    .description('limits on how many different cards somebody may ask about');
  group
    .command('lift')
    .description("ask that somebody's limits are higher for a time; another operator approves")
    .addOption(homeOption(program).makeOptionMandatory())
    .requiredOption('--who <who>', 'caller:<id> or merchant:<id>')
    .requiredOption('--times <count>', 'how many times as high, 2 to 1000', parseCount)
    .requiredOption('--hours <count>', 'for how long, 1 to 720', parseCount)
    .requiredOption('--reason <text>', 'why, for the record')
    .requiredOption('--operator <name>', 'who asks')
    .action(async ({ home, operator, ...request }: LiftOptions) => {
      print(lineOf(await budgets.request(resolve(home), operator, request)));
    });
  group
    .command('approve <id>')
    .description('approve what another operator has asked for')
    .addOption(homeOption(program).makeOptionMandatory())
    .requiredOption('--operator <name>', 'who approves')
    .action(async (id: string, { home, operator }: { home: string; operator: string }) => {
      print(lineOf(await budgets.approve(resolve(home), operator, id)));
    });
  group
    .command('list')
    .description('what is asked for and what holds')
    .addOption(homeOption(program).makeOptionMandatory())
    .action(async ({ home }: { home: string }) => {
      for (const lift of await budgets.list(resolve(home))) print(lineOf(lift));
    });
}

function lineOf({ id, who, times, untilMs, requestedBy, approvedBy }: Lift): string {
  const state = approvedBy === undefined ? 'waits for another operator' : `approved: ${approvedBy}`;
  const until = new Date(untilMs).toISOString();
  return `${id}  ${who}  ${times} times  until ${until}  asked: ${requestedBy}  ${state}`;
}

function parseCount(text: string): number {
  if (!/^[0-9]{1,4}$/.test(text)) throw new InvalidArgumentError('It is a whole number.');
  return Number(text);
}
