-- Every change of a watched card on our own record is told by itself: the change's own transaction
-- writes, for each who watches, that there is something to tell.

-- Who watches a card on our own record. The subject is a lineage; or, of a number that is not on
-- record yet, its index. Beside the cards, so that a change finds its watchers on its own shard.
create table watched_card (
  organization integer not null,
  subject bytea not null,
  panid text not null,
  primary key (organization, subject, panid)
)/*clustered*/;
create index watched_card_panid on watched_card (organization, panid);

-- What each of them has to be told, from its moment on. Gone when it has been put in the outbox.
create table change_feed (
  organization integer not null,
  panid text not null,
  due_at bigint not null,
  lineage bytea not null,
  position integer not null,
  woken integer not null,
  primary key (organization, panid, due_at, lineage, position)
)/*clustered*/;
create index change_feed_due on change_feed (woken, due_at);

insert into watched_card (organization, subject, panid)
  select organization, lineage, panid from watch_entry
  where ended = 0 and organization is not null and lineage is not null;

-- What was marked and not looked at yet is looked at when it is due; position 0 is no change.
insert into change_feed (organization, panid, due_at, lineage, position, woken)
  select distinct watch_mark.organization, watch_entry.panid, watch_mark.due_at,
    watch_mark.lineage, 0, 0
  from watch_mark join watch_entry on watch_entry.organization = watch_mark.organization
    and watch_entry.lineage = watch_mark.lineage
  where watch_entry.ended = 0;
drop table watch_mark;

-- Schemes that push are subscribed to for watched cards. `ended` 2: no longer watched, and the scheme is
-- still to be told; the number is kept until then.
alter table watch_entry add column subscribed_at bigint;
