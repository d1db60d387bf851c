-- Signed requests of the last minutes: a nonce is taken once, on whatever node.
create table request_nonce (
  caller text not null,
  nonce text not null,
  expires_at bigint not null,
  primary key (caller, nonce)
)/*clustered*/;
create index request_nonce_expiry on request_nonce (expires_at);
