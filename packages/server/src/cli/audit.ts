import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Verification } from '../audit/verifier.ts';
import type { AuditRecord } from '../domain/audit-record.ts';
import type { AuditQuery, FoundRecord } from '../usecase/search-audit.ts';
import { homeOption } from './options.ts';
import type { Program } from './program.ts';

/** A part of the log by time, milliseconds since 1970 UTC; all of it where both are left out. */
export interface RangeOptions {
  readonly from?: number;
  readonly to?: number;
}

/** What the commands of this file need of the rest of the program. */
export interface AuditTools {
  verify(home: string, range: RangeOptions, checkpoints?: string): Promise<Verification>;
  /** Without a service: a file, the public key in PEM, and checkpoints of the second place. */
  verifyExport(file: string, key: string, checkpoints?: string): Promise<Verification>;
  export(home: string, range: RangeOptions): AsyncGenerator<string>;
  exportToSyslog(home: string, range: RangeOptions, url: string, ca?: string): Promise<number>;
  search(home: string, range: RangeOptions, query: AuditQuery): AsyncGenerator<FoundRecord>;
  publicKey(home: string): Promise<{ pem: string; verifierKey: string }>;
  /** @returns what was accepted as lost, a sentence each. */
  acceptRestore(home: string, operator: string): Promise<readonly string[]>;
  /** Writes to standard output and waits for it. */
  write(text: string): Promise<void>;
}

interface VerifyOptions extends RangeOptions {
  readonly home?: string;
  readonly export?: string;
  readonly key?: string;
  readonly checkpoints?: string;
}

/** `pantoken audit ...` */
export function addAudit(root: Command, program: Program): void {
  const audit = root
    .command('audit')
    .description('the log of who did what, which cannot be rewritten');
  addVerify(audit, program);
  addExport(audit, program);
  addSearch(audit, program);
  audit
    .command('public-key')
    .description('print the key that checkpoints are signed with: keep it where verifying is done')
    .addOption(homeOption(program).makeOptionMandatory())
    .action(async ({ home }: { home: string }) => {
      const { pem, verifierKey } = await program.audit.publicKey(resolve(home));
      program.print(`${pem}${verifierKey}`);
    });
  audit
    .command('accept-restore')
    .description('accept that a restored database lacks what its checkpoints know')
    .addOption(homeOption(program).makeOptionMandatory())
    .requiredOption('--operator <name>', 'who answers for it')
    .action(async ({ home, operator }: { home: string; operator: string }) => {
      const accepted = await program.audit.acceptRestore(resolve(home), operator);
      if (accepted.length === 0) program.print('nothing is missing');
      for (const each of accepted) program.print(`accepted as lost: ${each}`);
    });
}

function addVerify(audit: Command, program: Program): void {
  const verify = audit
    .command('verify')
    .description('go through the log and say what is not as it was written')
    .addOption(homeOption(program))
    .option('--export <file>', 'an export, without a service; needs --key')
    .option('--key <file>', 'the public key in PEM, as `pantoken audit public-key` printed it')
    .option('--checkpoints <file>', 'signed checkpoints kept in a second place');
  addRange(verify).action(async (options: VerifyOptions) => {
    const result = await runVerify(program, options);
    const { chainCount, blockCount, recordCount, checkpointCount } = result;
    program.print(
      `${recordCount} records in ${blockCount} blocks of ${chainCount} chains, ${checkpointCount} checkpoints agree`,
    );
    for (const each of result.acceptedLosses) program.print(`accepted as lost: ${each}`);
    if (result.problemCount === 0) return;
    const lines = result.problems.map(({ chain, position, what }) =>
      chain === '' ? what : `chain ${chain}, block ${position}: ${what}`,
    );
    const more = result.problemCount - lines.length;
    throw new Error([...lines, ...(more > 0 ? [`and ${more} more`] : [])].join('\n'));
  });
}

function runVerify({ audit }: Program, options: VerifyOptions): Promise<Verification> {
  const { home, key, checkpoints } = options;
  if (options.export !== undefined) {
    if (key === undefined) throw new Error('--export needs --key');
    return audit.verifyExport(options.export, key, checkpoints);
  }
  if (home === undefined) throw new Error('name a service with --home, or a file with --export');
  return audit.verify(resolve(home), options, checkpoints);
}

function addExport(audit: Command, program: Program): void {
  const { audit: tools, print } = program;
  const command = audit
    .command('export')
    .description('print the log as JSON lines, or send it to a syslog collector')
    .addOption(homeOption(program).makeOptionMandatory())
    .option('--syslog <url>', 'tls://host:6514 or tcp://host:601 (RFC 5424)')
    .option('--syslog-ca <file>', 'certificates to trust, in PEM');
  addRange(command).action(
    async (options: RangeOptions & { home: string; syslog?: string; syslogCa?: string }) => {
      const home = resolve(options.home);
      if (options.syslog === undefined) {
        for await (const piece of tools.export(home, options)) await tools.write(piece);
        return;
      }
      const { syslog, syslogCa } = options;
      print(`${await tools.exportToSyslog(home, options, syslog, syslogCa)} records sent`);
    },
  );
}

interface SearchOptions extends RangeOptions {
  readonly home: string;
  readonly who?: string;
  readonly action?: AuditRecord['action'];
  readonly outcome?: AuditRecord['outcome'];
  readonly code?: NonNullable<AuditRecord['code']>;
  readonly organization?: NonNullable<AuditRecord['organization']>;
  readonly token?: string;
  readonly bait?: boolean;
  readonly requestId?: string;
  readonly limit: number;
}

function addSearch(audit: Command, program: Program): void {
  const search = audit
    .command('search')
    .description('print the records that fit all of what is given, one JSON line each')
    .addOption(homeOption(program).makeOptionMandatory())
    .option('--who <who>', 'caller:<id>, merchant:<id>, operator...')
    .option('--action <action>', 'such as inquire_number')
    .addOption(new Option('--outcome <outcome>').choices(['done', 'refused']))
    .option('--code <code>', 'why it was refused')
    .option('--organization <number>', 'of an issuer', parseCount)
    .option('--token <token>', 'a PAN-TOKEN')
    .option('--bait', 'somebody asked about a card that is bait')
    .option('--request-id <id>', 'as in the answer')
    .option('--limit <count>', 'stop after so many', parseCount, 1_000);
  addRange(search).action(async ({ home, from, to, limit, ...query }: SearchOptions) => {
    const range = { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
    let count = 0;
    for await (const found of program.audit.search(resolve(home), range, query)) {
      if (++count > limit) return;
      await program.audit.write(`${JSON.stringify(found)}\n`);
    }
  });
}

function addRange(command: Command): Command {
  return command
    .option(
      '--from <time>',
      'leave out what was recorded before, such as 2026-01-31T08:00Z',
      parseTime,
    )
    .option('--to <time>', 'leave out what was recorded later', parseTime);
}

function parseTime(text: string): number {
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new InvalidArgumentError('It is a time such as 2026-01-31T08:00Z.');
  return time;
}

function parseCount(text: string): number {
  if (!/^[0-9]{1,9}$/.test(text)) throw new InvalidArgumentError('It is a whole number.');
  return Number(text);
}
