-- The cards somebody has asked about for the first time in a day, as keyed digests of 52 bits, and
-- the books they are in. Rows older than a day are removed as new ones come.
create table budget_charge (
  charged_at bigint not null,
  who text not null,
  card bigint not null,
  book bigint not null,
  writer text not null,
  primary key (charged_at, who, card)
)/*clustered*/;

-- Limits that are lifted for a time, and who approved. Rows of both tables are only ever added.
create table budget_lift (
  lift text not null primary key,
  who text not null,
  times integer not null check (times between 2 and 1000),
  reason text not null,
  requested_by text not null,
  requested_at bigint not null,
  until_at bigint not null
);

create table budget_lift_approval (
  lift text not null primary key,
  approved_by text not null,
  approved_at bigint not null
);
