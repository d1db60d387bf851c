import { type Access, OPEN_ACCESS, parseFingerprint } from '../domain/access.ts';
import { type BinRange, parseBinRange, rangesOverlap } from '../domain/bin-range.ts';
import { type Caller, makeCaller, type NewCaller } from '../domain/caller.ts';
import { Refusal } from '../domain/error.ts';
import { type Merchant, type NewMerchant, parseQuota } from '../domain/merchant.ts';
import type { Organization } from '../domain/organization.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import { parseFormats } from '../domain/token-format.ts';
import type { Audited, AuditFacts, RequestContext } from './audit-trail.ts';
import { addKey } from './key-changes.ts';
import type { MessageCipher } from './message-cipher.ts';
import type {
  Change,
  Clock,
  Credentials,
  Directory,
  Keyring,
  Networks,
  PublicKeys,
  Random,
  RegisteredCaller,
} from './ports.ts';

export interface RegisterDeps {
  readonly audited: Audited;
  readonly directory: Directory;
  readonly keyring: Keyring;
  readonly credentials: Credentials;
  readonly networks: Networks;
  readonly publicKeys: PublicKeys;
  readonly cipher: Pick<MessageCipher, 'roomFor'>;
  readonly random: Random;
  readonly clock: Clock;
}

/** How often registering is tried again when others register at the same moment. */
const RACE_LIMIT = 5;

/** What is registered by an operator: the organizations, and who may call. */
export interface Register {
  /**
   * @throws {Refusal} `REQUEST_INVALID`, `BIN_RANGE_TAKEN`, `ALREADY_REGISTERED`,
   *   `REGISTRATION_BUSY`
   */
  addOrganization(
    context: RequestContext,
    organization: Organization,
    ranges: readonly Omit<BinRange, 'organization'>[],
  ): Promise<void>;
  /**
   * The secrets are returned once and cannot be read again.
   *
   * @throws {Refusal} `ALREADY_REGISTERED`, `RIGHT_NEEDS_CERTIFICATION`, `REQUEST_INVALID`
   */
  addCaller(
    context: RequestContext,
    caller: NewCaller,
  ): Promise<{ caller: Caller; apikey: string; secret: string }>;
  /**
   * The API key is returned once and cannot be read again.
   *
   * @throws {Refusal} `ALREADY_REGISTERED`, `REQUEST_INVALID`, `MERCHANT_KEY_INVALID`
   */
  addMerchant(
    context: RequestContext,
    merchant: NewMerchant,
  ): Promise<{ merchant: Merchant; apiKey: string }>;
}

export function makeRegister(deps: RegisterDeps): Register {
  const { audited, directory, keyring, credentials, random } = deps;

  /** The first keys of an organization. */
  async function firstKeys(organization: OrganizationNumber): Promise<readonly Change[]> {
    const keys = await Promise.all(
      (['token', 'index', 'data', 'reference'] as const).map((purpose) =>
        keyring.newKey({ organization, purpose, epoch: 1 }),
      ),
    );
    return keys.flatMap((key) => addKey(key, 'active'));
  }

  async function refresh(): Promise<void> {
    await keyring.refresh();
    await directory.refresh();
  }

  return {
    async addOrganization(context, organization, ranges) {
      const { number } = organization;
      parseFormats(organization.formats);
      const parsed = ranges.map((range) => parseBinRange({ ...range, organization: number }));
      const keys = await firstKeys(number);
      await audited(context, 'add_organization', async (trail) => {
        for (let tries = 0; tries < RACE_LIMIT; tries++) {
          const fromVersion = directory.version();
          demandFree(directory, parsed);
          const outcome = await trail.commit([
            // First: a view that is old is told from a name that is taken.
            { kind: 'count_directory_up', fromVersion },
            { kind: 'add_organization', organization },
            ...parsed.map((range) => ({ kind: 'add_bin_range', range }) as const),
            ...keys,
          ]);
          if (outcome.committed) return;
          // Somebody else registered meanwhile, perhaps a range that overlaps: look again.
          if (outcome.conflict !== 'claim_lost') throw new Refusal('ALREADY_REGISTERED');
          await directory.refresh();
        }
        throw new Refusal('REGISTRATION_BUSY');
      });
      await refresh();
    },

    async addCaller(context, given) {
      const caller = makeCaller(given, random.recordId());
      demandAccessForm(deps, caller);
      for (const { use, publicKeyPem } of caller.keys) {
        if (deps.publicKeys.parse(use, publicKeyPem) === undefined) refuseField('keys');
      }
      const { registered, apikey, secret } = newCredential(deps, caller);
      const changes = [
        { kind: 'add_caller', caller },
        { kind: 'add_credential', registered },
      ] as const;
      await register(audited, context, 'add_caller', changes, { callerId: caller.id });
      await refresh();
      return { caller, apikey, secret };
    },

    async addMerchant(context, given) {
      const merchant: Merchant = {
        ...OPEN_ACCESS,
        notificationUrl: undefined,
        notificationSigned: false,
        organizations: new Set(),
        validationsPerMinute: undefined,
        ...given,
        id: random.recordId(),
      };
      demandAccessForm(deps, merchant);
      if (merchant.validationsPerMinute !== undefined) parseQuota(merchant.validationsPerMinute);
      if (deps.cipher.roomFor(merchant.publicKeyPem, merchant.algorithm) === undefined) {
        throw new Refusal('MERCHANT_KEY_INVALID');
      }
      const apiKey = credentials.newSecret();
      const registered = { merchant, apiKeyDigest: credentials.digest(apiKey) };
      const changes = [{ kind: 'add_merchant', registered }] as const;
      await register(audited, context, 'add_merchant', changes, { merchantId: merchant.id });
      await refresh();
      return { merchant, apiKey };
    },
  };
}

/** A new apikey and secret of a caller, and what of them is stored. */
export function newCredential(
  { credentials, clock }: Pick<RegisterDeps, 'credentials' | 'clock'>,
  caller: Caller,
): { registered: RegisteredCaller; apikey: string; secret: string } {
  const apikey = credentials.newSecret();
  const secret = credentials.newSecret();
  const registered = {
    caller,
    apikeyDigest: credentials.digest(apikey),
    wrappedSecret: credentials.wrapSecret(caller.id, secret),
    createdAtMs: clock.nowMs(),
    expiresAtMs: undefined,
  };
  return { registered, apikey, secret };
}

function demandAccessForm({ networks }: RegisterDeps, access: Access): void {
  if (!access.networks.every(networks.isNetwork)) refuseField('networks');
  const isFingerprint = (text: string) => parseFingerprint(text) === text;
  if (!access.certificates.every(isFingerprint)) refuseField('certificates');
}

function refuseField(field: string): never {
  throw new Refusal('REQUEST_INVALID', { field });
}

function register(
  audited: Audited,
  context: RequestContext,
  action: 'add_caller' | 'add_merchant',
  changes: readonly Change[],
  facts: AuditFacts,
): Promise<void> {
  return audited(context, action, async (trail) => {
    trail.note(facts);
    const outcome = await trail.commit([...changes, { kind: 'count_directory_up' }]);
    if (!outcome.committed) throw new Refusal('ALREADY_REGISTERED');
  });
}

/** A BIN range belongs to exactly one organization, and so does every number in it. */
function demandFree(directory: Directory, ranges: readonly BinRange[]): void {
  const taken = directory.listAllBinRanges();
  for (const [index, range] of ranges.entries()) {
    const others = [...taken, ...ranges.slice(0, index)];
    if (others.some((other) => rangesOverlap(range, other))) {
      throw new Refusal('BIN_RANGE_TAKEN', { prefix: range.prefix });
    }
  }
}
