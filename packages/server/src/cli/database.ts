import { resolve } from 'node:path';
import type { Command } from 'commander';
import { addCopy } from './database-copy.ts';
import { homeOption } from './options.ts';
import type { Program } from './program.ts';

/** What a database has and what it still needs. */
export interface DatabaseStatus {
  readonly version: number;
  /** Names of the steps that are missing. */
  readonly pending: readonly string[];
}

/** A database as a person names it. */
export interface NamedPlace {
  /** The path of a SQLite file, or `postgres://user@host:5432/database`. */
  readonly place: string;
  readonly passwordFile: string | undefined;
}

/** What an organization has on both sides of a copy; `organization` undefined: the service itself. */
export interface CopiedPart {
  readonly organization: number | undefined;
  readonly rowCount: number;
  readonly digest: string;
}

/** What the commands of this file need of the rest of the program. */
export interface DatabaseTools {
  status(home: string): Promise<DatabaseStatus>;
  /** @returns the versions that were applied. */
  migrate(home: string): Promise<readonly number[]>;
  /** @returns how many bytes were written. @throws {Error} when the target is there already. */
  backup(home: string, target: string): Promise<number>;
  /** @returns what is wrong, a sentence each. */
  check(home: string): Promise<readonly string[]>;
  /** @returns `comparisons` undefined: everything is copied, and the last step is still to come. */
  copy(
    request: { from: NamedPlace; to: NamedPlace; finish: boolean },
    report: (progress: { copiedCount: number; totalCount: number }) => void,
  ): Promise<{ comparisons: readonly CopiedPart[] | undefined; blockedMs: number }>;
  abandonCopy(from: NamedPlace): Promise<void>;
}

/** `pantoken db ...`: the database of a service, without the service. */
export function addDatabase(root: Command, program: Program): void {
  const db = root
    .command('db')
    .description('the database of a service: a file in its folder, or PANTOKEN_DATABASE_URL');
  const { database, print } = program;
  const add = (name: string, description: string, act: (home: string) => Promise<void>) =>
    db
      .command(name)
      .description(description)
      .addOption(homeOption(program).makeOptionMandatory())
      .action(({ home }: { home: string }) => act(resolve(home)));

  add('status', 'say which schema it has, and change nothing', async (home) => {
    const { version, pending } = await database.status(home);
    print(`schema ${version}, ${pending.length} pending`);
    for (const name of pending) print(`  ${name}`);
  });
  add('migrate', 'bring its schema up to date, as every start does', async (home) => {
    const applied = await database.migrate(home);
    print(applied.length === 0 ? 'nothing to do' : `applied ${applied.join(', ')}`);
  });
  db.command('backup')
    .description('copy a SQLite database, in use or not, to a new file')
    .addOption(homeOption(program).makeOptionMandatory())
    .requiredOption('--to <file>', 'the file to make; it must not be there')
    .action(async ({ home, to }: { home: string; to: string }) => {
      const byteCount = await database.backup(resolve(home), resolve(to));
      print(`${byteCount} bytes in ${resolve(to)}`);
    });
  add('check', 'read all of it and say what cannot be', async (home) => {
    const found = await database.check(home);
    if (found.length > 0) throw new Error(found.join('\n'));
    print('nothing is wrong');
  });
  addCopy(db, program);
}
