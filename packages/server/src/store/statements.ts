/**
 * Every statement the service runs, by name; both engines prepare each one once. Portable SQL with
 * `$n` parameters. Columns come back under the names of the records they make. All that concern
 * cards name the organization first, so that the tables can be distributed by it.
 *
 * @module
 */

const NUMBER_COLUMNS = `
  organization, number_id as "numberId", lineage, pan_index as "panIndex", token, epoch,
  data_key_epoch as "dataKeyEpoch", sealed_pan as "sealedPan", created_at as "createdAtMs"`;

const CARD_COLUMNS = `
  organization, number_id as "numberId", sequence, logo, expiry, chip_sequence as "chipSequence",
  data_key_epoch as "dataKeyEpoch", sealed_details as "sealedDetails", created_at as "createdAtMs"`;

export const READS = {
  findNumber: `
    select ${NUMBER_COLUMNS} from card_number where organization = $1 and number_id = $2`,
  findNumberByIndex: `
    select ${NUMBER_COLUMNS} from card_number where organization = $1 and pan_index = $2`,
  findNumberByToken: `
    select ${NUMBER_COLUMNS} from card_number
    where organization = $1 and token = $2 and epoch = $3`,
  findCard: `
    select ${CARD_COLUMNS} from card
    where organization = $1 and number_id = $2 and sequence = $3`,
  listCards: `
    select ${CARD_COLUMNS} from card
    where organization = $1 and number_id = $2 order by sequence limit 10000`,
  listChanges: `
    select organization, lineage, position, kind, number_id as "numberId",
      new_number_id as "newNumberId", sequence, expiry, recorded_at as "recordedAtMs"
    from account_change where organization = $1 and lineage = $2 order by position`,
  listOrganizations: `
    select organization, name, pan_token_on as "panTokenOn", formats
    from organization order by organization limit 999`,
  listBinRanges: `
    select prefix, organization, logo, pan_length as "panLength"
    from bin_range order by organization, prefix limit 100000`,
  listKeys: `
    select organization, purpose, epoch, wrapped, known_answer as "knownAnswer",
      created_at as "createdAtMs"
    from wrapped_key order by organization, purpose, epoch limit 1000000`,
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
      api_key_digest as "apiKeyDigest", networks, certificates, expires_at as "expiresAtMs",
      disabled_at as "disabledAtMs"
    from merchant order by name limit 100000`,
  findDirectoryVersion: `
    select version from directory_version where id = 1`,
} as const;

export const WRITES = {
  addNumber: `
    insert into card_number (organization, number_id, lineage, pan_index, token, epoch,
      data_key_epoch, sealed_pan, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
  addCard: `
    insert into card (organization, number_id, sequence, logo, expiry, chip_sequence,
      data_key_epoch, sealed_details, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
  renewCard: `
    update card set expiry = case when expiry < $4 then $4 else expiry end,
      chip_sequence = chip_sequence + 1
    where organization = $1 and number_id = $2 and sequence = $3`,
  addAccountChange: `
    insert into account_change (organization, lineage, position, kind, number_id, new_number_id,
      sequence, expiry, recorded_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
  addOrganization: `
    insert into organization (organization, name, pan_token_on, formats) values ($1, $2, $3, $4)`,
  addBinRange: `
    insert into bin_range (prefix, organization, logo, pan_length) values ($1, $2, $3, $4)`,
  addKey: `
    insert into wrapped_key (organization, purpose, epoch, wrapped, known_answer, created_at)
    values ($1, $2, $3, $4, $5, $6)`,
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
    insert into merchant (merchant, name, public_key, algorithm, api_key_digest, networks,
      certificates, expires_at, disabled_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
  disableMerchant: `
    update merchant set disabled_at = $2 where merchant = $1`,
  countDirectoryUp: `
    update directory_version set version = version + 1 where id = 1`,
  addNonce: `
    insert into request_nonce (caller, nonce, expires_at) values ($1, $2, $3)`,
  forgetNonces: `
    delete from request_nonce where expires_at < $1`,
  addAuditBlock: `
    insert into audit_block (chain, position, recorded_at, record_count, records)
    values ($1, $2, $3, $4, $5)`,
  touchAuditBlock: `
    update audit_block set record_count = record_count where chain = $1 and position = $2`,
} as const;

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
