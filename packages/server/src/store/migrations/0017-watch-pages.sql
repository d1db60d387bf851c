-- Watched cards are listed by pages, and taken when they are due: each time a walk of an index from where
-- the one before ended. What has ended is kept, may be far more than what is watched, and is in none.

create index watch_entry_organization on watch_entry (organization, panid)
  where ended = 0 and organization is not null;
create index watch_entry_reference on watch_entry (merchant, custom_index, panid)
  where ended = 0 and custom_index is not null;
create index watch_entry_failing on watch_entry (panid)
  where last_code is not null and ended <> 1;
create index watch_entry_next_check on watch_entry (next_check_at) where ended <> 1;

-- Last, and over at once: this holds up readers, too.
drop index watch_entry_lineage;
drop index watch_entry_custom;
drop index watch_entry_due;
