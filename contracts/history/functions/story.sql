-- Questions about events: one record's versions, transactions, counts.

-- One record's versions, the oldest first: what changed, as {"column": [old, new]}, and who did it. Under all
-- names that its table had.
-- lint-ok: one question, planned as a whole
create or replace function bemi.history(name text, key text, source text default null)
returns table (version bigint, valid_from timestamptz, valid_to timestamptz, operation text, changed jsonb,
               context jsonb, "row" jsonb, transaction_id bigint, id uuid)
language plpgsql stable set search_path = pg_catalog, pg_temp set jit = off as $$
declare
  place record := bemi.parse_table(name);
  source_name text := _bemi.source_of(place.schema, place."table", source);
begin
  return query
  with stretch as (
    select r.epoch, r.relation, s.*
    from (select distinct v.epoch, v.relation from _bemi.relation_version v
          where v.source = source_name and v.schema = place.schema and v."table" = place."table") r
    cross join lateral _bemi.segments(_bemi.place_of(source_name, r.epoch, r.relation)) s
  ), names as materialized (
    select distinct s.schema, s."table" from stretch s
  ), versions as (
    select distinct on (c.epoch, c.commit_position, c.sequence) c.*
    from names n cross join lateral _bemi.changes_of_key(source_name, n.schema, n."table", key) c
    join stretch s on s."table" = c."table" and s.schema = c.schema and s.epoch = c.epoch
      and (c.commit_position, c.sequence) >= (s.from_position, s.from_sequence)
      and (c.commit_position, c.sequence) < (s.to_position, s.to_sequence)
  ), told as (  -- What a checkpoint repeats is no version.
    select v.* from (select v.*, row_number() over (order by v.epoch, v.commit_position, v.sequence) as number
                     from versions v) v
    where v.number = 1 or v.operation <> 'SNAPSHOT' or not exists (
      select from _bemi.coverage k where k.checkpoint and k.source = v.source and k.epoch = v.epoch
        and k.position = v.commit_position)
  ), turns as (  -- What became of the key where it passed from one row to another.
    select s.epoch, p.commit_position, p.effective_at, o.sequence, o.stays
    from (select distinct s.epoch, s.relation from stretch s) s
    cross join lateral (select _bemi.place_of(source_name, s.epoch, s.relation) as place offset 0) l
    cross join lateral (select distinct p.commit_position, p.effective_at from _bemi.key_pass p
                        join stretch t on t.epoch = s.epoch and t.relation = s.relation
                          and (p.schema, p."table") = (t.schema, t."table")
                        where p.source = source_name and p.epoch = s.epoch) p
    cross join lateral _bemi.pass_outcome(l.place, key, p.commit_position, -1, 9223372036854775807) o
  ), ends as materialized (  -- once, and not for each version
    select t.epoch, t.commit_position, t.sequence, t.effective_at
    from names n cross join lateral _bemi.truncations_of(source_name, n.schema, n."table") t
    join stretch s on s."table" = t."table" and s.schema = t.schema and s.epoch = t.epoch
      and (t.commit_position, t.sequence) >= (s.from_position, s.from_sequence)
      and (t.commit_position, t.sequence) < (s.to_position, s.to_sequence)
    union all
    select k.epoch, k.commit_position, k.sequence, k.effective_at
    from stretch s join _bemi.key_change k on k."table" = s."table" and k.schema = s.schema and k.epoch = s.epoch
      and (k.commit_position, k.sequence) >= (s.from_position, s.from_sequence)
      and (k.commit_position, k.sequence) < (s.to_position, s.to_sequence)
    where k.previous_key = key and k.source = source_name
      -- One that went while the row that has it now was there already, or came only in passing.
      and not exists (select from turns o where (o.epoch, o.commit_position) = (k.epoch, k.commit_position)
                        and (o.stays or o.sequence < k.sequence))
    union all
    select v.epoch, v.position, v.sequence, v.effective_at
    from stretch s join _bemi.relation_version v on v.source = source_name and v.epoch = s.epoch
      and (v.schema, v."table", v.dropped) = (s.schema, s."table", true)
  ), ordered as (
    select c.*, o.commit_position is not null as passing, coalesce(o.stays, false) as in_passing,
           coalesce(o.sequence = c.sequence, false) as remains
    from told c left join turns o on (o.epoch, o.commit_position) = (c.epoch, c.commit_position)
  )
  select row_number() over w, c.effective_at,
         case when c.passing and not c.remains then c.effective_at else least(
           lead(c.effective_at) over (partition by c.in_passing order by c.epoch, c.commit_position, c.remains,
             c.sequence),
           case when c.operation <> 'DELETE' then (
             select min(e.effective_at) from ends e
             where (e.epoch, e.commit_position, e.sequence) > (c.epoch, c.commit_position, c.sequence)) end) end,
         c.operation, _bemi.difference(c.before, c.after), c.context, c.after, c.transaction_id, c.id
  from ordered c
  window w as (order by c.epoch, c.commit_position, c.remains, c.sequence)
  order by c.epoch, c.commit_position, c.remains, c.sequence;
end $$;

-- Who set each value that a row has now: the newest version that changed the column; nulls where none did, as where the
-- column came with a default. The columns are those of its newest version. No rows if the record is gone.
create or replace function bemi.blame(name text, key text, source text default null)
returns table ("column" text, value jsonb, since timestamptz, operation text, context jsonb, transaction_id bigint,
               id uuid)
language sql stable set search_path = pg_catalog, pg_temp set jit = off as $$
  with versions as materialized (select * from bemi.history(blame.name, blame.key, blame.source)),
  newest as (select * from versions v order by v.version desc limit 1)
  select c.key, c.value, w.valid_from, w.operation, w.context, w.transaction_id, w.id
  from newest n
  cross join lateral jsonb_each(n."row") c
  left join lateral (select v.* from versions v where v.changed ? c.key order by v.version desc limit 1) w on true
  where n.operation <> 'DELETE' and n.valid_to is null
  order by w.version desc nulls last, c.key
$$;

create or replace function _bemi.difference(before jsonb, after jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select coalesce(jsonb_object_agg(key, jsonb_build_array(before -> key, after -> key)), '{}')
  from (select jsonb_object_keys(before) union select jsonb_object_keys(after)) keys (key)
  -- Compared as text: to jsonb, 1.0 and 1.00 are equal; to the person who changed it, they are not.
  where (before -> key)::text is distinct from (after -> key)::text
$$;

-- The effects of each transaction, the newest first.
create or replace function bemi.transactions(since timestamptz default '-infinity',
  until timestamptz default 'infinity',
                                  with_context jsonb default '{}', source text default null, "limit" bigint default 50)
returns table (transaction_source text, transaction_id bigint, effective_at timestamptz, changes bigint, tables jsonb,
               context jsonb)
language sql stable set search_path = pg_catalog, pg_temp set jit = off as $$
  with changed as (
    select c.source, c.epoch, c.commit_position, c.transaction_id, c.effective_at,
           c.schema || '.' || c."table" as "table", count(*) as count,
           (array_agg(c.context - 'SQL' order by c.sequence))[1] as context
    from @schema@.changes c
    where c.effective_at >= transactions.since and c.effective_at < transactions.until
      and c.context @> with_context and (transactions.source is null or c.source = transactions.source)
      and c.operation <> 'SNAPSHOT'
    group by 1, 2, 3, 4, 5, 6
  )
  select c.source, c.transaction_id, c.effective_at, sum(c.count)::bigint, jsonb_object_agg(c."table", c.count),
         (array_agg(c.context))[1]
  from changed c group by c.source, c.epoch, c.commit_position, c.transaction_id, c.effective_at
  order by c.effective_at desc, c.epoch desc, c.commit_position desc limit "limit"
$$;

-- Counts changes in each span of time, by table, operation or any key of the context.
create or replace function bemi.trends(span interval default '1 hour', group_by text default 'operation',
                            since timestamptz default now() - interval '1 day', until timestamptz default 'infinity',
                            source text default null)
returns table (starts_at timestamptz, grp text, changes bigint)
language sql stable set search_path = pg_catalog, pg_temp set jit = off as $$
  select date_bin(span, c.effective_at, '2000-01-01 00:00:00+00'),
         case group_by when 'operation' then c.operation when 'table' then c.schema || '.' || c."table"
           when 'source' then c.source else c.context ->> group_by end,
         count(*)
  from @schema@.changes c
  where c.effective_at >= since and c.effective_at < until and c.operation <> 'SNAPSHOT'
    and (trends.source is null or c.source = trends.source)
  group by 1, 2 order by 1, 2
$$;

comment on function bemi.history(text, text, text) is
  'The versions of one record: what changed, as {"column": [old, new]}, when and by whom, under all its table names.';
comment on function bemi.blame(text, text, text) is
  'Who set each value that a record has now, and when; no rows if the record is gone.';
comment on function bemi.transactions(timestamptz, timestamptz, jsonb, text, bigint) is
  'Transactions with what each one did, the newest first.';
comment on function bemi.trends(interval, text, timestamptz, timestamptz, text) is
  'The number of changes in each span of time, by operation, table, source or a key of the context.';
