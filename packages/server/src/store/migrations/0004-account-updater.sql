-- The account updater: account changes that are sent by others, with their reference and day.

alter table account_change add column other_lineage bytea;
alter table account_change add column merchant text;
alter table account_change add column corrects integer;
alter table account_change add column reference_index bytea;
alter table account_change add column effective_at bigint not null default 0;
create unique index account_change_reference on account_change (organization, reference_index);
