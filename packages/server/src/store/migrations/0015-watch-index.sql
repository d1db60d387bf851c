-- The key that watched cards are found by can have a successor.

-- The number under the index key that comes next; where none does, under the same as in pan_index. Both
-- are there once for each merchant: nodes that are a step apart do not both add a card.
alter table watch_entry add column next_pan_index bytea;
create unique index watch_entry_next_pan on watch_entry (merchant, next_pan_index);

-- What a merchant was told last is sealed from now on, and no digest under that key. Who was told
-- something before this is told once more, should its card be checked: there is no release.
update watch_entry set told = null;
