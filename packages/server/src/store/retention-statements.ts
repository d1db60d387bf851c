/**
 * The statements that delete cards after their time, and keep their names from being given again.
 *
 * @module
 */

export const RETENTION_READS = {
  findDeletedName: `
    select deleted_at as "deletedAtMs" from deleted_name where organization = $1 and digest = $2`,
  listReplacedTokens: `
    select token, epoch from replaced_token
    where organization = $1 and number_id = $2 order by epoch, token limit 1000`,
} as const;

export const RETENTION_WRITES = {
  setRetention: `
    update organization set retention_days = $2 where organization = $1`,
  /** Comes after the number: who waited for its unique index sees what was deleted meanwhile. */
  demandNotDeleted: `
    update deleted_name set given = 1 where organization = $1 and digest in ($2, $3)`,
  addDeletedName: `
    insert into deleted_name (organization, digest, deleted_at, given) values ($1, $2, $3, 0)`,
  deleteCards: `
    delete from card where organization = $1 and number_id = $2`,
  deleteReplacedTokens: `
    delete from replaced_token where organization = $1 and number_id = $2`,
  deleteNumber: `
    delete from card_number where organization = $1 and number_id = $2`,
  dropNotificationsOfNumber: `
    delete from notification where panid in (
      select panid from watch_entry where pan_index in ($1, $2))`,
  endWatchesOfNumber: `
    update watch_entry set ended = 1, pan_index = null, next_pan_index = null, custom_index = null,
      sealed = $3, told = null, claim_count = claim_count + 1
    where pan_index in ($1, $2)`,
} as const;
