import { resolve } from 'node:path';
import type { Command } from 'commander';
import { Option } from 'commander';
import type { Retried } from '../usecase/retry-notification.ts';
import type { NotificationState, NotificationView } from '../usecase/watch-ports.ts';
import { operatorContext } from './operator.ts';
import { homeOption } from './options.ts';
import { count } from './parse-option.ts';
import type { Program } from './program.ts';

/** So many fit a screen or two. */
const LIST_DEFAULT = 100;

/** However many there are, so many are in memory at once. */
const PAGE_SIZE = 1_000;

const STATES = ['pending', 'failed', 'delivered'] as const satisfies readonly NotificationState[];

const RETRIED = {
  retried: 'It is sent anew, with all its retries.',
  delivered_already: 'Nothing is sent: it was delivered.',
  no_such_notification: 'Nothing is sent: this card has no notification of this position.',
} as const satisfies Record<Retried, string>;

export function addNotifications(root: Command, program: Program): void {
  const group = root.command('notifications').description('what merchants are told of their cards');
  group
    .command('list')
    .description('one JSON object a line, the latest attempt first; no card numbers')
    .addOption(homeOption(program).makeOptionMandatory())
    .addOption(new Option('--state <state>', 'which').choices(STATES).default('failed'))
    .option('--limit <number>', 'how many; 0: all', count, LIST_DEFAULT)
    .action(async (options: { home: string; state: NotificationState; limit: number }) => {
      const limit = options.limit === 0 ? Number.POSITIVE_INFINITY : options.limit;
      await using(program, options.home, async ({ updater }) => {
        const list = updater.listNotifications;
        let last: NotificationView | undefined;
        for (let left = limit; left > 0; ) {
          const page = await list(options.state, Math.min(left, PAGE_SIZE), last);
          for (const view of page) program.print(JSON.stringify(view));
          last = page.at(-1);
          left = last === undefined ? 0 : left - page.length;
        }
      });
    });
  group
    .command('retry')
    .description('send a notification anew, with all its retries')
    .argument('<panid>')
    .argument('<position>', 'as listed', count)
    .addOption(homeOption(program).makeOptionMandatory())
    .action(async (panid: string, position: number, options: { home: string }) => {
      await using(program, options.home, async ({ updater }) => {
        const retried = await updater.retryNotification(operatorContext(), panid, position);
        program.print(RETRIED[retried]);
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
