import type { Access } from '../domain/access.ts';
import type { AccountChange } from '../domain/account-change.ts';
import type { Caller } from '../domain/caller.ts';
import type { Card, NumberRecord } from '../domain/card.ts';
import type { Change } from '../usecase/ports.ts';
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
      const { organization, numberId, sequence } = change.card;
      return { name: 'renewCard', values: [organization, idBytes(numberId), sequence] };
    }
    case 'add_account_change':
      return { name: 'addAccountChange', values: accountChangeValues(change.change) };
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
      return { name: 'addCaller', values: callerValues(change.caller) };
    case 'add_credential': {
      const { caller, apikeyDigest, wrappedSecret, createdAtMs, expiresAtMs } = change.registered;
      const values = [caller.id, apikeyDigest, wrappedSecret, createdAtMs, orNull(expiresAtMs)];
      return { name: 'addCredential', values };
    }
    case 'end_credential': {
      const { callerId, apikeyDigest, atMs } = change;
      return { name: 'endCredential', values: [callerId, apikeyDigest, atMs] };
    }
    case 'disable_caller':
      return { name: 'disableCaller', values: [change.callerId, change.atMs] };
    case 'set_caller_keys':
      return { name: 'setCallerKeys', values: [change.callerId, JSON.stringify(change.keys)] };
    case 'add_merchant': {
      const { merchant, apiKeyDigest } = change.registered;
      const { id, name, publicKeyPem, algorithm } = merchant;
      const values = [id, name, publicKeyPem, algorithm, apiKeyDigest, ...accessValues(merchant)];
      return { name: 'addMerchant', values };
    }
    case 'disable_merchant':
      return { name: 'disableMerchant', values: [change.merchantId, change.atMs] };
    case 'count_directory_up':
      return { name: 'countDirectoryUp', values: [] };
    case 'add_nonce': {
      const { callerId, value, expiresAtMs } = change.nonce;
      return { name: 'addNonce', values: [callerId, value, expiresAtMs] };
    }
    case 'forget_nonces':
      return { name: 'forgetNonces', values: [change.expiredBeforeMs] };
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

function accountChangeValues(change: AccountChange): SqlValue[] {
  const { organization, lineage, position, kind, numberId, newNumberId, otherLineage } = change;
  const { sequence, expiry, merchantId, corrects, referenceIndex } = change;
  return [
    ...[organization, idBytes(lineage), position, kind, idBytes(numberId)],
    ...[newNumberId && idBytes(newNumberId), otherLineage && idBytes(otherLineage)].map(orNull),
    ...[sequence, expiry, merchantId, corrects, referenceIndex].map(orNull),
    ...[change.effectiveAtMs, change.recordedAtMs],
  ];
}

function callerValues(caller: Caller): SqlValue[] {
  const { id, name, clientId, organizations, pciCertified, rights, keys } = caller;
  const { signature, signatureForm, numberForm } = caller;
  const lists = [organizations, rights].map((set) => JSON.stringify([...set]));
  const [organizationList = '', rightList = ''] = lists;
  return [
    ...[id, name, clientId, organizationList, Number(pciCertified), rightList],
    ...[signature, signatureForm, numberForm, JSON.stringify(keys), ...accessValues(caller)],
  ];
}

function accessValues({ networks, certificates, expiresAtMs, disabledAtMs }: Access): SqlValue[] {
  const lists = [JSON.stringify(networks), JSON.stringify(certificates)];
  return [...lists, orNull(expiresAtMs), orNull(disabledAtMs)];
}
