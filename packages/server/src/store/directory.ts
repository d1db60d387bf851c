import type { Access } from '../domain/access.ts';
import { type BinRange, makeFindBinRange } from '../domain/bin-range.ts';
import type { Caller, CallerKey, NumberForm, Right, SignatureForm } from '../domain/caller.ts';
import type { MessageAlgorithm } from '../domain/merchant.ts';
import type { Organization } from '../domain/organization.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import { parseFormats } from '../domain/token-format.ts';
import type { Directory, RegisteredCaller, RegisteredMerchant } from '../usecase/ports.ts';
import type { Reader, Row } from './statements.ts';

/**
 * What is registered, read whole and kept in memory: it is small and changes rarely. A version row
 * tells whether it is still what the database holds.
 */
export async function makeDirectory(reader: Reader): Promise<Directory> {
  let snapshot = await readSnapshot(reader);

  return {
    findOrganization: (number) => snapshot.organizations.get(number),
    listBinRanges: (number) => snapshot.rangesOf.get(number) ?? [],
    listAllBinRanges: () => snapshot.ranges,
    findBinRange: (number) => snapshot.findBinRange(number),
    findCaller: (digest) => snapshot.credentials.get(digest),
    findMerchant: (digest) => snapshot.merchants.get(digest)?.merchant,
    findMerchantById: (id) => snapshot.merchantsById.get(id)?.merchant,
    listOrganizations: () => [...snapshot.organizations.values()],
    listCallers: () => [...snapshot.callers.values()],
    listCredentials: (callerId) => snapshot.credentialsOf.get(callerId) ?? [],
    listMerchants: () => [...snapshot.merchants.values()].map(({ merchant }) => merchant),
    async refresh() {
      snapshot = await readSnapshot(reader);
    },
    version: () => snapshot.version,
    hasChanged: async () => (await readVersion(reader)) !== snapshot.version,
  };
}

async function readSnapshot(reader: Reader) {
  // Read first: what changes while the rest is read is then read again, and not missed.
  const version = await readVersion(reader);
  const [organizations, ranges, callerRows, credentialRows, merchants] = await Promise.all([
    reader.read('listOrganizations', []),
    reader.read('listBinRanges', []),
    reader.read('listCallers', []),
    reader.read('listCredentials', []),
    reader.read('listMerchants', []),
  ]);
  const allRanges = ranges.map(rangeOf);
  const allMerchants = merchants.map(merchantOf);
  const callers = mapBy(callerRows.map(callerOf), ({ id }) => id);
  const credentials = credentialRows.flatMap((row) => credentialOf(row, callers));
  return {
    version,
    organizations: mapBy(organizations.map(organizationOf), ({ number }) => number),
    ranges: allRanges,
    rangesOf: Map.groupBy(allRanges, ({ organization }) => organization),
    findBinRange: makeFindBinRange(allRanges),
    callers,
    credentials: mapBy(credentials, ({ apikeyDigest }) => apikeyDigest),
    credentialsOf: Map.groupBy(credentials, ({ caller }) => caller.id),
    merchants: mapBy(allMerchants, ({ apiKeyDigest }) => apiKeyDigest),
    merchantsById: mapBy(allMerchants, ({ merchant }) => merchant.id),
  };
}

async function readVersion(reader: Reader): Promise<number> {
  const [row] = await reader.read('findDirectoryVersion', []);
  return Number(row?.version);
}

function mapBy<K, V>(values: readonly V[], keyOfValue: (value: V) => K): ReadonlyMap<K, V> {
  return new Map(values.map((value) => [keyOfValue(value), value]));
}

function organizationOf(row: Row): Organization {
  return {
    number: row.organization as OrganizationNumber,
    name: row.name as string,
    panTokenOn: row.panTokenOn === 1,
    formats: parseFormats(JSON.parse(row.formats as string)),
    retentionDays: (row.retentionDays ?? undefined) as number | undefined,
  };
}

function rangeOf(row: Row): BinRange {
  return {
    prefix: row.prefix as string,
    organization: row.organization as OrganizationNumber,
    logo: row.logo as number,
    panLength: row.panLength as number,
  };
}

function callerOf(row: Row): Caller {
  return {
    id: row.caller as string,
    name: row.name as string,
    clientId: row.clientId as string,
    organizations: new Set<OrganizationNumber>(JSON.parse(row.organizations as string)),
    rights: new Set<Right>(JSON.parse(row.rights as string)),
    pciCertified: row.pciCertified === 1,
    signature: row.signature as Caller['signature'],
    signatureForm: row.signatureForm as SignatureForm,
    numberForm: row.numberForm as NumberForm,
    keys: JSON.parse(row.keys as string) as readonly CallerKey[],
    ...accessOf(row),
  };
}

/** None for a credential whose caller is not there. */
function credentialOf(row: Row, callers: ReadonlyMap<string, Caller>): RegisteredCaller[] {
  const caller = callers.get(row.caller as string);
  if (caller === undefined) return [];
  return [
    {
      caller,
      apikeyDigest: row.apikeyDigest as string,
      wrappedSecret: row.wrappedSecret as Uint8Array,
      createdAtMs: Number(row.createdAtMs),
      expiresAtMs: momentOf(row.expiresAtMs),
    },
  ];
}

function accessOf(row: Row): Access {
  return {
    networks: JSON.parse(row.networks as string),
    certificates: JSON.parse(row.certificates as string),
    expiresAtMs: momentOf(row.expiresAtMs),
    disabledAtMs: momentOf(row.disabledAtMs),
  };
}

function momentOf(value: Row[string] | undefined): number | undefined {
  return value === null || value === undefined ? undefined : Number(value);
}

function merchantOf(row: Row): RegisteredMerchant {
  return {
    merchant: {
      id: row.merchant as string,
      name: row.name as string,
      publicKeyPem: row.publicKeyPem as string,
      algorithm: row.algorithm as MessageAlgorithm,
      notificationUrl: (row.notificationUrl ?? undefined) as string | undefined,
      notificationSigned: row.notificationSigned === 1,
      validationsPerMinute: (row.validationsPerMinute ?? undefined) as number | undefined,
      organizations: new Set<OrganizationNumber>(JSON.parse(row.organizations as string)),
      ...accessOf(row),
    },
    apiKeyDigest: row.apiKeyDigest as string,
  };
}
