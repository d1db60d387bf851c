import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { addCallerCommands } from './caller-commands.ts';
import { addMerchantCommands } from './merchant-commands.ts';
import type { OperatorProgram } from './operator.ts';
import { addOrganizationCommands } from './organization-commands.ts';
import { makeSandbox, type SandboxService } from './sandbox.ts';
import { sandboxGuide } from './sandbox-guide.ts';

/** A service that can be started and stopped. */
export interface RunningService {
  listen(port: number): Promise<void>;
  close(): Promise<void>;
}

/** What the commands need of the rest of the program. */
export interface Program extends OperatorProgram {
  readonly version: string;
  readonly defaults: { readonly home: string | undefined; readonly port: number };
  parsePort(text: string): number | undefined;
  /** As configured. The log goes to standard output. */
  openService(home: string): Promise<RunningService>;
  /** On this machine only, whatever is configured. */
  openSandbox(home: string, logFile: string): Promise<RunningService>;
  createService(home: string): Promise<SandboxService>;
  /** Resolves when a person or the system wants the program to end. */
  untilStopped(): Promise<void>;
}

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
  addMerchantCommands(root, program);
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
      const isNew = await makeSandbox(home, url, program.createService);
      mkdirSync(home, { recursive: true });
      const service = await program.openSandbox(home, `${home}/pantoken.log`);
      await service.listen(port);
      program.print(`${isNew ? 'Made a new sandbox' : 'Opened the sandbox'} in ${home}`);
      program.print(`Pantoken listens on ${url}, its log is pantoken.log in that folder.`);
      program.print(sandboxGuide(home, url));
      program.print('Ctrl-C stops it.');
      await program.untilStopped();
      await service.close();
      program.print('Stopped.');
    });
}

function addInit(root: Command, program: Program): void {
  root
    .command('init')
    .description('make a new service in a folder: database and keys')
    .addOption(homeOption(program).makeOptionMandatory())
    .addHelpText(
      'after',
      `
What comes next:
  pantoken organization add --help    issuers, their BINs and token formats
  pantoken caller add --help          who may call, and what they may do
  pantoken serve --help               TLS, addresses, proxies`,
    )
    .action(async ({ home: folder }: { home: string }) => {
      const home = resolve(folder);
      await (await program.createService(home)).close();
      program.print(`Made a new service in ${home}`);
      program.print('Keep a copy of its key-encryption-key elsewhere: without it nothing opens.');
    });
}

function addServe(root: Command, program: Program): void {
  root
    .command('serve')
    .description('run the service that is kept in a folder')
    .addOption(homeOption(program).makeOptionMandatory())
    .addOption(portOption(program))
    .addHelpText(
      'after',
      `
Logs JSON lines to standard output. SIGTERM and SIGINT stop it after the requests that are under way.
It listens on 127.0.0.1 in plain HTTP; for a network it needs TLS:

  PANTOKEN_HOST=0.0.0.0 PANTOKEN_TLS_CERT_FILE=cert.pem PANTOKEN_TLS_KEY_FILE=key.pem \
    pantoken serve --home /var/lib/pantoken

A new certificate is taken as soon as its files change, or at SIGHUP. PANTOKEN_CLIENT_CERTIFICATES=on
asks clients for theirs (pantoken caller add --certificate). PANTOKEN_TRUSTED_PROXIES names the
proxies whose X-Forwarded-For is believed.`,
    )
    .action(async ({ home, port }: { home: string; port: number }) => {
      const service = await program.openService(resolve(home));
      await service.listen(port);
      await program.untilStopped();
      await service.close();
    });
}

function homeOption({ defaults }: Program, fallback?: string): Option {
  const option = new Option('--home <folder>', 'where its files are (PANTOKEN_HOME)');
  const home = defaults.home ?? fallback;
  return home === undefined ? option : option.default(home);
}

function portOption({ defaults, parsePort }: Program): Option {
  return new Option('--port <number>', 'TCP port (PANTOKEN_PORT)')
    .default(defaults.port)
    .argParser((text) => {
      const port = parsePort(text);
      if (port === undefined) throw new InvalidArgumentError('It is an integer from 1 to 65535.');
      return port;
    });
}
