-- Callers with rights and limits, and their credentials apart from them, so that two can be valid.
-- Lists are JSON. SQLite cannot drop a unique column, so the table is made anew.

create table caller_credential (
  caller text not null,
  apikey_digest text not null primary key,
  wrapped_secret bytea not null,
  created_at bigint not null,
  expires_at bigint
);
insert into caller_credential (caller, apikey_digest, wrapped_secret, created_at, expires_at)
select caller, apikey_digest, wrapped_secret, 0, null from caller;

create table caller_before as
select caller, name, client_id, organizations, pci_certified from caller;
drop table caller;
create table caller (
  caller text not null primary key,
  name text not null unique,
  client_id text not null,
  organizations text not null,
  pci_certified integer not null check (pci_certified in (0, 1)),
  rights text not null,
  signature text not null check (signature in ('optional', 'required')),
  signature_form text not null,
  number_form text not null,
  keys text not null,
  networks text not null,
  certificates text not null,
  expires_at bigint,
  disabled_at bigint,
  -- Said by the database, too: a right to numbers needs certification.
  check (pci_certified = 1 or rights not like '%inquire-number%')
);
insert into caller (caller, name, client_id, organizations, pci_certified, rights, signature,
  signature_form, number_form, keys, networks, certificates)
select caller, name, client_id, organizations, pci_certified,
  case when pci_certified = 1 then '["issue","inquire-token","inquire-number"]'
    else '["issue","inquire-token"]' end,
  'optional', 'firstvision', 'clear', '[]', '[]', '[]'
from caller_before;
drop table caller_before;

alter table merchant add column networks text not null default '[]';
alter table merchant add column certificates text not null default '[]';
alter table merchant add column expires_at bigint;
alter table merchant add column disabled_at bigint;

-- One row. Whoever changes what is registered counts it up, so that every node notices.
create table directory_version (
  id integer not null primary key check (id = 1),
  version bigint not null
);
insert into directory_version (id, version) values (1, 1);
