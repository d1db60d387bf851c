import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { addAccountChanges } from './account-changes.ts';
import { addAudit } from './audit.ts';
import { addBait } from './bait.ts';
import { addBudget } from './budget.ts';
import { addCallerCommands } from './caller-commands.ts';
import { addCards } from './cards.ts';
import { addDatabase } from './database.ts';
import { addKeys } from './keys.ts';
import { addMerchants } from './merchants.ts';
import { addNotifications } from './notifications.ts';
import { homeOption, portOption, workersOption } from './options.ts';
import { addOrganizationCommands } from './organization-commands.ts';
import type { Program, RunningService } from './program.ts';
import { makeSandbox } from './sandbox.ts';
import { sandboxGuide } from './sandbox-guide.ts';
import { addSimulate } from './simulate.ts';
import { addWatchlist } from './watchlist.ts';

const DEFAULT_SANDBOX = '.pantoken/sandbox';

/** The command line. Rejects with an error whose message is for the person at the keyboard. */
export async function runCli(program: Program, argv: readonly string[]): Promise<void> {
  const root = new Command('pantoken')
    .description('PAN tokenization server: PAN-TOKENs for issuers, account updates for merchants.')
    .version(program.version)
    .showHelpAfterError('(pantoken --help tells what there is)');
  addSandbox(root, program);
  addInit(root, program);
  addServe(root, program);
  addOrganizationCommands(root, program);
  addCallerCommands(root, program);
  addCards(root, program);
  addDatabase(root, program);
  addKeys(root, program);
  addAccountChanges(root, program);
  addMerchants(root, program);
  addNotifications(root, program);
  addWatchlist(root, program);
  addSimulate(root, program);
  addAudit(root, program);
  addBudget(root, program);
  addBait(root, program);
  await root.parseAsync([...argv]);
}

function addSandbox(root: Command, program: Program): void {
  root
    .command('sandbox')
    .description('make a service filled with examples, once, and run it on this machine')
    .addOption(homeOption(program, DEFAULT_SANDBOX))
    .addOption(portOption(program))
    .addHelpText(
      'after',
      `
Makes in its folder: a database, a key-encryption key, organizations 100 (alphanumeric tokens),
200 (numeric), 300 (PAN Token off) and 400 (random tokens), callers "issuer" (may see card numbers)
and "channel" (may not), a merchant, and a card for each status of validatepan. credentials.json
beside them holds all that a client needs. To start over, stop it and remove the folder.`,
    )
    .action(async ({ home: folder, port }: { home: string; port: number }) => {
      const home = resolve(folder);
      const url = `http://127.0.0.1:${port}`;
      const isNew = await makeSandbox(home, url, program.sandbox.createService);
      mkdirSync(home, { recursive: true });
      const service = await program.sandbox.openService(home, `${home}/pantoken.log`);
      await serveUntilStopped(program, service, port, () => {
        program.print(`${isNew ? 'Made a new sandbox' : 'Opened the sandbox'} in ${home}`);
        program.print(`Pantoken listens on ${url}, its log is pantoken.log in that folder.`);
        program.print(sandboxGuide(home, url));
        program.print('Ctrl-C stops it.');
      });
      program.print('Stopped.');
    });
}

function addInit(root: Command, program: Program): void {
  root
    .command('init')
    .description('make the folder, keys and database of a new service')
    .addOption(homeOption(program).makeOptionMandatory())
    .option('--environment <name>', 'where its keys may be used, and nowhere else', 'default')
    .addHelpText(
      'after',
      `
With PANTOKEN_DATABASE_URL the records go to PostgreSQL; the folder then holds the key-encryption
key only. Further nodes of the same service get a copy of the folder: key-encryption-keys.json and the
key files (docs/operations.md).

What comes next:
  pantoken organization add --help    issuers, their BINs and token formats
  pantoken caller add --help          who may call, and what they may do
  pantoken serve --help               TLS, addresses, proxies`,
    )
    .action(async ({ home, environment }: { home: string; environment: string }) => {
      await program.initService(resolve(home), environment);
      program.print(`Made a service in ${resolve(home)}`);
    });
}

function addServe(root: Command, program: Program): void {
  root
    .command('serve')
    .description('run the service that is kept in a folder')
    .addOption(homeOption(program).makeOptionMandatory())
    .addOption(portOption(program))
    .addOption(workersOption())
    .addHelpText(
      'after',
      `
Logs JSON lines to standard output. SIGTERM and SIGINT stop it after the requests that are under way.
It listens on 127.0.0.1 in plain HTTP; for a network it needs TLS:

  PANTOKEN_HOST=0.0.0.0 PANTOKEN_TLS_CERT_FILE=cert.pem PANTOKEN_TLS_KEY_FILE=key.pem \\
    pantoken serve --home /var/lib/pantoken

A new certificate is taken as soon as its files change, or at SIGHUP. PANTOKEN_CLIENT_CERTIFICATES=on
asks clients for theirs (pantoken caller add --certificate). PANTOKEN_TRUSTED_PROXIES names the
proxies whose X-Forwarded-For is believed. All of it: docs/callers.md.`,
    )
    .action(async (options: { home: string; port: number; workers: number }) => {
      const { home, port, workers } = options;
      if (workers > 1 && program.runWorkers !== undefined) return program.runWorkers(workers);
      const service = await program.openService(resolve(home));
      await serveUntilStopped(program, service, port, () => undefined);
    });
}

async function serveUntilStopped(
  program: Program,
  service: RunningService,
  port: number,
  greet: () => void,
): Promise<void> {
  const stopped = program.untilStopped(); // First: a signal may come while it starts.
  try {
    await service.listen(port);
    greet();
    await stopped;
  } finally {
    await service.close();
  }
}
