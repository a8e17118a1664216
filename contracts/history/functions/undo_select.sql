-- The history's part of an undo: the rows that a TRUNCATE removed, and the net effect of selected changes.

-- The rows that a table had right before a position: what a TRUNCATE there took. Raises where not all are known.
-- That a partition of it was emptied there (of_partition) is itself what ends knowing them all.
-- lint-ok: one question, planned as a whole
create or replace function _bemi.rows_before(in_source text, in_schema text, in_table text, in_epoch int,
                                  in_position bigint, in_sequence bigint,
                                  of_partition boolean default false)
returns table (key text, "row" jsonb, exact jsonb, fidelity jsonb)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare known _bemi.coverage; emptied record; place _bemi.place;
begin
  select * into known from _bemi.coverage c
  where c.source = in_source and c.epoch = in_epoch and c.schema = in_schema and c."table" = in_table
    and (c.position < in_position or c.position = in_position and not of_partition)
  order by c.position desc limit 1;
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
  place := row(in_source, in_epoch, known.relation, in_schema, in_table, 'infinity', known.position, null, false,
               '-infinity');
  if _bemi.has_passes(place) then
    return query
    select c.primary_key, c.after, c.exact -> 'after', c.fidelity -> 'after'
    from _bemi.passed_keys(place, in_position, in_sequence) k
    cross join lateral _bemi.passed_row(place, k.key, in_position, in_sequence) c;
  end if;
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

-- Which changes are meant, as SQL over `changes`; raises when nothing says so.
create or replace function _bemi.revert_condition(context jsonb, transaction bigint, table_name text, primary_key text,
                                       operation text, since timestamptz, until timestamptz, trace text,
                                       changes uuid[]) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  place record;
  said record;
  parts text[] := '{}';
begin
  if table_name is not null then
    place := bemi.parse_table(table_name);
    perform _bemi.check_table(place.schema, place."table");
    parts := parts || format('c."table" = %L and c.schema = %L', place."table", place.schema);
  end if;
  if primary_key is not null then parts := parts || format('c.primary_key = %L', primary_key); end if;
  if operation is not null then parts := parts || format('c.operation = %L', upper(operation)); end if;
  if transaction is not null then parts := parts || format('c.transaction_id = %s', transaction); end if;
  if since is not null then parts := parts || format('c.effective_at >= %L', since); end if;
  if until is not null then parts := parts || format('c.effective_at < %L', until); end if;
  if changes is not null then parts := parts || format('c.id = any (%L::uuid[])', changes); end if;
  if trace is not null then context := coalesce(context, '{}') || jsonb_build_object('trace_id', trace); end if;
  for said in select key, value from jsonb_each(coalesce(context, '{}')) loop
    -- 42 is stored as a number or as a string, whichever the application passed: either matches.
    parts := parts || format('(c.context @> %L%s)', jsonb_build_object(said.key, said.value),
      case
        when jsonb_typeof(said.value) in ('number', 'boolean')
          then format(' or c.context @> %L', jsonb_build_object(said.key, said.value #>> '{}'))
        when jsonb_typeof(said.value) = 'string' and said.value #>> '{}' ~ '^(-?(0|[1-9][0-9]*)(\.[0-9]+)?|true|false)$'
          then format(' or c.context @> %L', jsonb_build_object(said.key, (said.value #>> '{}')::jsonb))
        else '' end);
  end loop;
  if parts = '{}' then
    raise exception 'nothing says which changes to undo'
      using errcode = 'invalid_parameter_value',
            hint = 'give at least one of context, transaction, table_name, primary_key, since, until, trace, changes';
  end if;
  return array_to_string(parts, ' and ');
end $$;

-- The net effect of the changes that a condition selects, one row each: U (columns go back), I (the row comes back), D
-- (the row goes), or the conflict. Rows are found by key, or by their content if they have none.
-- `asked` says which rows; `condition`, which is wider, says which of their changes count as selected.
-- lint-ok: one question, planned as a whole
create or replace function _bemi.net_changes(in_source text, asked text, condition text)
returns table (schema text, "table" text, kind text, key text, columns text[], expected jsonb, expected_exact jsonb,
               target jsonb, target_exact jsonb, conflict text)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return query execute format($query$
with chosen as materialized (
  select c.* from @schema@.changes c
  where c.source = %1$L and (%3$s) and c.operation in ('CREATE', 'UPDATE', 'DELETE', 'TRUNCATE')
), taken as materialized (
  -- A TRUNCATE counts as if its rows had been deleted one by one.
  select e.schema, e."table", r.key, 'DELETE' as operation, true as mine, r."row" as before, '{}'::jsonb as after,
         r.exact as exact_before, null::jsonb as exact_after, r.fidelity as fidelity_before,
         e.epoch, e.commit_position, e.sequence
  from chosen e
  cross join lateral _bemi.rows_before(e.source, e.schema, e."table", e.epoch, e.commit_position, e.sequence) r
  where e.operation = 'TRUNCATE'
), named as (
  select c.schema, c."table", c.primary_key as key, c.operation, true as mine, c.before, c.after,
         c.exact -> 'before' as exact_before, c.exact -> 'after' as exact_after,
           c.fidelity -> 'before' as fidelity_before,
         c.epoch, c.commit_position, c.sequence
  from chosen c where c.operation <> 'TRUNCATE'
  union all select * from taken
), first as materialized (
  select distinct on (n.schema, n."table", n.key) n.schema, n."table", n.key, n.epoch, n.commit_position, n.sequence
  from named n where n.key is not null order by 1, 2, 3, 4, 5, 6
), began as (
  select min(c.effective_at) as at from chosen c
), events as materialized (
  select e.*, row_number() over (partition by e.schema, e."table", e.key order by e.epoch, e.commit_position,
    e.sequence) as nth,
         row_number() over (partition by e.schema, e."table", e.key
                            order by e.epoch desc, e.commit_position desc, e.sequence desc) as from_last
  from (
    select c.schema, c."table", c.primary_key as key, c.operation, (%2$s) as mine, c.before, c.after,
           c.exact -> 'before' as exact_before, c.exact -> 'after' as exact_after,
           c.fidelity -> 'before' as fidelity_before, c.epoch, c.commit_position, c.sequence
    from first f join @schema@.changes c on c."table" = f."table" and c.primary_key = f.key and c.schema = f.schema
    where c.source = %1$L and c.operation in ('CREATE', 'UPDATE', 'DELETE')
      and c.effective_at >= (select at from began)
      and (c.epoch, c.commit_position, c.sequence) >= (f.epoch, f.commit_position, f.sequence)
    union all select * from taken t where t.key is not null
  ) e
), lives as materialized (
  select e.schema, e."table", e.key, bool_and(e.mine) as all_mine,
         -- Updates of whomever, and at most our own removal at the end.
         bool_and(e.operation = 'UPDATE' or e.mine and e.operation = 'DELETE' and e.from_last = 1) as one_life
  from events e group by 1, 2, 3
), ends as materialized (
  select l.*, f.operation as first_operation, f.before as was, coalesce(f.exact_before, '{}') as was_exact,
         coalesce(f.fidelity_before, '{}') as unknown, z.operation as last_operation, z.after as now,
         coalesce(z.exact_after, '{}') as now_exact, z.before as last_before,
         coalesce(z.exact_before, '{}') as last_before_exact, coalesce(z.fidelity_before, '{}') as last_unknown
  from lives l
  join events f on f.nth = 1 and (f.schema, f."table", f.key) = (l.schema, l."table", l.key)
  join events z on z.from_last = 1 and (z.schema, z."table", z.key) = (l.schema, l."table", l.key)
), writes as (
  -- The writers of each column, for rows that others have written too.
  select e.schema, e."table", e.key, k.name, e.nth, e.mine, e.before -> k.name as old,
    e.exact_before -> k.name as old_exact,
         e.after -> k.name as new, e.exact_after -> k.name as new_exact, not e.before ? k.name as unsure
  from lives l join events e on (e.schema, e."table", e.key) = (l.schema, l."table", l.key)
  cross join lateral jsonb_object_keys(e.after) k (name)
  where not l.all_mine and l.one_life and e.operation = 'UPDATE'
    and ((e.before -> k.name)::text, e.exact_before -> k.name) is distinct from ((e.after -> k.name)::text,
      e.exact_after -> k.name)
), written as (
  select w.schema, w."table", w.key, w.name, coalesce(max(w.nth) filter (where not w.mine), 0) as theirs,
         max(w.nth) filter (where w.mine) as ours
  from writes w group by 1, 2, 3, 4
), back as (
  -- Our last run of writes goes back to what was before it.
  select w.schema, w."table", w.key, w.name, o.old, o.old_exact, o.unsure, w.theirs > w.ours as overwritten
  from written w
  join lateral (
    select o.* from writes o where (o.schema, o."table", o.key, o.name) = (w.schema, w."table", w.key, w.name)
      and o.mine and (o.nth > w.theirs or w.theirs > w.ours) order by o.nth limit 1
  ) o on true
  where w.ours is not null
), shared as (
  select b.schema, b."table", b.key,
         coalesce(jsonb_object_agg(b.name, b.old) filter (where not b.unsure), '{}') as values,
         coalesce(jsonb_object_agg(b.name, b.old_exact) filter (where b.old_exact is not null), '{}') as exact,
         array_agg(b.name) as names, bool_or(b.overwritten) as overwritten, bool_or(b.unsure) as unsure
  from back b group by 1, 2, 3
), rows as (
  select e.schema, e."table", e.key, case when e.last_operation <> 'DELETE' then e.now end as expected,
    e.now_exact as expected_exact,
         case when e.first_operation <> 'CREATE' then e.was end as target, e.was_exact as target_exact, e.unknown,
         null::text[] as names, null::text as conflict
  from ends e where e.all_mine
  union all
  select e.schema, e."table", e.key, case when e.last_operation <> 'DELETE' then e.now end, e.now_exact,
         case when e.last_operation = 'DELETE' then e.last_before || coalesce(s.values, '{}') else coalesce(s.values,
           '{}') end,
         case when e.last_operation = 'DELETE' then e.last_before_exact - coalesce(s.names, '{}')
           else '{}' end || coalesce(s.exact, '{}'),
         case when e.last_operation = 'DELETE' then e.last_unknown else '{}' end,
         coalesce(s.names, '{}'),
         case when s.overwritten then 'changed again since by others' when s.unsure
           then 'its old value is not in the history' end
  from ends e left join shared s using (schema, "table", key)
  where not e.all_mine and e.one_life
  union all
  select e.schema, e."table", e.key, null, '{}', null, '{}', '{}', '{}',
         case when (case when e.last_operation <> 'DELETE' then e.now::text || e.now_exact::text end)
              is distinct from (case when e.first_operation <> 'CREATE' then e.was::text || e.was_exact::text end)
         then 'removed, or made anew, since by others' end
  from ends e where not e.all_mine and not e.one_life
), typed as (
  select r.*, case when r.conflict is not null then 'C' when r.expected is null and r.target is null then 'N'
                when r.target is null then 'D' when r.expected is null then 'I' else 'U' end as kind
  from rows r
), netted as (
  select t.schema, t."table", t.kind, t.key, case t.kind
           when 'U' then array(select k from jsonb_object_keys(t.target) k
             where (t.names is null or k = any (t.names)) and t.expected ? k
               and ((t.expected -> k)::text, t.expected_exact -> k) is distinct from ((t.target -> k)::text,
                 t.target_exact -> k))
           when 'D' then array(select jsonb_object_keys(t.expected))
           when 'I' then array(select jsonb_object_keys(t.target)) else '{}' end as columns,
         coalesce(t.expected, '{}') as expected, t.expected_exact, coalesce(t.target, '{}') as target, t.target_exact,
         case when t.conflict is not null then t.conflict
           when t.kind = 'I' and exists (select from jsonb_each_text(t.unknown) u
             where u.value not in ('reconstructed', 'assumed'))
             or t.kind = 'U' and exists (select from jsonb_each_text(t.unknown) u
               where u.value not in ('reconstructed', 'assumed', 'redacted'))
           then 'its old value is not in the history' end as conflict
  from typed t where t.kind <> 'N'
), loosely as (
  select n.schema, n."table", n.operation, n.before, n.after, n.exact_before, n.exact_after, n.fidelity_before,
    true as asked
  from named n where n.key is null
  union all
  select c.schema, c."table", c.operation, c.before, c.after, c.exact -> 'before', c.exact -> 'after',
    c.fidelity -> 'before', false
  from @schema@.changes c
  where c.source = %1$L and c.primary_key is null and c.operation in ('CREATE', 'UPDATE', 'DELETE')
    and c.effective_at >= (select at from began) and (%2$s) and not (%3$s)
    and (c.schema, c."table") in (select n.schema, n."table" from named n where n.key is null)
), loose as (
  select n.schema, n."table", n.content, n.said, n.unsure, sum(n.count) as count from (
    select schema, "table", after as content, coalesce(exact_after, '{}') as said, false as unsure, -1 as count, asked
    from loosely where operation in ('CREATE', 'UPDATE')
    union all
    select schema, "table", before, coalesce(exact_before, '{}'), coalesce(fidelity_before, '{}') <> '{}', 1, asked
    from loosely where operation in ('UPDATE', 'DELETE')
  ) n group by 1, 2, 3, 4, 5 having sum(n.count) <> 0 and bool_or(n.asked)
)
select n.* from netted n where n.kind <> 'U' or n.columns <> '{}' or n.conflict is not null
union all
select l.schema, l."table", case when l.count > 0 then 'I' else 'D' end, null,
  array(select jsonb_object_keys(l.content)),
       case when l.count > 0 then '{}' else l.content end, case when l.count > 0 then '{}' else l.said end,
       case when l.count > 0 then l.content else '{}' end, case when l.count > 0 then l.said else '{}' end,
       case when l.unsure then 'its old value is not in the history' end
from loose l cross join lateral generate_series(1, abs(l.count))
order by 1, 2, 4 nulls first
$query$, in_source, condition, asked);
end $$;
