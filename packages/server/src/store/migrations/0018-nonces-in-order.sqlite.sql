-- SQLite keeps nonces in the order they came in, which changes a few pages for a batch in place of one for each
-- nonce. Its writer sees to it that a nonce is taken once (sqlite-nonces.ts).
alter table request_nonce rename to request_nonce_before;
create table request_nonce (
  caller text not null,
  nonce text not null,
  expires_at bigint not null,
  primary key (expires_at, caller, nonce)
);
insert into request_nonce (caller, nonce, expires_at)
  select caller, nonce, expires_at from request_nonce_before order by expires_at;
drop table request_nonce_before;
