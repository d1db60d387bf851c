import type { AccountChange, AccountChangeKind } from '../domain/account-change.ts';
import type {
  Card,
  CardInBrief,
  CardTerms,
  NumberInBrief,
  NumberRecord,
  NumberWithCard,
  NumberWithTerms,
} from '../domain/card.ts';
import type { Expiry } from '../domain/expiry.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { RecordId } from '../domain/record-id.ts';
import type { CardStore } from '../usecase/ports.ts';
import { idBytes } from './ids.ts';
import type { Reader, Row } from './statements.ts';

/** Cards in tables card_number, card and account_change. */
export function makeCardStore(reader: Reader): CardStore {
  return {
    async findNumber(organization, id) {
      return firstOf(await reader.read('findNumber', [organization, idBytes(id)]));
    },
    async findNumberByIndex(organization, { current, next, findBy }) {
      if (findBy !== 'current' && next !== undefined) {
        const found = firstOf(await reader.read('findNumberByNextIndex', [organization, next]));
        if (found !== undefined || findBy === 'next') return found;
      }
      return firstOf(await reader.read('findNumberByIndex', [organization, current]));
    },
    async findNumberByToken(organization, epoch, token) {
      return firstOf(await reader.read('findNumberByToken', [organization, token, epoch]));
    },
    async findNumberByReplacedToken(organization, epoch, token) {
      const values = [organization, token, epoch];
      return firstOf(await reader.read('findNumberByReplacedToken', values));
    },
    async findCard(organization, numberId, sequence) {
      const rows = await reader.read('findCard', [organization, idBytes(numberId), sequence]);
      return rows[0] && cardOf(rows[0]);
    },
    async findCardByIndex(organization, { current, next, findBy }, sequence) {
      if (findBy !== 'current' && next !== undefined) {
        const rows = await reader.read('findCardByNextIndex', [organization, sequence, next]);
        const found = withCardOf(organization, sequence, rows[0]);
        if (found !== undefined || findBy === 'next') return found;
      }
      const rows = await reader.read('findCardByIndex', [organization, sequence, current]);
      return withCardOf(organization, sequence, rows[0]);
    },
    async findTermsByIndex(organization, { current, next, findBy }) {
      if (findBy !== 'current' && next !== undefined) {
        const rows = await reader.read('findTermsByNextIndex', [organization, next]);
        if (rows.length > 0 || findBy === 'next') return withTermsOf(organization, rows);
      }
      const rows = await reader.read('findTermsByIndex', [organization, current]);
      return withTermsOf(organization, rows);
    },
    async findCardByToken(organization, epoch, token, sequence) {
      const rows = await reader.read('findCardByToken', [organization, sequence, token, epoch]);
      return withCardOf(organization, sequence, rows[0]);
    },
    async listCards(organization, numberId) {
      return (await reader.read('listCards', [organization, idBytes(numberId)])).map(cardOf);
    },
    async listTerms(organization, numberId) {
      const rows = await reader.read('listTerms', [organization, idBytes(numberId)]);
      return rows.map((row) => termsOf(numberId, row));
    },
    async listBait(organization) {
      const found: NumberRecord[] = [];
      for (;;) {
        const last = found.at(-1);
        const after = last === undefined ? new Uint8Array() : idBytes(last.id);
        const rows = await reader.read('listBait', [organization, after]);
        if (rows.length === 0) return found;
        found.push(...rows.map(numberOf));
      }
    },
    async listChanges(organization, lineage) {
      return (await reader.read('listChanges', [organization, idBytes(lineage)])).map(changeOf);
    },
    async listReplacedTokens(organization, numberId) {
      const rows = await reader.read('listReplacedTokens', [organization, idBytes(numberId)]);
      return rows.map(({ token, epoch }) => ({ token: String(token), epoch: Number(epoch) }));
    },
    async isDeleted(organization, digest) {
      return (await reader.read('findDeletedName', [organization, digest])).length > 0;
    },
    async findChangeByReference(organization, referenceIndex) {
      return (await reader.read('findChangeByReference', [organization, referenceIndex])).map(
        changeOf,
      )[0];
    },
  };
}

function firstOf([row]: readonly Row[]): NumberRecord | undefined {
  return row && numberOf(row);
}

function withCardOf(
  organization: OrganizationNumber,
  sequence: number,
  row: Row | undefined,
): NumberWithCard | undefined {
  if (row === undefined) return undefined;
  const card = row.logo === null ? undefined : cardInBriefOf(sequence, row);
  return { ...numberInBriefOf(organization, row), card };
}

function withTermsOf(
  organization: OrganizationNumber,
  rows: readonly Row[],
): NumberWithTerms | undefined {
  const [row] = rows;
  if (row === undefined) return undefined;
  const number = numberInBriefOf(organization, row);
  const held = rows.filter(({ sequence }) => sequence !== null);
  return { ...number, terms: held.map((each) => termsOf(number.id, each)) };
}

function numberInBriefOf(organization: OrganizationNumber, row: Row): NumberInBrief {
  const id = row.numberId as RecordId;
  const signedEpoch = row.dataKeyEpoch as number;
  return {
    organization,
    id,
    lineage: row.lineage === '' ? id : (row.lineage as RecordId),
    token: row.token as string,
    sealedPan: { dataKeyEpoch: Math.abs(signedEpoch), bytes: bytesOf(row.sealedPan) },
    ...(signedEpoch < 0 && { bait: true }),
  };
}

/** @param digits of `digits_of`: bytes as the engine gives them cost as much as half of a look-up. */
function bytesOf(digits: Row[string] | undefined): Uint8Array {
  return Buffer.from(digits as string, 'hex');
}

function termsOf(numberId: RecordId, { sequence, expiry, createdAtMs }: Row): CardTerms {
  return {
    numberId,
    sequence: sequence as number,
    expiry: expiry as Expiry,
    createdAtMs: Number(createdAtMs),
  };
}

function cardInBriefOf(sequence: number, row: Row): CardInBrief {
  const { logo, detailsKeyEpoch, sealedDetails } = row;
  const sealed = { dataKeyEpoch: detailsKeyEpoch as number, bytes: bytesOf(sealedDetails) };
  return { sequence, logo: logo as number, sealedDetails: sealed };
}

export function numberOf(row: Row): NumberRecord {
  return {
    organization: row.organization as OrganizationNumber,
    id: recordId(row.numberId),
    lineage: lineageOf(row),
    panIndex: row.panIndex as Uint8Array,
    ...(row.nextPanIndex !== null && { nextPanIndex: row.nextPanIndex as Uint8Array }),
    token: row.token as string,
    epoch: row.epoch as number,
    sealedPan: { dataKeyEpoch: row.dataKeyEpoch as number, bytes: row.sealedPan as Uint8Array },
    createdAtMs: Number(row.createdAtMs),
    ...(row.bait === 1 && { bait: true }),
  };
}

/** Empty: the number begins a lineage, and its id is that of the lineage, too. */
function lineageOf({ lineage, numberId }: Row): RecordId {
  return recordId((lineage as Uint8Array).length === 0 ? numberId : lineage);
}

function cardOf(row: Row): Card {
  return {
    organization: row.organization as OrganizationNumber,
    numberId: recordId(row.numberId),
    sequence: row.sequence as number,
    logo: row.logo as number,
    expiry: row.expiry as Expiry,
    chipSequence: row.chipSequence as number,
    sealedDetails: {
      dataKeyEpoch: row.dataKeyEpoch as number,
      bytes: row.sealedDetails as Uint8Array,
    },
    createdAtMs: Number(row.createdAtMs),
  };
}

function changeOf(row: Row): AccountChange {
  return {
    organization: row.organization as OrganizationNumber,
    lineage: recordId(row.lineage),
    position: row.position as number,
    kind: row.kind as AccountChangeKind,
    numberId: recordId(row.numberId),
    ...(row.newNumberId !== null && { newNumberId: recordId(row.newNumberId) }),
    ...(row.otherLineage !== null && { otherLineage: recordId(row.otherLineage) }),
    ...(row.sequence !== null && { sequence: row.sequence as number }),
    ...(row.expiry !== null && { expiry: row.expiry as Expiry }),
    ...(row.merchantId !== null && { merchantId: row.merchantId as string }),
    ...(row.corrects !== null && { corrects: row.corrects as number }),
    ...(row.referenceIndex !== null && { referenceIndex: row.referenceIndex as Uint8Array }),
    effectiveAtMs: Number(row.effectiveAtMs),
    recordedAtMs: Number(row.recordedAtMs),
  };
}

export function recordId(bytes: Row[string] | undefined): RecordId {
  const { buffer, byteOffset, byteLength } = bytes as Uint8Array<ArrayBuffer>;
  return Buffer.from(buffer, byteOffset, byteLength).toString('hex') as RecordId;
}
