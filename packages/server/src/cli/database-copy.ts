import type { Command } from 'commander';
import type { CopiedPart, NamedPlace } from './database.ts';
import type { Program } from './program.ts';

interface CopyOptions {
  readonly from: string;
  readonly to?: string;
  readonly fromPasswordFile?: string;
  readonly toPasswordFile?: string;
  readonly finish: boolean;
  readonly abandon: boolean;
}

const HELP = `
A database is the path of a SQLite file or postgres://user@host:5432/database. Both are on the command
line, where others may see them: keep passwords in files (--from-password-file, --to-password-file).
The target is empty, or what an earlier run of the same copy left; a SQLite file is made.

1. While the service runs on the source:
     pantoken db copy --from /srv/pantoken/pantoken.db --to postgres://pantoken@db-a/pantoken
   It copies everything, follows what changes meanwhile, compares, and ends. Stop it or kill it at any
   moment; the same line goes on where it was. Run it again, as often as you like, to catch up.
2. When you are ready to move:
     pantoken db copy --from ... --to ... --finish
   From here on the source refuses every write, so that the service answers 503 to all requests;
   what is left is copied, both sides are compared by keyed digests, and the counts are printed.
   Then start the service on the target: PANTOKEN_DATABASE_URL for PostgreSQL, or the file as
   pantoken.db in the folder of the service. The key-encryption keys stay where they are.
   If both sides differ, it says where, and the source takes writes again.
3. To give up, before or after that:
     pantoken db copy --from ... --abandon
   The source takes writes again. Never use both: what one of them answers the other does not know.

The role of a PostgreSQL source has to own its tables, since changes are followed by triggers.
How long writes stop, and how it was measured: docs/operations.md.`;

/** `pantoken db copy`: from one engine to the other, or to another server. */
export function addCopy(db: Command, program: Program): void {
  const { database, print } = program;
  db.command('copy')
    .description('copy a database to another one, of either engine, while it is in use')
    .requiredOption('--from <database>', 'the source')
    .option('--to <database>', 'the target')
    .option('--from-password-file <file>', 'a file with the password of the source')
    .option('--to-password-file <file>', 'a file with the password of the target')
    .option('--finish', 'the last step, too: the source takes no writes any more', false)
    .option('--abandon', 'give the copy up: the source takes writes again', false)
    .addHelpText('after', HELP)
    .action(async (options: CopyOptions) => {
      const from: NamedPlace = { place: options.from, passwordFile: options.fromPasswordFile };
      if (options.abandon) {
        await database.abandonCopy(from);
        print('Given up. The source takes writes; remove the target.');
        return;
      }
      if (options.to === undefined) throw new Error('--to is missing: pantoken db copy --help');
      const to: NamedPlace = { place: options.to, passwordFile: options.toPasswordFile };
      const { finish } = options;
      const outcome = await database.copy({ from, to, finish }, progressTo(print));
      const { comparisons, blockedMs } = outcome;
      if (comparisons === undefined) {
        print('Caught up. The source is in use as before; the last step: the same with --finish.');
        return;
      }
      for (const part of comparisons) print(lineOf(part));
      print(`Both sides are equal. Nobody could write for ${(blockedMs / 1000).toFixed(1)} s.`);
      print('Start the service on the target; the source takes no writes any more.');
    });
}

function lineOf({ organization, rowCount, digest }: CopiedPart): string {
  const name = organization === undefined ? 'the service' : `organization ${organization}`;
  return `${name}: ${rowCount} rows, digest ${digest.slice(0, 16)}`;
}

/** A line for every twentieth of the way. */
function progressTo(print: (text: string) => void) {
  let shown = -1;
  return ({ copiedCount, totalCount }: { copiedCount: number; totalCount: number }) => {
    const share = totalCount === 0 ? 20 : Math.floor((copiedCount * 20) / totalCount);
    if (share === shown) return;
    shown = share;
    print(`copied ${copiedCount} of ${totalCount} rows`);
  };
}
