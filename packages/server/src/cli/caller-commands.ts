import { Command, Option } from 'commander';
import {
  type Caller,
  type CallerKey,
  NUMBER_FORMS,
  type NumberForm,
  RIGHTS,
  type Right,
  SIGNATURE_FORMS,
  type SignatureForm,
} from '../domain/caller.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import {
  type OperatorProgram,
  type OperatorService,
  operating,
  operatorContext,
  table,
} from './operator.ts';
import {
  collecting,
  duration,
  fingerprint,
  keyFile,
  moment,
  organizationNumber,
  right,
} from './parse-option.ts';

interface AddOptions {
  readonly clientId: string;
  readonly organization: readonly OrganizationNumber[];
  readonly right: readonly Right[];
  readonly pciCertified?: boolean;
  readonly network?: readonly string[];
  readonly certificate?: readonly string[];
  readonly expires?: number;
  readonly signature: Caller['signature'];
  readonly signatureForm: SignatureForm;
  readonly numberForm: NumberForm;
  readonly encryptionKey?: readonly CallerKey[];
  readonly signatureKey?: readonly CallerKey[];
}

/** `pantoken caller add|list|rotate|disable|key` */
export function addCallerCommands(root: Command, program: OperatorProgram): void {
  const group = root.command('caller').description("clients of the issuer's API, and their rights");
  const addOne = addCommand();
  group.addCommand(addOne);
  operating<AddOptions>(addOne, program, add);

  const list = group.command('list').description('all callers; no secrets');
  operating(list, program, async ({ directory }) => {
    const rows = directory.listCallers().map((caller) => rowOf(caller, directory));
    const head = ['name', 'client id', 'organizations', 'rights', 'numbers', 'signature', 'state'];
    program.print(table([...head, 'credentials'], rows));
  });

  const rotate = group
    .command('rotate <name>')
    .description('give a caller a new credential')
    .option('--overlap <duration>', 'how long the old one stays valid beside it', duration, 0)
    .addHelpText(
      'after',
      `
Without --overlap the old credential ends at once, as after a theft. With one, such as 7d, both are
valid until then, and the caller changes over when it likes. The new secret is shown once.`,
    );
  operating<{ overlap: number }>(rotate, program, async (service, name, { overlap }) => {
    const made = await service.rotateCaller(operatorContext(), name, overlap);
    const { apikey, secret, oldEndsAtMs } = made;
    const oldEnds = new Date(oldEndsAtMs).toISOString();
    printOnce(program, { name, apikey, secret, oldEnds });
  });

  const disable = group
    .command('disable <name>')
    .description('end everything a caller has, for good, on all nodes within a second');
  operating(disable, program, async ({ disableCaller }, name) => {
    await disableCaller(operatorContext(), name);
    program.print(`Caller ${name} is disabled.`);
  });
  addKeyCommands(group, program);

  async function add(service: OperatorService, name: string, options: AddOptions): Promise<void> {
    const { clientId, network = [], certificate = [], expires } = options;
    const { signature, signatureForm, numberForm } = options;
    const { encryptionKey = [], signatureKey = [] } = options;
    const { apikey, secret } = await service.register.addCaller(operatorContext(), {
      name,
      clientId,
      organizations: new Set(options.organization),
      rights: new Set(options.right),
      pciCertified: options.pciCertified === true,
      networks: network,
      certificates: certificate,
      expiresAtMs: expires,
      signature,
      signatureForm,
      numberForm,
      keys: [...encryptionKey, ...signatureKey],
    });
    printOnce(program, { name, clientId, apikey, secret });
  }
}

function addCommand(): Command {
  return new Command('add')
    .argument('<name>')
    .description('register a caller; its secrets are shown once')
    .requiredOption('--client-id <text>', 'what it sends as X-ClientID')
    .requiredOption(
      '--organization <number...>',
      'an issuer it may act for',
      collecting(organizationNumber),
    )
    .requiredOption('--right <right...>', RIGHTS.join(', '), collecting(right))
    .option('--pci-certified', 'it may see card numbers: needed for inquire-number')
    .option('--network <cidr...>', 'where it may come from; left out: anywhere', collecting(String))
    .option(
      '--certificate <sha256...>',
      'the fingerprint of a client certificate it has to show',
      collecting(fingerprint),
    )
    .option('--expires <moment>', 'when all of it ends', moment)
    .addOption(
      new Option('--signature <when>', 'whether it has to sign')
        .choices(['optional', 'required'])
        .default('optional'),
    )
    .addOption(
      new Option('--signature-form <form>', "FirstVision's, or RFC 9421 with an algorithm")
        .choices(SIGNATURE_FORMS)
        .default('firstvision'),
    )
    .addOption(
      new Option('--number-form <form>', 'how card numbers leave to it')
        .choices(NUMBER_FORMS)
        .default('clear'),
    )
    .option('--encryption-key <kid=file.pem>', 'for jwe', collecting(keyFile('encryption', 0)))
    .option('--signature-key <id=file.pem>', 'for ed25519', collecting(keyFile('signature', 0)))
    .addHelpText(
      'after',
      `
An issuer's own system, which may see numbers and gets them encrypted:
  pantoken caller add core --client-id 00970 --organization 100 \\
    --right issue inquire-token inquire-number --pci-certified \\
    --network 10.1.0.0/16 --signature required --number-form jwe --encryption-key 2027=core.pem

A channel, which never sees one:
  pantoken caller add atm --client-id 00971 --organization 100 --right inquire-token`,
    );
}

function addKeyCommands(group: Command, program: OperatorProgram): void {
  const uses = new Option('--use <use>', 'what it is for')
    .choices(['encryption', 'signature'])
    .default('encryption');
  const add = group
    .command('add-key <name>')
    .description('register one more public key; those there are stay')
    .requiredOption('--key <id=file.pem>', 'its name and file', String)
    .addOption(uses)
    .option('--from <moment>', 'not used before; left out: at once', moment)
    .addHelpText(
      'after',
      `
Numbers are encrypted to the key whose time came last, so the next key can be registered ahead with
--from and the caller keeps both private keys meanwhile. Then remove the old one.`,
    );
  interface AddKeyOptions {
    readonly key: string;
    readonly use: CallerKey['use'];
    readonly from?: number;
  }
  operating<AddKeyOptions>(add, program, async (service, name, { key, use, from }) => {
    const parsed = keyFile(use, from ?? Date.now())(key);
    await service.changeCallerKeys(operatorContext(), name, { kind: 'add', key: parsed });
    program.print(`Key ${parsed.id} of ${name} is registered.`);
  });

  const remove = group
    .command('remove-key <name>')
    .description('remove a public key')
    .requiredOption('--id <id>', 'its name')
    .addOption(uses);
  interface RemoveKeyOptions {
    readonly id: string;
    readonly use: CallerKey['use'];
  }
  operating<RemoveKeyOptions>(remove, program, async (service, name, { id, use }) => {
    await service.changeCallerKeys(operatorContext(), name, { kind: 'remove', use, id });
    program.print(`Key ${id} of ${name} is removed.`);
  });
}

function rowOf(caller: Caller, directory: OperatorService['directory']): string[] {
  const nowMs = Date.now();
  const valid = directory
    .listCredentials(caller.id)
    .filter(({ expiresAtMs }) => expiresAtMs === undefined || expiresAtMs > nowMs);
  const { disabledAtMs, expiresAtMs } = caller;
  const isExpired = expiresAtMs !== undefined && expiresAtMs <= nowMs;
  const state = disabledAtMs !== undefined ? 'disabled' : isExpired ? 'expired' : 'active';
  return [
    caller.name,
    caller.clientId,
    [...caller.organizations].join(' '),
    [...caller.rights].join(' '),
    caller.pciCertified ? caller.numberForm : 'none',
    `${caller.signature} ${caller.signatureForm}`,
    state,
    String(valid.length),
  ];
}

/** For the person at the keyboard, or a pipe into a safe: it is nowhere else. */
function printOnce(program: OperatorProgram, credential: Readonly<Record<string, string>>): void {
  program.print(JSON.stringify(credential, undefined, 2));
}
