/**
 * The statements of the watchlist and the outbox, as portable as those of statements.ts.
 *
 * A unit that settles something subtracts the claim it was made under from the one that stands; a
 * difference breaks the constraint `..._fence`, and with it the unit.
 *
 * @module
 */

export const WATCH_READS = {
  findPanid: `
    select panid from watch_entry where merchant = $1 and pan_index in ($2, $3)`,
  findWatch: `
    select merchant as "merchantId", organization, subscribed_at as "subscribedAtMs"
    from watch_entry where panid = $1 and ended = 0`,
  /** The order holds PostgreSQL to the index: of few merchants, it would look for one by reading all. */
  findWatchOfMerchant: `
    select 1 as "found"
    where (
      select panid from watch_entry where merchant = $1 and pan_index is not null and ended = 0
      order by pan_index limit 1) is not null`,
  listWatchers: `
    select merchant from watch_entry where pan_index in ($1, $2) and ended = 0 limit 100000`,
  /**
   * What either digest finds, merged from two walks of the index; both may be the same. PostgreSQL would
   * sort all of a walk that is not limited by itself, and SQLite would sort one that is.
   */
  listPanids: `
    select panid from (
      select panid from watch_entry
      where merchant = $1 and custom_index = $2 and ended = 0 and panid > $4
      order by panid /*limit $5*/) as one
    union all
    select panid from (
      select panid from watch_entry
      where merchant = $1 and custom_index = $3 and $3 <> $2 and ended = 0 and panid > $4
      order by panid /*limit $5*/) as two
    order by panid limit $5`,
  listFailingWatches: `
    select panid, merchant as "merchantId", failure_count as "failureCount",
      last_code as "lastCode", next_check_at as "nextCheckAtMs"
    from watch_entry where panid > $1 and last_code is not null and ended <> 1
    order by panid limit $2`,
  listDueFeed: `
    select organization, panid, due_at as "dueAtMs", lineage, position from change_feed
    where woken = 0 and due_at <= $1 order by due_at limit $2`,
  listFeed: `
    select organization, panid, due_at as "dueAtMs", lineage, position from change_feed
    where organization = $1 and panid = $2 order by due_at, lineage, position limit 10000`,
  findNotification: `
    select state from notification where panid = $1 and position = $2`,
  /** In the order of the index on state and next attempt, backwards. */
  listNotifications: `
    select panid, position, merchant as "merchantId", request_id as "requestId", state,
      attempt_count as "attemptCount", next_attempt_at as "nextAttemptAtMs",
      last_outcome as "lastOutcome", created_at as "createdAtMs"
    from notification
    where state = $1 and (next_attempt_at, panid, position) < ($2, $3, $4)
    order by next_attempt_at desc, panid desc, position desc limit $5`,
} as const;

export const WATCH_WRITES = {
  addWatch: `
    insert into watch_entry (panid, merchant, pan_index, next_pan_index, custom_index, sealed,
      organization, lineage, next_check_at, created_at, notification_count, failure_count,
      claimed_until, claim_count, fence, ended)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, 0, 0, 0, 0)`,
  endWatch: `
    update watch_entry set ended = 1, pan_index = null, next_pan_index = null, custom_index = null,
      sealed = $2, told = null, claim_count = claim_count + 1
    where panid = $1`,
  /** Its scheme is still to be told. */
  leaveWatch: `
    update watch_entry set ended = 2, pan_index = null, next_pan_index = null, custom_index = null,
      next_check_at = $2, claimed_until = 0, claim_count = claim_count + 1
    where panid = $1 and ended = 0`,
  /**
   * A page of a merchant's: a transaction of some milliseconds, so that nobody waits long behind it. What
   * is ended has no index, and those before are passed over; the order is as in findWatchOfMerchant.
   */
  leaveMerchant: `
    update watch_entry set ended = 2, pan_index = null, next_pan_index = null, custom_index = null,
      next_check_at = $2, claimed_until = 0, claim_count = claim_count + 1
    where panid in (
      select panid from watch_entry
      where merchant = $1 and pan_index is not null and ended = 0
      order by pan_index limit 500)`,
  /** By who has claimed it, and nobody else. */
  finishWatch: `
    update watch_entry set fence = claim_count - $2, ended = 1, pan_index = null,
      next_pan_index = null, custom_index = null, sealed = $3, told = null
    where panid = $1`,
  dropNotifications: `
    delete from notification where panid = $1 and state <> 'delivered'`,
  watchCard: `
    insert into watched_card (organization, subject, panid) values ($1, $2, $3)
    on conflict do nothing`,
  /** An index has 32 bytes, a lineage 16. */
  forgetSubjects: `
    delete from watched_card
    where organization = $1 and panid = $2 and length(subject) = 32 and subject <> $3`,
  leaveCard: `
    delete from watched_card where organization = $1 and panid = $2`,
  /** Who waited for a number to come on record watches its lineage from the first change on. */
  adoptWatchers: `
    insert into watched_card (organization, subject, panid)
    select organization, $2, panid from watched_card where organization = $1 and subject = $3
    on conflict do nothing`,
  /** One row for each who watches; none, and one look on the shard of the change, where nobody does. */
  feedWatchers: `
    insert into change_feed (organization, panid, due_at, lineage, position, woken)
    select organization, panid, $3, $4, $5, 0 from watched_card
    where organization = $1 and subject = $2
    on conflict do nothing`,
  markWoken: `
    update change_feed set woken = 1
    where organization = $1 and panid = $2 and due_at = $3 and lineage = $4 and position = $5`,
  dropFed: `
    delete from change_feed
    where organization = $1 and panid = $2 and due_at = $3 and lineage = $4 and position = $5`,
  dropFeed: `
    delete from change_feed where organization = $1 and panid = $2`,
  wakeEntry: `
    update watch_entry set next_check_at = $2, claimed_until = 0, claim_count = claim_count + 1
    where panid = $1 and ended = 0`,
  wakeNumber: `
    update watch_entry set next_check_at = $3, claimed_until = 0, claim_count = claim_count + 1
    where pan_index in ($1, $2) and ended = 0`,
  settleCheck: `
    update watch_entry set fence = claim_count - $2, next_check_at = $3, claimed_until = 0,
      organization = $4, lineage = $5, told_status = $6, told = coalesce($7, told),
      notification_count = $8,
      failure_count = $9, last_code = $10, subscribed_at = $11
    where panid = $1`,
  addNotification: `
    insert into notification (panid, position, merchant, request_id, sealed, created_at,
      next_attempt_at, state, attempt_count, claimed_until, claim_count, fence)
    values ($1, $2, $3, $4, $5, $6, $6, 'pending', 0, 0, 0, 0)`,
  settleDelivery: `
    update notification set fence = claim_count - $3, state = $4, attempt_count = $5,
      next_attempt_at = $6, claimed_until = 0, last_outcome = $7, settled_at = $8,
      sealed = coalesce($9, sealed)
    where panid = $1 and position = $2`,
  retryNotification: `
    update notification set state = 'pending', attempt_count = 0, next_attempt_at = $3,
      claimed_until = 0, claim_count = claim_count + 1, settled_at = null
    where panid = $1 and position = $2 and state <> 'delivered'`,
} as const;

/** How many a node takes for itself at once, at most. */
export const CLAIMS_MAX = 200;

/**
 * Writes that give rows: what a node takes for itself. In a transaction of their own. A limit that it is
 * not told PostgreSQL takes for a tenth of all there is, and for so many it reads the whole table: the
 * limit that stands in the text keeps it at looking for each by its key.
 */
export const CLAIMS = {
  claimEntries: `
    update watch_entry set claimed_until = $2, claim_count = claim_count + 1
    where panid in (
      select panid from (
        select panid from watch_entry
        where next_check_at <= $1 and claimed_until <= $1 and ended <> 1
        order by next_check_at limit $3 /*skip locked*/) as due limit ${CLAIMS_MAX})
    returning panid, merchant as "merchantId", sealed, organization, lineage,
      told_status as "toldStatus", told, notification_count as "notificationCount",
      failure_count as "failureCount", next_check_at as "nextCheckAtMs", claim_count as "claim",
      subscribed_at as "subscribedAtMs", ended`,
  claimNotifications: `
    update notification set claimed_until = $2, claim_count = claim_count + 1
    where (panid, position) in (
      select panid, position from (
        select panid, position from notification n
        where state = 'pending' and next_attempt_at <= $1 and claimed_until <= $1
          and not exists (
            select 1 from notification earlier
            where earlier.panid = n.panid and earlier.position < n.position
              and earlier.state = 'pending')
        order by next_attempt_at limit $3 /*skip locked*/) as due limit ${CLAIMS_MAX})
    returning panid, position, merchant as "merchantId", request_id as "requestId", sealed,
      created_at as "createdAtMs", attempt_count as "attemptCount", claim_count as "claim"`,
} as const;

export type ClaimName = keyof typeof CLAIMS;
