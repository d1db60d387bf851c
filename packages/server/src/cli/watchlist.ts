import type { Command } from 'commander';
import type { FailingWatch } from '../usecase/watch-ports.ts';
import { using } from './notifications.ts';
import { homeOption } from './options.ts';
import type { Program } from './program.ts';

/** However many there are, so many are in memory at once. */
const PAGE_SIZE = 1_000;

export function addWatchlist(root: Command, program: Program): void {
  const group = root.command('watchlist').description('the cards that merchants watch');
  group
    .command('failing')
    .description('those whose last check had no answer: one JSON object a line; no card numbers')
    .addOption(homeOption(program).makeOptionMandatory())
    .addHelpText(
      'after',
      `
"lastCode" is why (docs/errors.md): UPSTREAM_NOT_ENROLLED, for one, until the merchant is enrolled with
the scheme. Each is checked again at "nextCheckAt" by itself. A card with a "failureCount" of 0 was
checked, and its scheme does not push what becomes of it.`,
    )
    .action(async ({ home }: { home: string }) => {
      await using(program, home, async ({ updater }) => {
        for (let after: string | undefined = ''; after !== undefined; ) {
          const page: readonly FailingWatch[] = await updater.listFailing(after, PAGE_SIZE);
          for (const { nextCheckAtMs, ...watch } of page) {
            const nextCheckAt = new Date(nextCheckAtMs).toISOString();
            program.print(JSON.stringify({ ...watch, nextCheckAt }));
          }
          after = page.at(-1)?.panid;
        }
      });
    });
}
