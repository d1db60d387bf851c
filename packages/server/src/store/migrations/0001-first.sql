-- Portable SQL: SQLite and PostgreSQL read it alike. `/*clustered*/` marks tables whose rows are best
-- kept in the order of the primary key; SQLite makes WITHOUT ROWID of it. A step that is named `.sqlite.sql` is
-- for SQLite only.
-- Booleans are 0 or 1, moments are milliseconds since 1970 UTC, months are YYYYMM.

create table organization (
  organization integer not null primary key check (organization between 0 and 998),
  name text not null,
  pan_token_on integer not null check (pan_token_on in (0, 1)),
  formats text not null
);

create table bin_range (
  prefix text not null primary key,
  organization integer not null,
  logo integer not null,
  pan_length integer not null
);

-- organization -1: keys of the service itself.
create table wrapped_key (
  organization integer not null,
  purpose text not null,
  epoch integer not null,
  wrapped bytea not null,
  known_answer text,
  created_at bigint not null,
  primary key (organization, purpose, epoch)
);

create table caller (
  caller text not null primary key,
  name text not null unique,
  client_id text not null,
  organizations text not null,
  pci_certified integer not null check (pci_certified in (0, 1)),
  apikey_digest text not null unique,
  wrapped_secret bytea not null
);

create table merchant (
  merchant text not null primary key,
  name text not null unique,
  public_key text not null,
  algorithm text not null,
  api_key_digest text not null unique
);

-- One row for each card number; the number is in sealed_pan only.
create table card_number (
  organization integer not null,
  number_id bytea not null,
  lineage bytea not null,
  pan_index bytea not null,
  token text not null,
  epoch integer not null,
  data_key_epoch integer not null,
  sealed_pan bytea not null,
  created_at bigint not null,
  primary key (organization, number_id)
)/*clustered*/;
create unique index card_number_pan on card_number (organization, pan_index);
create unique index card_number_token on card_number (organization, token, epoch);

create table card (
  organization integer not null,
  number_id bytea not null,
  sequence integer not null,
  logo integer not null,
  expiry integer not null,
  chip_sequence integer not null,
  data_key_epoch integer not null,
  sealed_details bytea not null,
  created_at bigint not null,
  primary key (organization, number_id, sequence)
)/*clustered*/;

-- What became of the cards of a lineage, in order. Rows are only ever added.
create table account_change (
  organization integer not null,
  lineage bytea not null,
  position integer not null,
  kind text not null,
  number_id bytea not null,
  new_number_id bytea,
  sequence integer,
  expiry integer,
  recorded_at bigint not null,
  primary key (organization, lineage, position)
)/*clustered*/;

-- One row for each commit of one writer: the records of everything that became true with it.
create table audit_block (
  chain text not null,
  position integer not null,
  recorded_at bigint not null,
  record_count integer not null,
  records text not null,
  primary key (chain, position)
)/*clustered*/;
