-- Keys that live: each has an id, an environment, the key-encryption key it is wrapped under and a
-- check value for people to compare. Keys of an older program are not taken over: there is no release.
alter table wrapped_key add column key_id text not null default '';
alter table wrapped_key add column environment text not null default '';
alter table wrapped_key add column kek text not null default '';
alter table wrapped_key add column check_value text not null default '';

-- The life of each key. A row stays when its key is destroyed and gone from wrapped_key.
create table key_epoch (
  organization integer not null,
  purpose text not null,
  epoch integer not null,
  state text not null
    check (state in ('pre-active', 'active', 'open-only', 'closed', 'destroyed')),
  created_at bigint not null,
  state_since bigint not null,
  seen_count bigint not null,
  last_seen_at bigint,
  primary key (organization, purpose, epoch)
)/*clustered*/;
-- One key of a purpose makes, and one at most waits to.
create unique index key_epoch_active on key_epoch (organization, purpose) where state = 'active';
create unique index key_epoch_waiting on key_epoch (organization, purpose)
  where state = 'pre-active';

-- Tokens that cards had before they were moved to a newer epoch.
create table replaced_token (
  organization integer not null,
  epoch integer not null,
  token text not null,
  number_id bytea not null,
  replaced_at bigint not null,
  primary key (organization, epoch, token)
)/*clustered*/;

-- The keyed index under the next index key, while one key takes over from another.
alter table card_number add column next_pan_index bytea;
create unique index card_number_next_pan on card_number (organization, next_pan_index)
  where next_pan_index is not null;

-- How far a job over the numbers of an organization has come.
create table key_job (
  organization integer not null,
  job text not null,
  epoch integer not null,
  position bytea not null,
  done_count bigint not null,
  started_at bigint not null,
  updated_at bigint not null,
  primary key (organization, job)
)/*clustered*/;

-- People who run key commands, and commands that wait for a second one of them.
create table operator (
  operator text not null primary key,
  name text not null unique,
  credential_digest text not null unique,
  created_at bigint not null
);
create table approval (
  command text not null primary key,
  requested_by text not null,
  requested_at bigint not null
);
