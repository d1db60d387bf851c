-- Schemes that push are subscribed to for watched cards. `ended` 2: no longer watched, and the scheme is
-- still to be told; the number is kept until then.
alter table watch_entry add column subscribed_at bigint;
