import type { Command } from 'commander';
import { type OperatorProgram, operating, operatorContext, table } from './operator.ts';
import { collecting, fingerprint, readText } from './parse-option.ts';

interface AddOptions {
  readonly publicKey: string;
  readonly network?: readonly string[];
  readonly certificate?: readonly string[];
}

/** `pantoken merchant add|list|disable` */
export function addMerchantCommands(root: Command, program: OperatorProgram): void {
  const group = root.command('merchant').description("clients of the account updater's API");

  const add = group
    .command('add <name>')
    .description('register a merchant; its API key is shown once')
    .requiredOption('--public-key <file.pem>', 'what answers to it are encrypted to', readText)
    .option('--network <cidr...>', 'where it may come from; left out: anywhere', collecting(String))
    .option(
      '--certificate <sha256...>',
      'the fingerprint of a client certificate it has to show',
      collecting(fingerprint),
    )
    .addHelpText(
      'after',
      `
The merchant makes its pair and keeps the private half:
  openssl genrsa -out merchant.pem 4096
  openssl rsa -in merchant.pem -pubout -out merchant-public.pem`,
    );
  operating<AddOptions>(add, program, async ({ register, publicKeyPem }, name, options) => {
    const { merchant, apiKey } = await register.addMerchant(operatorContext(), {
      name,
      publicKeyPem: options.publicKey,
      algorithm: 'rsa-v1_5',
      networks: options.network ?? [],
      certificates: options.certificate ?? [],
    });
    const answer = { name, merchantid: merchant.id, apiKey, servicePublicKeyPem: publicKeyPem };
    program.print(JSON.stringify(answer, undefined, 2));
  });

  const list = group.command('list').description('all merchants; no secrets');
  operating(list, program, async ({ directory }) => {
    const rows = directory
      .listMerchants()
      .map(({ name, id, algorithm, disabledAtMs }) => [
        name,
        id,
        algorithm,
        disabledAtMs === undefined ? 'active' : 'disabled',
      ]);
    program.print(table(['name', 'merchantid', 'encryption', 'state'], rows));
  });

  const disable = group
    .command('disable <name>')
    .description('end everything a merchant has, for good, on all nodes within a second');
  operating(disable, program, async ({ disableMerchant }, name) => {
    await disableMerchant(operatorContext(), name);
    program.print(`Merchant ${name} is disabled.`);
  });
}
