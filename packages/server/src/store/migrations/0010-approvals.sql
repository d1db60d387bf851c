-- An approval serves once: whoever ends it a second time breaks the constraint, and with it the unit.
alter table approval add column ended integer not null default 0
  constraint approval_fence check (ended <= 1);
