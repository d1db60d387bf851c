-- Audit blocks are chained from here on. Nothing has been released: the blocks before, which no hash
-- covers and none can any more, are not kept.
drop table audit_block;

-- The beginning of a chain: the blocks of one run of one writer. Numbers count through the service.
-- Rows of both tables are only ever added; the server needs no right to change or remove them.
create table audit_chain (
  number integer not null primary key,
  chain text not null unique,
  node text not null,
  opened_at bigint not null,
  previous_position integer not null,
  previous_hash bytea not null,
  hash bytea not null
);

-- One row for each commit of one writer: the records of everything that became true with it, one
-- canonical line each. hash: of the block, the block before it among what it covers.
create table audit_block (
  chain text not null,
  position integer not null,
  recorded_at bigint not null,
  record_count integer not null,
  records text not null,
  hash bytea not null,
  primary key (chain, position)
)/*clustered*/;

-- A part of a chain that checkpoints know and this database has not, since it was restored from an
-- older backup; an operator has accepted that by name.
create table audit_acceptance (
  chain text not null,
  kept_position integer not null,
  lost_through integer not null,
  accepted_by text not null,
  accepted_at bigint not null,
  primary key (chain, kept_position, lost_through)
);
