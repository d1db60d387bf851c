import type { Access } from '../domain/access.ts';
import type { AccountChange } from '../domain/account-change.ts';
import type { Caller } from '../domain/caller.ts';
import type { Card, NumberRecord } from '../domain/card.ts';
import type { KeyChange } from '../usecase/key-ports.ts';
import type { Change } from '../usecase/ports.ts';
import type { WatchChange } from '../usecase/watch-ports.ts';
import { idBytes } from './ids.ts';
import { keyWriteOf } from './key-changes.ts';
import type { SqlValue, Write } from './statements.ts';
import { writesOfWatch } from './watch-changes.ts';

type DeleteNumber = Extract<Change, { kind: 'delete_number' }>;
type PlainChange = Exclude<Change, KeyChange | WatchChange | DeleteNumber>;
type WriteOf = {
  readonly [K in PlainChange['kind']]: (change: Extract<PlainChange, { kind: K }>) => Write;
};

/** How each change is written; a kind that is missing here does not compile. */
const WRITE_OF: WriteOf = {
  add_number: (change) => ({ name: 'addNumber', values: numberValues(change.record) }),
  set_retention: (change) => ({
    name: 'setRetention',
    values: [change.organization, orNull(change.days)],
  }),
  add_card: (change) => ({ name: 'addCard', values: cardValues(change.card) }),
  renew_card(change) {
    const { organization, numberId, sequence } = change.card;
    return { name: 'renewCard', values: [organization, idBytes(numberId), sequence] };
  },
  add_account_change: (change) => ({
    name: 'addAccountChange',
    values: accountChangeValues(change.change),
  }),
  add_organization(change) {
    const { number, name, panTokenOn, formats } = change.organization;
    const values = [number, name, Number(panTokenOn), JSON.stringify(formats)];
    return { name: 'addOrganization', values };
  },
  add_bin_range(change) {
    const { prefix, organization, logo, panLength } = change.range;
    return { name: 'addBinRange', values: [prefix, organization, logo, panLength] };
  },
  add_caller: (change) => ({ name: 'addCaller', values: callerValues(change.caller) }),
  add_credential(change) {
    const { caller, apikeyDigest, wrappedSecret, createdAtMs, expiresAtMs } = change.registered;
    const values = [caller.id, apikeyDigest, wrappedSecret, createdAtMs, orNull(expiresAtMs)];
    return { name: 'addCredential', values };
  },
  end_credential(change) {
    const { callerId, apikeyDigest, atMs } = change;
    return { name: 'endCredential', values: [callerId, apikeyDigest, atMs] };
  },
  disable_caller: (change) => ({ name: 'disableCaller', values: [change.callerId, change.atMs] }),
  set_caller_keys: (change) => ({
    name: 'setCallerKeys',
    values: [change.callerId, JSON.stringify(change.keys)],
  }),
  add_merchant(change) {
    const { merchant, apiKeyDigest } = change.registered;
    const { id, name, publicKeyPem, algorithm, organizations } = merchant;
    const names = [id, name, publicKeyPem, algorithm, apiKeyDigest];
    const list = JSON.stringify([...organizations]);
    const values = [...names, list, ...accessValues(merchant)];
    return { name: 'addMerchant', values: [...values, orNull(merchant.validationsPerMinute)] };
  },
  set_merchant_key(change) {
    const { merchantId, publicKeyPem, algorithm } = change;
    return { name: 'setMerchantKey', values: [merchantId, publicKeyPem, algorithm] };
  },
  set_merchant_terms(change) {
    const { merchantId, organizations, validationsPerMinute } = change;
    const list = JSON.stringify([...organizations]);
    return { name: 'setMerchantTerms', values: [merchantId, list, orNull(validationsPerMinute)] };
  },
  set_merchant_api_key: (change) => ({
    name: 'setMerchantApiKey',
    values: [change.merchantId, change.apiKeyDigest],
  }),
  set_merchant_notification(change) {
    const { merchantId, url, signed } = change;
    return { name: 'setMerchantNotification', values: [merchantId, orNull(url), Number(signed)] };
  },
  add_charge(change) {
    const { atMs, who, card, book, writer } = change.charge;
    return { name: 'addCharge', values: [atMs, who, card, book, writer] };
  },
  forget_charges: (change) => ({ name: 'forgetCharges', values: [change.beforeMs] }),
  add_lift(change) {
    const { id, who, times, reason, requestedBy, requestedAtMs, untilMs } = change.lift;
    const values = [id, who, times, reason, requestedBy, requestedAtMs, untilMs];
    return { name: 'addLift', values };
  },
  approve_lift: (change) => ({ name: 'approveLift', values: [change.id, change.by, change.atMs] }),
  accept_loss(change) {
    const { chain, keptPosition, lostThrough } = change.loss;
    const values = [chain, keptPosition, lostThrough, change.by, change.atMs];
    return { name: 'addAcceptance', values };
  },
  disable_merchant: (change) => ({
    name: 'disableMerchant',
    values: [change.merchantId, change.atMs],
  }),
  count_directory_up: ({ fromVersion }) =>
    fromVersion === undefined
      ? { name: 'countDirectoryUp', values: [] }
      : { name: 'countDirectoryUpFrom', values: [fromVersion] },
  set_bait(change) {
    const { organization, id } = change.record;
    return { name: 'setBait', values: [organization, idBytes(id), Number(change.isBait)] };
  },
  add_nonce(change) {
    const { callerId, value, expiresAtMs } = change.nonce;
    return { name: 'addNonce', values: [callerId, value, expiresAtMs] };
  },
  forget_nonces: (change) => ({ name: 'forgetNonces', values: [change.expiredBeforeMs] }),
  add_answer(change) {
    const { organization, callerId, keyDigest, bodyDigest, createdAtMs } = change.answer;
    const { dataKeyEpoch, bytes } = change.answer.sealedAnswer;
    const values = [organization, callerId, keyDigest, bodyDigest];
    return { name: 'addAnswer', values: [...values, dataKeyEpoch, bytes, createdAtMs] };
  },
  forget_answers: (change) => ({
    name: 'forgetAnswers',
    values: [change.organization, change.createdBeforeMs],
  }),
};

/** The writes that make a change true. */
export function writesOf(change: Change): readonly Write[] {
  if (isWatchChange(change)) return writesOfWatch(change);
  if (change.kind === 'delete_number') return deletionWrites(change);
  if (change.kind !== 'add_number' || change.names === undefined) return [writeOf(change)];
  const { organization } = change.record;
  return [writeOf(change), { name: 'demandNotDeleted', values: [organization, ...change.names] }];
}

function deletionWrites(change: DeleteNumber): readonly Write[] {
  const { organization, numberId, names, watchIndex, atMs } = change;
  const place = [organization, idBytes(numberId)];
  return [
    ...names.map((digest) => {
      return { name: 'addDeletedName', values: [organization, digest, atMs] } as const;
    }),
    { name: 'deleteCards', values: place },
    { name: 'deleteReplacedTokens', values: place },
    { name: 'deleteNumber', values: place },
    { name: 'dropNotificationsOfNumber', values: watchIndex },
    { name: 'endWatchesOfNumber', values: [...watchIndex, new Uint8Array()] },
  ];
}

function isWatchChange(change: Change): change is WatchChange {
  return Object.hasOwn(WATCH_KINDS, change.kind);
}

/** A kind that is missing here does not compile. */
const WATCH_KINDS: Readonly<Record<WatchChange['kind'], true>> = {
  add_watch: true,
  end_watch: true,
  leave_watch: true,
  leave_merchant: true,
  finish_watch: true,
  watch_card: true,
  forget_subjects: true,
  feed_change: true,
  wake_entry: true,
  drop_fed: true,
  wake_number: true,
  settle_check: true,
  add_notification: true,
  settle_delivery: true,
  retry_notification: true,
};

function writeOf(change: Exclude<Change, WatchChange | DeleteNumber>): Write {
  const write = (WRITE_OF as Partial<Record<string, (change: Change) => Write>>)[change.kind];
  return write === undefined ? keyWriteOf(change as KeyChange) : write(change);
}

function orNull<T extends SqlValue>(value: T | undefined): T | null {
  return value ?? null;
}

function numberValues(record: NumberRecord): SqlValue[] {
  const { organization, id, lineage, panIndex, token, epoch, sealedPan, createdAtMs } = record;
  const { dataKeyEpoch, bytes } = sealedPan;
  // Most numbers begin their lineage: saying so by nothing saves 16 bytes a card.
  const lineageBytes = lineage === id ? new Uint8Array() : idBytes(lineage);
  const names = [organization, idBytes(id), lineageBytes, panIndex, token, epoch];
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
