-- What undoing and marks need of the history. Read by who reverts; only marks are written.

-- A named state of a source to go back to: all that was committed up to the position, and the sequences.
create table _bemi.mark (
  source text not null,
  name text not null,
  epoch int not null,
  commit_position bigint not null,
  effective_at timestamptz not null,
  sequences jsonb not null,              -- [{"schema", "sequence", "last_value", "is_called"}, ...]
  not_covered jsonb not null,            -- tables that are untracked or unlogged: they stay as they are
  protected boolean not null default false,
  comment text,
  created_at timestamptz not null default now(),
  -- Of the last rollback to it, to go forward again: its transaction, and the sequences before it.
  rollback_transaction bigint,
  rollback_sequences jsonb,
  rolled_back_at timestamptz,
  primary key (source, name)
);

-- The rows that a table had right before a position: what a TRUNCATE there took. Raises where not all are known.
create function _bemi.rows_before(in_source text, in_schema text, in_table text, in_epoch int,
                                  in_position bigint, in_sequence bigint)
returns table (key text, "row" jsonb, exact jsonb, fidelity jsonb)
language plpgsql stable set search_path = pg_catalog as $$
declare known _bemi.coverage; emptied record;
begin
  select * into known from _bemi.coverage c
  where c.source = in_source and c.epoch = in_epoch and c.schema = in_schema and c."table" = in_table
    and c.position <= in_position order by c.position desc limit 1;
  if known.source is null or not known.whole then
    raise exception 'not all rows that %.% had are known: its TRUNCATE cannot be undone', in_schema, in_table
      using errcode = 'object_not_in_prerequisite_state',
            hint = 'that needs a baseline from before it (bemi run --snapshot initial)';
  end if;
  select t.commit_position, t.sequence into emptied from @schema@.changes t
  where t.operation = 'TRUNCATE' and t."table" = in_table and t.schema = in_schema and t.source = in_source
    and t.epoch = in_epoch and (t.commit_position, t.sequence) < (in_position, in_sequence)
  order by t.commit_position desc, t.sequence desc limit 1;
  return query
  select v.key, v.content, v.said, v.remarks from (
    select distinct on (e.key) e.* from (
      select c.primary_key as key, c.operation = 'DELETE' as ends, c.commit_position, c.sequence,
             c.after as content, c.exact -> 'after' as said, c.fidelity -> 'after' as remarks
      from @schema@.changes c
      where c."table" = in_table and c.schema = in_schema and c.source = in_source and c.epoch = in_epoch
        and c.operation not in ('TRUNCATE', 'SCHEMA') and c.primary_key is not null
        and c.commit_position >= known.position
        and (c.commit_position, c.sequence) < (in_position, in_sequence)
      union all
      select k.previous_key, true, k.commit_position, k.sequence, null, null, null
      from _bemi.key_change k
      where k."table" = in_table and k.schema = in_schema and k.source = in_source and k.epoch = in_epoch
        and k.commit_position >= known.position
        and (k.commit_position, k.sequence) < (in_position, in_sequence)
    ) e
    where emptied.sequence is null or (e.commit_position, e.sequence) > (emptied.commit_position, emptied.sequence)
    order by e.key, e.commit_position desc, e.sequence desc, e.ends desc
  ) v
  where not v.ends;
  return query
  select null::text, n.content::jsonb, n.said::jsonb, n.remarks::jsonb
  from (
    select e.content, e.said, e.remarks, sum(e.count) as count from (
      select c.after::text as content, (c.exact -> 'after')::text as said, (c.fidelity -> 'after')::text as remarks,
             1 as count, c.commit_position, c.sequence
      from @schema@.changes c
      where c."table" = in_table and c.schema = in_schema and c.source = in_source and c.epoch = in_epoch
        and c.operation in ('CREATE', 'SNAPSHOT', 'UPDATE') and c.primary_key is null
        and c.commit_position >= known.position
        and (c.commit_position, c.sequence) < (in_position, in_sequence)
      union all
      select c.before::text, (c.exact -> 'before')::text, (c.fidelity -> 'before')::text, -1,
             c.commit_position, c.sequence
      from @schema@.changes c
      where c."table" = in_table and c.schema = in_schema and c.source = in_source and c.epoch = in_epoch
        and c.operation in ('UPDATE', 'DELETE') and c.primary_key is null
        and c.commit_position >= known.position
        and (c.commit_position, c.sequence) < (in_position, in_sequence)
    ) e
    where emptied.sequence is null or (e.commit_position, e.sequence) > (emptied.commit_position, emptied.sequence)
    group by 1, 2, 3
  ) n
  cross join lateral generate_series(1, n.count);
end $$;
