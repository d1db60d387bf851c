/**
 * The statements of keys, their epochs and the jobs that change them, and of operators. Like all
 * statements they are portable, and those of cards name the organization first.
 *
 * @module
 */

export const NUMBER_COLUMNS = `
  organization, number_id as "numberId", lineage, pan_index as "panIndex",
  next_pan_index as "nextPanIndex", token, epoch, data_key_epoch as "dataKeyEpoch",
  sealed_pan as "sealedPan", created_at as "createdAtMs", bait`;

export const KEY_READS = {
  // Keys and lives of one moment: two readings could fall on both sides of a rotation.
  listKeys: `
    select e.organization, e.purpose, e.epoch, e.state, e.created_at as "createdAtMs",
      e.state_since as "stateSinceMs", e.seen_count as "seenCount",
      e.last_seen_at as "lastSeenAtMs", k.key_id as "id", k.environment, k.kek, k.wrapped,
      k.check_value as "checkValue", k.known_answer as "knownAnswer",
      k.created_at as "wrappedCreatedAtMs"
    from key_epoch e left join wrapped_key k
      on k.organization = e.organization and k.purpose = e.purpose and k.epoch = e.epoch
    order by e.organization, e.purpose, e.epoch limit 1000000`,
  listNumbersAfter: `
    select ${NUMBER_COLUMNS} from card_number
    where organization = $1 and number_id > $2 order by number_id limit $3`,
  listBait: `
    select ${NUMBER_COLUMNS} from card_number
    where organization = $1 and bait = 1 and number_id > $2 order by number_id limit 1000`,
  countNumbers: `
    select count(*) as "count" from card_number where organization = $1`,
  countTokens: `
    select epoch, count(*) as "count" from card_number where organization = $1 group by epoch`,
  countReplacedTokens: `
    select epoch, count(*) as "count" from replaced_token where organization = $1 group by epoch`,
  countSealedNumbers: `
    select data_key_epoch as "epoch", count(*) as "count" from card_number
    where organization = $1 group by data_key_epoch`,
  countSealedCards: `
    select data_key_epoch as "epoch", count(*) as "count" from card
    where organization = $1 group by data_key_epoch`,
  countSealedAnswers: `
    select data_key_epoch as "epoch", count(*) as "count" from kept_answer
    where organization = $1 group by data_key_epoch`,
  countIndexes: `
    select count(*) - count(next_pan_index) as "withoutNext", count(next_pan_index) as "withNext",
      coalesce(sum(case when next_pan_index <> pan_index then 1 else 0 end), 0) as "notPromoted"
    from card_number where organization = $1`,
  countWatches: `select count(*) as "count" from watch_entry`,
  listSealedEntries: `
    select panid, merchant as "merchantId", sealed, told from watch_entry
    where panid > $1 order by panid limit $2`,
  listIndexedEntries: `
    select panid, merchant as "merchantId", sealed, pan_index as "panIndex",
      next_pan_index as "nextPanIndex", custom_index as "customIndex"
    from watch_entry where panid > $1 and ended = 0 order by panid limit $2`,
  listWatchesOf: `
    select panid, merchant as "merchantId", sealed, lineage from watch_entry
    where organization = $1 and panid > $2 and ended = 0 order by panid limit $3`,
  listSealedNotifications: `
    select position, sealed from notification where panid = $1 order by position limit 100000`,
  findKeyJob: `
    select organization, job, epoch, position, done_count as "doneCount",
      started_at as "startedAtMs", updated_at as "updatedAtMs"
    from key_job where organization = $1 and job = $2`,
  listOperators: `
    select operator as "id", name, credential_digest as "credentialDigest",
      created_at as "createdAtMs"
    from operator order by name limit 10000`,
  findApproval: `
    select command, requested_by as "requestedBy", requested_at as "requestedAtMs"
    from approval where command = $1 and ended = 0`,
} as const;

export const KEY_WRITES = {
  addKey: `
    insert into wrapped_key (organization, purpose, epoch, wrapped, known_answer, created_at,
      key_id, environment, kek, check_value)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
  addKeyEpoch: `
    insert into key_epoch (organization, purpose, epoch, state, created_at, state_since, seen_count)
    values ($1, $2, $3, $4, $5, $5, 0)`,
  setKeyState: `
    update key_epoch set state = $5, state_since = $6
    where organization = $1 and purpose = $2 and epoch = $3 and state = $4`,
  deleteKey: `
    delete from wrapped_key where organization = $1 and purpose = $2 and epoch = $3`,
  rewrapKey: `
    update wrapped_key set wrapped = $4, kek = $5
    where organization = $1 and purpose = $2 and epoch = $3 and kek = $6`,
  countSeenToken: `
    update key_epoch set seen_count = seen_count + 1, last_seen_at = $3
    where organization = $1 and purpose = 'token' and epoch = $2`,
  addReplacedToken: `
    insert into replaced_token (organization, epoch, token, number_id, replaced_at)
    values ($1, $2, $3, $4, $5)`,
  setNumberToken: `
    update card_number set token = $3, epoch = $4, data_key_epoch = $5, sealed_pan = $6
    where organization = $1 and number_id = $2`,
  resealNumber: `
    update card_number set data_key_epoch = $3, sealed_pan = $4
    where organization = $1 and number_id = $2 and data_key_epoch = $5 and token = $6`,
  resealCard: `
    update card set data_key_epoch = $4, sealed_details = $5
    where organization = $1 and number_id = $2 and sequence = $3 and data_key_epoch = $6`,
  setNextPanIndex: `
    update card_number set next_pan_index = $3 where organization = $1 and number_id = $2`,
  promotePanIndex: `
    update card_number set pan_index = next_pan_index
    where organization = $1 and number_id = $2 and next_pan_index is not null`,
  clearNextPanIndex: `
    update card_number set next_pan_index = null where organization = $1 and number_id = $2`,
  resealCredential: `
    update caller_credential set wrapped_secret = $2
    where apikey_digest = $1 and wrapped_secret = $3`,
  resealEntry: `
    update watch_entry set sealed = $2 where panid = $1 and sealed = $3`,
  resealTold: `
    update watch_entry set told = $2 where panid = $1 and told = $3`,
  reindexEntry: `
    update watch_entry set pan_index = $2, next_pan_index = $3, custom_index = $4
    where panid = $1 and ended = 0`,
  resealNotification: `
    update notification set sealed = $3 where panid = $1 and position = $2 and sealed = $4`,
  saveKeyJob: `
    insert into key_job (organization, job, epoch, position, done_count, started_at, updated_at)
    values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (organization, job) do update set epoch = excluded.epoch,
      position = excluded.position, done_count = excluded.done_count,
      started_at = excluded.started_at, updated_at = excluded.updated_at`,
  endKeyJob: `delete from key_job where organization = $1 and job = $2`,
  addOperator: `
    insert into operator (operator, name, credential_digest, created_at) values ($1, $2, $3, $4)`,
  removeOperator: `delete from operator where operator = $1`,
  askApproval: `
    insert into approval (command, requested_by, requested_at) values ($1, $2, $3)
    on conflict (command) do update set requested_by = excluded.requested_by,
      requested_at = excluded.requested_at, ended = 0`,
  endApproval: `
    update approval set ended = ended + 1 where command = $1 and requested_at = $2`,
} as const;
