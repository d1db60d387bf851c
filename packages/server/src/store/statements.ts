/**
 * Every statement the service runs, by name; both engines prepare each one once. Portable SQL with
 * `$n` parameters; `hex_of()` is lower-case hexadecimal text, `digits_of()` the same in either
 * case. Columns come back under the names of the records they make. All that concern cards name the
 * organization first, so that the tables can be distributed by it.
 *
 * @module
 */

import { KEY_READS, KEY_WRITES, NUMBER_COLUMNS } from './key-statements.ts';
import { RETENTION_READS, RETENTION_WRITES } from './retention-statements.ts';
import { WATCH_READS, WATCH_WRITES } from './watch-statements.ts';

const CARD_COLUMNS = `
  organization, number_id as "numberId", sequence, logo, expiry, chip_sequence as "chipSequence",
  data_key_epoch as "dataKeyEpoch", sealed_details as "sealedDetails", created_at as "createdAtMs"`;

/**
 * A number and one of its cards: few columns, since each costs an inquiry as much as finding the row.
 * That it is bait is the sign of the epoch.
 */
const NUMBER_IN_BRIEF_COLUMNS = `
  hex_of(n.number_id) as "numberId", hex_of(n.lineage) as "lineage", n.token,
    (1 - 2 * n.bait) * n.data_key_epoch as "dataKeyEpoch", digits_of(n.sealed_pan) as "sealedPan"`;

const CARD_IN_BRIEF_COLUMNS = `${NUMBER_IN_BRIEF_COLUMNS},
    c.logo, c.data_key_epoch as "detailsKeyEpoch", digits_of(c.sealed_details) as "sealedDetails"`;

const CARD_IN_BRIEF = `
  from card_number n left join card c
    on c.organization = n.organization and c.number_id = n.number_id and c.sequence = $2`;

const TERMS_COLUMNS = `${NUMBER_IN_BRIEF_COLUMNS}, c.sequence, c.expiry, c.created_at as "createdAtMs"`;

const TERMS = `
  from card_number n left join card c
    on c.organization = n.organization and c.number_id = n.number_id`;

const CHANGE_COLUMNS = `
  organization, lineage, position, kind, number_id as "numberId", new_number_id as "newNumberId",
  other_lineage as "otherLineage", sequence, expiry, merchant as "merchantId", corrects,
  reference_index as "referenceIndex", effective_at as "effectiveAtMs", recorded_at as "recordedAtMs"`;

export const READS = {
  ...RETENTION_READS,
  ...WATCH_READS,
  findNumber: `
    select ${NUMBER_COLUMNS} from card_number where organization = $1 and number_id = $2`,
  findNumberByIndex: `
    select ${NUMBER_COLUMNS} from card_number where organization = $1 and pan_index = $2`,
  findNumberByNextIndex: `
    select ${NUMBER_COLUMNS} from card_number where organization = $1 and next_pan_index = $2`,
  findNumberByToken: `
    select ${NUMBER_COLUMNS} from card_number
    where organization = $1 and token = $2 and epoch = $3`,
  findNumberByReplacedToken: `
    select ${NUMBER_COLUMNS} from card_number
    where organization = $1 and number_id = (select number_id from replaced_token
      where organization = $1 and token = $2 and epoch = $3)`,
  findCard: `
    select ${CARD_COLUMNS} from card
    where organization = $1 and number_id = $2 and sequence = $3`,
  findCardByIndex: `
    select ${CARD_IN_BRIEF_COLUMNS} ${CARD_IN_BRIEF}
    where n.organization = $1 and n.pan_index = $3`,
  findCardByNextIndex: `
    select ${CARD_IN_BRIEF_COLUMNS} ${CARD_IN_BRIEF}
    where n.organization = $1 and n.next_pan_index = $3`,
  findCardByToken: `
    select ${CARD_IN_BRIEF_COLUMNS} ${CARD_IN_BRIEF}
    where n.organization = $1 and n.token = $3 and n.epoch = $4`,
  findTermsByIndex: `
    select ${TERMS_COLUMNS} ${TERMS} where n.organization = $1 and n.pan_index = $2`,
  findTermsByNextIndex: `
    select ${TERMS_COLUMNS} ${TERMS} where n.organization = $1 and n.next_pan_index = $2`,
  listCards: `
    select ${CARD_COLUMNS} from card
    where organization = $1 and number_id = $2 order by sequence limit 10000`,
  listTerms: `
    select sequence, expiry, created_at as "createdAtMs" from card
    where organization = $1 and number_id = $2 limit 10000`,
  listChanges: `
    select ${CHANGE_COLUMNS} from account_change
    where organization = $1 and lineage = $2 order by position`,
  findChangeByReference: `
    select ${CHANGE_COLUMNS} from account_change where organization = $1 and reference_index = $2`,
  listOrganizations: `
    select organization, name, pan_token_on as "panTokenOn", formats,
      retention_days as "retentionDays"
    from organization order by organization limit 999`,
  listBinRanges: `
    select prefix, organization, logo, pan_length as "panLength"
    from bin_range order by organization, prefix limit 100000`,
  listCallers: `
    select caller, name, client_id as "clientId", organizations, pci_certified as "pciCertified",
      rights, signature, signature_form as "signatureForm", number_form as "numberForm", keys,
      networks, certificates, expires_at as "expiresAtMs", disabled_at as "disabledAtMs"
    from caller order by name limit 100000`,
  listCredentials: `
    select caller, apikey_digest as "apikeyDigest", wrapped_secret as "wrappedSecret",
      created_at as "createdAtMs", expires_at as "expiresAtMs"
    from caller_credential order by caller, created_at limit 1000000`,
  listMerchants: `
    select merchant, name, public_key as "publicKeyPem", algorithm,
      notification_url as "notificationUrl", notification_signed as "notificationSigned",
      organizations, validations_per_minute as "validationsPerMinute",
      api_key_digest as "apiKeyDigest", networks, certificates, expires_at as "expiresAtMs",
      disabled_at as "disabledAtMs"
    from merchant order by name limit 100000`,
  findAnswer: `
    select organization, caller, key_digest as "keyDigest", body_digest as "bodyDigest",
      data_key_epoch as "dataKeyEpoch", sealed_answer as "sealedAnswer", created_at as "createdAtMs"
    from kept_answer
    where organization = $1 and caller = $2 and key_digest = $3 and created_at >= $4`,
  listCharges: `
    select charged_at as "atMs", who, card, book, writer from budget_charge
    where (charged_at, who, card) > ($1, $2, $3) and writer <> $4
    order by charged_at, who, card limit 5000`,
  listLifts: `
    select budget_lift.lift as "id", who, times, reason, requested_by as "requestedBy",
      requested_at as "requestedAtMs", until_at as "untilMs", approved_by as "approvedBy"
    from budget_lift left join budget_lift_approval
      on budget_lift.lift = budget_lift_approval.lift
    where until_at > $1 order by requested_at limit 10000`,
  lastAuditChain: `
    select number, chain, hash from audit_chain order by number desc limit 1`,
  lastAuditBlock: `
    select position, hash from audit_block where chain = $1 order by position desc limit 1`,
  findAuditBlock: `
    select position, hash from audit_block where chain = $1 and position = $2`,
  listAuditChains: `
    select number, chain, node, opened_at as "openedAtMs",
      previous_position as "previousPosition", previous_hash as "previousHash", hash
    from audit_chain where number > $1 order by number limit 1000`,
  listAuditBlocks: `
    select position, recorded_at as "recordedAtMs", record_count as "recordCount", records, hash
    from audit_block where chain = $1 and position > $2 order by position limit 200`,
  listAcceptances: `
    select chain, kept_position as "keptPosition", lost_through as "lostThrough"
    from audit_acceptance limit 100000`,
  findDirectoryVersion: `
    select version from directory_version where id = 1`,
  ...KEY_READS,
} as const;

/** PostgreSQL plans badly as long as it has counted no rows: it is left no choice how to find a card. */
const CARDS_IN_BRIEF = `
  from card_number n left join lateral (
    select logo, data_key_epoch, sealed_details from card
    where organization = $1 and number_id = n.number_id and sequence = $2 limit 1) c on true`;

const ALL_TERMS = `
  from card_number n left join lateral (
    select sequence, expiry, created_at from card
    where organization = $1 and number_id = n.number_id limit 10000) c on true`;

/**
 * Reads that differ in one parameter only, as one: it is a list there, and each row says in `sought`
 * which of the list it is for. For an engine that is asked over a wire.
 */
export const BULK_READS = {
  findTermsByIndex: `
    select hex_of(n.pan_index) as "sought", ${TERMS_COLUMNS} ${ALL_TERMS}
    where n.organization = $1 and n.pan_index = any($2)`,
  listChanges: `
    select hex_of(lineage) as "sought", ${CHANGE_COLUMNS} from account_change
    where organization = $1 and lineage = any($2) order by position`,
  findCardByIndex: `
    select hex_of(n.pan_index) as "sought", ${CARD_IN_BRIEF_COLUMNS} ${CARDS_IN_BRIEF}
    where n.organization = $1 and n.pan_index = any($3)`,
  findCardByToken: `
    select n.token as "sought", ${CARD_IN_BRIEF_COLUMNS} ${CARDS_IN_BRIEF}
    where n.organization = $1 and n.token = any($3) and n.epoch = $4`,
} as const satisfies Partial<Record<keyof typeof READS, string>>;

export const WRITES = {
  ...RETENTION_WRITES,
  ...WATCH_WRITES,
  addNumber: `
    insert into card_number (organization, number_id, lineage, pan_index, token, epoch,
      data_key_epoch, sealed_pan, created_at, next_pan_index)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
  addCard: `
    insert into card (organization, number_id, sequence, logo, expiry, chip_sequence,
      data_key_epoch, sealed_details, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
  renewCard: `
    update card set chip_sequence = chip_sequence + 1
    where organization = $1 and number_id = $2 and sequence = $3`,
  addAccountChange: `
    insert into account_change (organization, lineage, position, kind, number_id, new_number_id,
      other_lineage, sequence, expiry, merchant, corrects, reference_index, effective_at, recorded_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
  addOrganization: `
    insert into organization (organization, name, pan_token_on, formats) values ($1, $2, $3, $4)`,
  addBinRange: `
    insert into bin_range (prefix, organization, logo, pan_length) values ($1, $2, $3, $4)`,
  addCaller: `
    insert into caller (caller, name, client_id, organizations, pci_certified, rights, signature,
      signature_form, number_form, keys, networks, certificates, expires_at, disabled_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
  addCredential: `
    insert into caller_credential (caller, apikey_digest, wrapped_secret, created_at, expires_at)
    values ($1, $2, $3, $4, $5)`,
  endCredential: `
    update caller_credential set expires_at = $3 where caller = $1 and apikey_digest = $2`,
  disableCaller: `
    update caller set disabled_at = $2 where caller = $1`,
  setCallerKeys: `
    update caller set keys = $2 where caller = $1`,
  addMerchant: `
    insert into merchant (merchant, name, public_key, algorithm, api_key_digest, organizations,
      networks, certificates, expires_at, disabled_at, validations_per_minute)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
  setMerchantTerms: `
    update merchant set organizations = $2, validations_per_minute = $3 where merchant = $1`,
  disableMerchant: `
    update merchant set disabled_at = $2 where merchant = $1`,
  setMerchantKey: `
    update merchant set public_key = $2, algorithm = $3 where merchant = $1`,
  setMerchantApiKey: `
    update merchant set api_key_digest = $2 where merchant = $1`,
  setMerchantNotification: `
    update merchant set notification_url = $2, notification_signed = $3 where merchant = $1`,
  countDirectoryUp: `
    update directory_version set version = version + 1 where id = 1`,
  countDirectoryUpFrom: `
    update directory_version set version = version + 1, fence = version - $1 where id = 1`,
  setBait: `
    update card_number set bait = $3 where organization = $1 and number_id = $2`,
  addNonce: `
    insert into request_nonce (caller, nonce, expires_at) values ($1, $2, $3)`,
  forgetNonces: `
    delete from request_nonce where expires_at < $1`,
  addAnswer: `
    insert into kept_answer (organization, caller, key_digest, body_digest, data_key_epoch,
      sealed_answer, created_at)
    values ($1, $2, $3, $4, $5, $6, $7)`,
  forgetAnswers: `
    delete from kept_answer where organization = $1 and created_at < $2`,
  addAuditBlock: `
    insert into audit_block (chain, position, recorded_at, record_count, records, hash)
    values ($1, $2, $3, $4, $5, $6)`,
  addCharge: `
    insert into budget_charge (charged_at, who, card, book, writer) values ($1, $2, $3, $4, $5)
    on conflict do nothing`,
  forgetCharges: `
    delete from budget_charge where charged_at < $1`,
  addLift: `
    insert into budget_lift (lift, who, times, reason, requested_by, requested_at, until_at)
    values ($1, $2, $3, $4, $5, $6, $7)`,
  approveLift: `
    insert into budget_lift_approval (lift, approved_by, approved_at) values ($1, $2, $3)`,
  addAuditChain: `
    insert into audit_chain (number, chain, node, opened_at, previous_position, previous_hash, hash)
    values ($1, $2, $3, $4, $5, $6, $7)`,
  addAcceptance: `
    insert into audit_acceptance (chain, kept_position, lost_through, accepted_by, accepted_at)
    values ($1, $2, $3, $4, $5)`,
  ...KEY_WRITES,
  /** Changes nothing, and is a write all the same: its commit waits for the disk and the standby. */
  touchDirectory: `
    update directory_version set version = version where id = 1`,
} as const;

/**
 * Writes of one distribution key, as one: the key comes first, then a list for each other value. For an engine
 * that is asked over a wire.
 */
export const BULK_WRITES = {
  addNonce: `
    insert into request_nonce (caller, nonce, expires_at)
    select $1, t.nonce, t.expires_at
    from unnest($2::text[], $3::bigint[]) as t (nonce, expires_at)`,
  addCharge: `
    insert into budget_charge (charged_at, who, card, book, writer)
    select t.charged_at, $1, t.card, t.book, t.writer
    from unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::text[])
      as t (charged_at, card, book, writer)
    on conflict do nothing`,
} as const satisfies Partial<Record<keyof typeof WRITES, string>>;

export type ReadName = keyof typeof READS;
export type WriteName = keyof typeof WRITES;
export type SqlValue = string | number | Uint8Array | null;

/** One execution of a prepared write. */
export interface Write {
  readonly name: WriteName;
  readonly values: readonly SqlValue[];
}

/** Runs prepared reads. Each engine has one. */
export interface Reader {
  /** All rows, columns under the names of the statement, blobs as bytes. */
  read(name: ReadName, values: readonly SqlValue[]): Promise<readonly Row[]>;
}

export type Row = Readonly<Record<string, SqlValue>>;
