-- Cards are deleted so many days after they end; null: they are kept.
alter table organization add column retention_days integer check (retention_days between 0 and 36500);

-- What was deleted: keyed digests of its tokens and of its number, which are not given again. Whoever
-- gives one breaks the constraint, and with it the unit.
create table deleted_name (
  organization integer not null,
  digest bytea not null,
  deleted_at bigint not null,
  given integer not null constraint deleted_name_given check (given = 0),
  primary key (organization, digest)
)/*clustered*/;

create index replaced_token_number on replaced_token (organization, number_id);
