import { type Command, Option } from 'commander';
import type { MessageAlgorithm } from '../domain/merchant.ts';
import { type OrganizationNumber, parseOrganizationNumber } from '../domain/organization-number.ts';
import { addKeyOptions, fingerprintOfKey, readMerchantKey } from './merchant-key.ts';
import { using } from './notifications.ts';
import { operatorContext } from './operator.ts';
import { homeOption } from './options.ts';
import { collecting, count, fingerprint, organizationNumber } from './parse-option.ts';
import type { Program } from './program.ts';

interface KeyOptions {
  readonly home: string;
  readonly key: string;
  readonly fingerprint?: string;
  readonly algorithm: MessageAlgorithm;
}

interface AddOptions extends KeyOptions {
  readonly organizations: string[];
  readonly network: string[];
  readonly certificate: string[];
  readonly validationsPerMinute?: number;
}

interface TermsOptions {
  readonly home: string;
  readonly validationsPerMinute?: number;
  readonly organizations?: OrganizationNumber[] | true;
}

/** `pantoken merchants ...`: who may ask what became of a card. */
export function addMerchants(root: Command, program: Program): void {
  const group = root.command('merchants').description('the clients of the account updater');
  const command = (name: string, description: string) =>
    group
      .command(name)
      .description(description)
      .addOption(homeOption(program).makeOptionMandatory());
  const withKey = (name: string, description: string) => addKeyOptions(command(name, description));

  withKey('add <name>', 'register a merchant; its API key is printed once')
    .option('--organizations <numbers...>', 'whose PAN-TOKENs it may name cards by', [])
    .option('--network <cidr...>', 'where it may come from; left out: anywhere', [])
    .option(
      '--certificate <sha256...>',
      'the fingerprint of a client certificate it has to show',
      collecting(fingerprint),
      [],
    )
    .addOption(quotaOption())
    .action(async (name: string, options: AddOptions) => {
      const { home, algorithm, network: networks, certificate: certificates } = options;
      const { validationsPerMinute } = options;
      const publicKeyPem = readMerchantKey(options.key, options.fingerprint);
      const numbers = options.organizations.map((each) => parseOrganizationNumber(Number(each)));
      const organizations = new Set(numbers);
      await using(program, home, async ({ register }) => {
        const given = { name, publicKeyPem, algorithm, organizations, networks, certificates };
        const added = await register.addMerchant(operatorContext(), {
          ...given,
          validationsPerMinute: quotaOf(validationsPerMinute),
        });
        const { merchant, apiKey } = added;
        program.print(JSON.stringify({ merchantid: merchant.id, apiKey }));
      });
    });
  command('list', 'one JSON object a line').action(async ({ home }: { home: string }) => {
    await using(program, home, async ({ directory }) => {
      for (const { publicKeyPem, ...merchant } of directory.listMerchants()) {
        const organizations = [...merchant.organizations];
        const shown = {
          ...merchant,
          organizations,
          keyFingerprint: fingerprintOfKey(publicKeyPem),
        };
        program.print(JSON.stringify(shown));
      }
    });
  });
  command('disable <name>', 'end everything it has, for good').action(
    async (name: string, { home }: { home: string }) => {
      await using(program, home, ({ disableMerchant }) => disableMerchant(operatorContext(), name));
    },
  );
  command('rotate <name>', 'a new API key, printed once; the old one ends').action(
    async (name: string, { home }: { home: string }) => {
      await using(program, home, async ({ updater }) => {
        const rotated = await updater.merchantKeys.rotateApiKey(operatorContext(), name);
        program.print(JSON.stringify(rotated));
      });
    },
  );
  withKey('set-key <name>', 'replace its key and algorithm').action(
    async (name: string, { home, key, fingerprint: pinned, algorithm }: KeyOptions) => {
      const publicKeyPem = readMerchantKey(key, pinned);
      await using(program, home, ({ updater }) =>
        updater.merchantKeys.replaceKey(operatorContext(), name, { publicKeyPem, algorithm }),
      );
    },
  );
  addSetUrl(command, program);
  addSetTerms(command, program);
}

const quotaOption = () =>
  new Option(
    '--validations-per-minute <number>',
    'on each node; more are refused with 429. 0: as many as it can',
  ).argParser(count);

/** A quota of 0 is none. */
const quotaOf = (given: number | undefined) => (given === 0 ? undefined : given);

function addSetTerms(
  command: (name: string, description: string) => Command,
  program: Program,
): void {
  command('set-terms <name>', 'what it may ask, and how much; what is left out stays')
    .addOption(quotaOption())
    .option(
      '--organizations [number...]',
      'whose PAN-TOKENs it may name cards by; without a number: of none',
      collecting(organizationNumber),
    )
    .action(async (name: string, options: TermsOptions) => {
      const { home, validationsPerMinute: given, organizations: listed } = options;
      const organizations = new Set(listed === true ? [] : listed);
      await using(program, home, ({ updater }) =>
        updater.setMerchantTerms(operatorContext(), name, {
          ...(given !== undefined && { validationsPerMinute: quotaOf(given) }),
          ...(listed !== undefined && { organizations }),
        }),
      );
    });
}

function addSetUrl(
  command: (name: string, description: string) => Command,
  program: Program,
): void {
  command('set-url <name> [url]', 'where it is notified; without a URL: nowhere')
    .option('--signed', 'sign notifications (RFC 9421, Ed25519)', false)
    .addHelpText(
      'after',
      `
The URL is proved first: it is sent { "encdata" }, which holds { "challenge" }, and has to answer 200
with { "challenge" } in clear.`,
    )
    .action(
      async (
        name: string,
        url: string | undefined,
        { home, signed }: { home: string; signed: boolean },
      ) => {
        await using(program, home, ({ updater }) =>
          updater.setNotification(operatorContext(), name, { url, signed }),
        );
      },
    );
}
