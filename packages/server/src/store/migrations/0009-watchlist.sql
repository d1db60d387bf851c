-- The watchlist of merchants, and what they are told.

-- How a merchant is notified.
alter table merchant add column notification_url text;
alter table merchant add column notification_signed integer not null default 0;

-- The organizations whose PAN-TOKENs a merchant may name cards by, a JSON list.
alter table merchant add column organizations text not null default '[]';

-- Cards a merchant wants to hear of. Number, expiry and custom reference are in sealed only; both
-- indices are keyed digests. fence holds a unit back whose claim somebody else has taken over.
create table watch_entry (
  panid text not null primary key,
  merchant text not null,
  pan_index bytea,
  custom_index bytea,
  sealed bytea not null,
  organization integer,
  lineage bytea,
  told_status text,
  told bytea,
  notification_count integer not null,
  failure_count integer not null,
  last_code text,
  next_check_at bigint not null,
  claimed_until bigint not null,
  claim_count integer not null,
  fence integer not null constraint watch_entry_fence check (fence = 0),
  ended integer not null,
  created_at bigint not null
);
create unique index watch_entry_pan on watch_entry (merchant, pan_index);
create index watch_entry_custom on watch_entry (merchant, custom_index);
create index watch_entry_due on watch_entry (next_check_at);
create index watch_entry_lineage on watch_entry (organization, lineage);
create index watch_entry_number on watch_entry (pan_index);

-- A lineage whose watchers are to be checked, from its day on. Written with the change it is for.
create table watch_mark (
  mark bytea not null primary key,
  organization integer not null,
  lineage bytea not null,
  due_at bigint not null
);
create index watch_mark_due on watch_mark (due_at);

-- What merchants are told, in order for each panid. It stays when it is settled.
create table notification (
  panid text not null,
  position integer not null,
  merchant text not null,
  request_id text not null,
  sealed bytea not null,
  state text not null,
  attempt_count integer not null,
  next_attempt_at bigint not null,
  claimed_until bigint not null,
  claim_count integer not null,
  fence integer not null constraint notification_fence check (fence = 0),
  last_outcome text,
  created_at bigint not null,
  settled_at bigint,
  primary key (panid, position)
);
create index notification_due on notification (state, next_attempt_at);
