import { resolve } from 'node:path';
import type { Command } from 'commander';
import { Option } from 'commander';
import type { NotificationState } from '../usecase/watch-ports.ts';
import { operatorContext } from './operator.ts';
import { homeOption } from './options.ts';
import type { Program } from './program.ts';

/** So many fit a screen or two, and a pipe any number of screens. */
const LIST_DEFAULT = 100;
const LIST_MAX = 10_000;

const STATES = ['pending', 'failed', 'delivered'] as const satisfies readonly NotificationState[];

export function addNotifications(root: Command, program: Program): void {
  const group = root.command('notifications').description('what merchants are told of their cards');
  group
    .command('list')
    .description('one JSON object a line, newest first; no card numbers')
    .addOption(homeOption(program).makeOptionMandatory())
    .addOption(new Option('--state <state>', 'which').choices(STATES).default('failed'))
    .option('--limit <number>', `how many, ${LIST_MAX} at most`, String(LIST_DEFAULT))
    .action(async (options: { home: string; state: NotificationState; limit: string }) => {
      const limit = Math.min(LIST_MAX, Number(options.limit) || LIST_DEFAULT);
      await using(program, options.home, async ({ updater }) => {
        for (const view of await updater.listNotifications(options.state, limit)) {
          program.print(JSON.stringify(view));
        }
      });
    });
  group
    .command('retry')
    .description('send a notification anew, with all its retries')
    .argument('<panid>')
    .argument('<position>', 'as listed')
    .addOption(homeOption(program).makeOptionMandatory())
    .action(async (panid: string, position: string, options: { home: string }) => {
      await using(program, options.home, async ({ updater }) => {
        await updater.retryNotification(operatorContext(), panid, Number(position));
      });
    });
}

/** Opens a service for one command. */
export async function using(
  program: Program,
  home: string,
  work: (service: Awaited<ReturnType<Program['openService']>>) => Promise<void>,
): Promise<void> {
  const service = await program.openService(resolve(home), '/dev/null');
  try {
    await work(service);
  } finally {
    await service.close();
  }
}
