-- How many validations a minute each node answers a merchant; null: as many as it can.
alter table merchant add column validations_per_minute integer;
