import type { KeyState } from '../domain/key-epoch.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { RequestContext } from './audit-trail.ts';
import type { KeyAdminDeps } from './key-admin-deps.ts';
import { nameOfKey } from './key-changes.ts';
import type { KeyPurpose, KeyRecord } from './key-ports.ts';

/** One key as PCI DSS 3.6.1.1 wants it written down: what it is, what for, how strong, how old. */
export interface InventoryKey {
  readonly organization: OrganizationNumber | undefined;
  readonly purpose: KeyPurpose;
  readonly epoch: number;
  readonly id: string | undefined;
  readonly state: KeyState;
  readonly algorithm: string;
  readonly keyBits: number;
  /** NIST SP 800-57 part 1, table 2: bits of security. */
  readonly strengthBits: number;
  readonly checkValue: string | undefined;
  /** The key-encryption key it is wrapped under. */
  readonly kek: string | undefined;
  readonly created: string;
  readonly stateSince: string;
  readonly ageDays: number;
  /** Token keys: cards whose current token it made. */
  readonly tokenCount?: number;
  /** Token keys: tokens of cards that have a newer one by now. */
  readonly replacedTokenCount?: number;
  /** Data keys: numbers and cards that are sealed under it. */
  readonly sealedCount?: number;
  /** Closed token keys: tokens seen since, and the last time. */
  readonly seenCount?: number;
  readonly lastSeen?: string;
  readonly warning?: string;
}

/** A key-encryption key, and what keeps it (PCI DSS 3.6.1.1 asks for the devices, too). */
export interface InventoryKek {
  readonly id: string;
  readonly provider: string;
  readonly algorithm: string;
  readonly keyBits: number;
  readonly strengthBits: number;
  /** New keys are wrapped under it. */
  readonly isCurrent: boolean;
  /** How many keys are wrapped under it. */
  readonly wrappedCount: number;
}

/** What this service uses cryptography for (PCI DSS 12.3.3), apart from the keys themselves. */
export interface CryptographicUse {
  readonly algorithm: string;
  readonly use: string;
  readonly standard: string;
}

export interface Inventory {
  readonly at: string;
  readonly environment: string;
  readonly keyEncryptionKeys: readonly InventoryKek[];
  readonly keys: readonly InventoryKey[];
  readonly cryptography: readonly CryptographicUse[];
  readonly warnings: readonly string[];
}

export interface InventoryPolicy {
  readonly environment: string;
  readonly keyAgeDaysMax: number;
  readonly current: string;
  readonly keyEncryptionKeys: readonly { readonly id: string; readonly provider: string }[];
}

export type ListKeys = (
  context: RequestContext,
  organization?: OrganizationNumber,
) => Promise<Inventory>;

const DAY_MS = 24 * 60 * 60 * 1000;

/** So long before a key is too old it is warned of: time to plan a rotation. */
const WARN_DAYS = 30;

const AES = { keyBits: 256, strengthBits: 256 };

const KINDS: Readonly<
  Record<KeyPurpose, { algorithm: string; keyBits: number; strengthBits: number }>
> = {
  token: { algorithm: 'FF1 with AES-256', ...AES },
  index: { algorithm: 'HMAC-SHA-256', ...AES },
  data: { algorithm: 'AES-256-GCM', ...AES },
  reference: { algorithm: 'HMAC-SHA-256', ...AES },
  zone: { algorithm: 'AES-256', ...AES },
  'credential-index': { algorithm: 'HMAC-SHA-256', ...AES },
  'caller-secret': { algorithm: 'AES-256-GCM', ...AES },
  'access-token': { algorithm: 'HMAC-SHA-256 (JWT HS256)', ...AES },
  'updater-index': { algorithm: 'HMAC-SHA-256', ...AES },
  'updater-data': { algorithm: 'AES-256-GCM', ...AES },
  'updater-signing': { algorithm: 'Ed25519', keyBits: 256, strengthBits: 128 },
  audit: { algorithm: 'Ed25519', keyBits: 256, strengthBits: 128 },
  // SP 800-57 names 3072 (128) and 7680 (192); 4096 lies between and counts as the lower.
  message: { algorithm: 'RSA-4096', keyBits: 4096, strengthBits: 128 },
};

const CRYPTOGRAPHY: readonly CryptographicUse[] = [
  { algorithm: 'FF1, AES-256', use: 'PAN-TOKENs', standard: 'NIST SP 800-38G' },
  {
    algorithm: 'AES-256-GCM',
    use: 'stored PANs and details, secrets of callers, wrapping of keys',
    standard: 'NIST SP 800-38D',
  },
  {
    algorithm: 'HMAC-SHA-256',
    use: 'index of PANs, references, digests of credentials, signed requests, access tokens',
    standard: 'FIPS 198-1',
  },
  {
    algorithm: 'RSA PKCS #1 v1.5 encryption, 2048 bits or more',
    use: 'messages from and to merchants, as their protocol has it',
    standard: 'RFC 8017',
  },
  {
    algorithm: 'RSA-OAEP-256 with AES-256-GCM (JWE)',
    use: 'messages to merchants and card numbers to callers that registered for it',
    standard: 'RFC 7516, RFC 7518',
  },
  {
    algorithm: 'AES-256, one block',
    use: 'card numbers under zone keys',
    standard: 'FIPS 197',
  },
  {
    algorithm: 'Ed25519',
    use: 'audit checkpoints, notifications, signed requests',
    standard: 'RFC 8032',
  },
  { algorithm: 'SHA-256', use: 'audit chain, imprints in details', standard: 'FIPS 180-4' },
  {
    algorithm: 'TLS 1.2 and 1.3',
    use: 'connections, where the service is given a certificate; PostgreSQL, where its URL asks for it',
    standard: 'RFC 5246, RFC 8446',
  },
  { algorithm: 'AES-CMAC', use: 'check values of keys, key blocks', standard: 'NIST SP 800-38B' },
  { algorithm: 'AES-256-CBC', use: 'key blocks, with CMAC', standard: 'ANSI X9.143 version D' },
  { algorithm: 'scrypt', use: 'passphrase of a key-encryption key', standard: 'RFC 7914' },
  { algorithm: "Shamir's secret sharing", use: 'backup of a key-encryption key', standard: '-' },
];

/**
 * Writes down every key there is or was, its age, and how many tokens need it. That somebody asked is
 * on record.
 */
export function makeListKeys(
  deps: Pick<KeyAdminDeps, 'audited' | 'keys' | 'jobs' | 'clock'>,
  policyOf: () => InventoryPolicy,
): ListKeys {
  const takeStock = async (organization: OrganizationNumber | undefined): Promise<Inventory> => {
    const nowMs = deps.clock.nowMs();
    const policy = policyOf();
    const all = await deps.keys.listKeys();
    const records = all.filter(
      (each) => organization === undefined || each.organization === organization,
    );
    const counts = await countAll(deps, records);
    const keys = records.map((record) => describe(record, counts, policy, nowMs));
    return {
      at: new Date(nowMs).toISOString(),
      environment: policy.environment,
      keyEncryptionKeys: describeKeks(policy, all),
      keys,
      cryptography: CRYPTOGRAPHY,
      warnings: keys.flatMap(({ warning }) => warning ?? []),
    };
  };
  return (context, organization) =>
    deps.audited(context, 'list_keys', async (trail) => {
      if (organization !== undefined) trail.note({ organization });
      const inventory = await takeStock(organization);
      await trail.commit([]);
      return inventory;
    });
}

function describeKeks(
  { current, keyEncryptionKeys }: InventoryPolicy,
  all: readonly KeyRecord[],
): readonly InventoryKek[] {
  return keyEncryptionKeys.map(({ id, provider }) => ({
    ...{ id, provider, algorithm: 'AES-256-GCM', ...AES },
    isCurrent: id === current,
    wrappedCount: all.filter(({ key }) => key?.kek === id).length,
  }));
}

type Counts = ReadonlyMap<
  OrganizationNumber | undefined,
  {
    current: ReadonlyMap<number, number>;
    replaced: ReadonlyMap<number, number>;
    sealed: ReadonlyMap<number, number>;
  }
>;

async function countAll(
  { jobs }: Pick<KeyAdminDeps, 'jobs'>,
  records: readonly KeyRecord[],
): Promise<Counts> {
  const counts = new Map();
  for (const { organization } of records) {
    if (organization === undefined || counts.has(organization)) continue;
    counts.set(organization, {
      current: await jobs.countTokens(organization),
      replaced: await jobs.countReplacedTokens(organization),
      sealed: await jobs.countSealed(organization),
    });
  }
  return counts;
}

function describe(
  record: KeyRecord,
  counts: Counts,
  policy: InventoryPolicy,
  nowMs: number,
): InventoryKey {
  const { organization, purpose, epoch, state, key, createdAtMs, stateSinceMs } = record;
  const ageDays = Math.floor((nowMs - createdAtMs) / DAY_MS);
  const own = counts.get(organization);
  const warning = ageWarningOf(record, policy.keyAgeDaysMax, nowMs);
  return {
    organization,
    purpose,
    epoch,
    id: key?.id,
    state,
    ...KINDS[purpose],
    checkValue: key?.checkValue,
    kek: key?.kek,
    created: new Date(createdAtMs).toISOString(),
    stateSince: new Date(stateSinceMs).toISOString(),
    ageDays,
    ...(purpose === 'token' && {
      tokenCount: own?.current.get(epoch) ?? 0,
      replacedTokenCount: own?.replaced.get(epoch) ?? 0,
      seenCount: record.seenCount,
    }),
    ...(purpose === 'data' && { sealedCount: own?.sealed.get(epoch) ?? 0 }),
    ...(record.lastSeenAtMs !== undefined && {
      lastSeen: new Date(record.lastSeenAtMs).toISOString(),
    }),
    ...(warning !== undefined && { warning }),
  };
}

/** What is to be said of a key that makes and grows too old; undefined of all others. */
export function ageWarningOf(
  record: KeyRecord,
  keyAgeDaysMax: number,
  nowMs: number,
): string | undefined {
  const ageDays = Math.floor((nowMs - record.createdAtMs) / DAY_MS);
  const daysLeft = keyAgeDaysMax - ageDays;
  if (record.state !== 'active' || daysLeft > WARN_DAYS) return undefined;
  const when = daysLeft > 0 ? `${daysLeft} days are left` : `that is ${-daysLeft} days too many`;
  return `${nameOfKey(record)} makes for ${ageDays} days: ${when}`;
}
