-- A card nobody honest asks about: whoever does raises an alarm. It comes with the row of the number,
-- so that looking costs nothing.
alter table card_number add column bait integer not null default 0;
create index card_number_bait on card_number (organization, number_id) where bait = 1;

-- Holds back who registers on a view of the directory that is no longer the newest one.
alter table directory_version add column fence bigint not null default 0
  constraint directory_version_fence check (fence = 0);
