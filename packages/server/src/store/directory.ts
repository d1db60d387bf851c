import { type BinRange, makeFindBinRange } from '../domain/bin-range.ts';
import type { MessageAlgorithm } from '../domain/merchant.ts';
import type { Organization } from '../domain/organization.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import { parseFormats } from '../domain/token-format.ts';
import type { Directory, RegisteredCaller, RegisteredMerchant } from '../usecase/ports.ts';
import type { Reader, Row } from './statements.ts';

/** What is registered, read whole and kept in memory: it is small and changes rarely. */
export async function makeDirectory(reader: Reader): Promise<Directory> {
  let snapshot = await readSnapshot(reader);
  return {
    findOrganization: (number) => snapshot.organizations.get(number),
    listBinRanges: (number) => snapshot.rangesOf.get(number) ?? [],
    listAllBinRanges: () => snapshot.ranges,
    findBinRange: (number) => snapshot.findBinRange(number),
    findCaller: (digest) => snapshot.callers.get(digest),
    findMerchant: (digest) => snapshot.merchants.get(digest)?.merchant,
    async refresh() {
      snapshot = await readSnapshot(reader);
    },
  };
}

async function readSnapshot(reader: Reader) {
  const [organizations, ranges, callers, merchants] = await Promise.all([
    reader.read('listOrganizations', []),
    reader.read('listBinRanges', []),
    reader.read('listCallers', []),
    reader.read('listMerchants', []),
  ]);
  const allRanges = ranges.map(rangeOf);
  return {
    organizations: mapBy(organizations.map(organizationOf), ({ number }) => number),
    ranges: allRanges,
    rangesOf: Map.groupBy(allRanges, ({ organization }) => organization),
    findBinRange: makeFindBinRange(allRanges),
    callers: mapBy(callers.map(callerOf), ({ apikeyDigest }) => apikeyDigest),
    merchants: mapBy(merchants.map(merchantOf), ({ apiKeyDigest }) => apiKeyDigest),
  };
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

function callerOf(row: Row): RegisteredCaller {
  return {
    caller: {
      id: row.caller as string,
      name: row.name as string,
      clientId: row.clientId as string,
      organizations: new Set<OrganizationNumber>(JSON.parse(row.organizations as string)),
      pciCertified: row.pciCertified === 1,
    },
    apikeyDigest: row.apikeyDigest as string,
    wrappedSecret: row.wrappedSecret as Uint8Array,
  };
}

function merchantOf(row: Row): RegisteredMerchant {
  return {
    merchant: {
      id: row.merchant as string,
      name: row.name as string,
      publicKeyPem: row.publicKeyPem as string,
      algorithm: row.algorithm as MessageAlgorithm,
    },
    apiKeyDigest: row.apiKeyDigest as string,
  };
}
