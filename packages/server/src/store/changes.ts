import type { Card, NumberRecord } from '../domain/card.ts';
import type { Change, RegisteredCaller } from '../usecase/ports.ts';
import { idBytes } from './ids.ts';
import { keyWriteOf } from './key-changes.ts';
import type { SqlValue, Write } from './statements.ts';

/** The write that makes a change true. */
export function writeOf(change: Change): Write {
  switch (change.kind) {
    case 'add_number':
      return { name: 'addNumber', values: numberValues(change.record) };
    case 'add_card':
      return { name: 'addCard', values: cardValues(change.card) };
    case 'renew_card': {
      const { organization, numberId, sequence, expiry } = change.card;
      return { name: 'renewCard', values: [organization, idBytes(numberId), sequence, expiry] };
    }
    case 'add_account_change': {
      const { organization, lineage, position, kind, numberId, recordedAtMs } = change.change;
      const { newNumberId, sequence, expiry } = change.change;
      const values = [organization, idBytes(lineage), position, kind, idBytes(numberId)];
      const optional = [newNumberId && idBytes(newNumberId), sequence, expiry].map(orNull);
      return { name: 'addAccountChange', values: [...values, ...optional, recordedAtMs] };
    }
    case 'add_organization': {
      const { number, name, panTokenOn, formats } = change.organization;
      const values = [number, name, Number(panTokenOn), JSON.stringify(formats)];
      return { name: 'addOrganization', values };
    }
    case 'add_bin_range': {
      const { prefix, organization, logo, panLength } = change.range;
      return { name: 'addBinRange', values: [prefix, organization, logo, panLength] };
    }
    case 'add_caller':
      return { name: 'addCaller', values: callerValues(change.registered) };
    case 'add_merchant': {
      const { merchant, apiKeyDigest } = change.registered;
      const { id, name, publicKeyPem, algorithm } = merchant;
      return { name: 'addMerchant', values: [id, name, publicKeyPem, algorithm, apiKeyDigest] };
    }
    default:
      return keyWriteOf(change);
  }
}

function orNull<T extends SqlValue>(value: T | undefined): T | null {
  return value ?? null;
}

function numberValues(record: NumberRecord): SqlValue[] {
  const { organization, id, lineage, panIndex, token, epoch, sealedPan, createdAtMs } = record;
  const { dataKeyEpoch, bytes } = sealedPan;
  const names = [organization, idBytes(id), idBytes(lineage), panIndex, token, epoch];
  return [...names, dataKeyEpoch, bytes, createdAtMs, orNull(record.nextPanIndex)];
}

function cardValues(card: Card): SqlValue[] {
  const { organization, numberId, sequence, logo, expiry, chipSequence, createdAtMs } = card;
  const { dataKeyEpoch, bytes } = card.sealedDetails;
  const names = [organization, idBytes(numberId), sequence, logo, expiry, chipSequence];
  return [...names, dataKeyEpoch, bytes, createdAtMs];
}

function callerValues({ caller, apikeyDigest, wrappedSecret }: RegisteredCaller): SqlValue[] {
  const { id, name, clientId, organizations, pciCertified } = caller;
  const list = JSON.stringify([...organizations]);
  return [id, name, clientId, list, Number(pciCertified), apikeyDigest, wrappedSecret];
}
