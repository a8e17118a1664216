-- Transactions in which a key may have passed from one row to another while both had it (a deferrable key): the
-- newest of their changes of that key alone does not tell who has it then.
create table _bemi.key_pass (
  source text not null,
  schema text not null,
  "table" text not null,
  epoch int not null,
  commit_position bigint not null,
  effective_at timestamptz not null,
  primary key (source, schema, "table", epoch, commit_position)
);
insert into _bemi.installed values ('table', '_bemi.key_pass');

-- Of what was stored before this table was there: a row came to the key before another one left it.
insert into _bemi.key_pass
select distinct k.source, k.schema, k."table", k.epoch, k.commit_position, k.effective_at
from _bemi.key_change k
where exists (
  select from @schema@.changes c
  where c."table" = k."table" and c.primary_key = k.previous_key and c.schema = k.schema and c.source = k.source
    and c.epoch = k.epoch and c.effective_at = k.effective_at and c.commit_position = k.commit_position
    and c.sequence < k.sequence and c.operation in ('CREATE', 'UPDATE'))
on conflict do nothing;
