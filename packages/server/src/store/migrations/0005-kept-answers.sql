-- Answers to calls that create, by the Idempotency-Key they came with: told again for a day.
create table kept_answer (
  organization integer not null,
  caller text not null,
  key_digest text not null,
  body_digest text not null,
  data_key_epoch integer not null,
  sealed_answer bytea not null,
  created_at bigint not null,
  primary key (organization, caller, key_digest)
)/*clustered*/;
create index kept_answer_age on kept_answer (organization, created_at);
