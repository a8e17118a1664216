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
-- That a partition of it was emptied there (of_partition) is itself what ends knowing them all.
create function _bemi.rows_before(in_source text, in_schema text, in_table text, in_epoch int,
                                  in_position bigint, in_sequence bigint,
                                  of_partition boolean default false)
returns table (key text, "row" jsonb, exact jsonb, fidelity jsonb)
language plpgsql stable set search_path = pg_catalog as $$
declare known _bemi.coverage; emptied record;
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

-- ---- bemi.revert_sql: the script of an undo, from the history alone ----

-- Which changes are meant, as SQL over `changes`; raises when nothing says so.
create function _bemi.revert_condition(context jsonb, transaction bigint, table_name text, primary_key text,
                                       operation text, since timestamptz, until timestamptz, trace text,
                                       changes uuid[]) returns text
language plpgsql immutable set search_path = pg_catalog as $$
declare
  place record;
  said record;
  parts text[] := '{}';
begin
  if table_name is not null then
    place := bemi.parse_table(table_name);
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

-- What the changes that a condition selects amount to, a row each: U (columns go back), I (it comes back), D (it
-- goes), or the conflict that is in the way. By key; of rows without one by their content.
-- `asked` says which rows; `condition`, which is wider, which of their changes count as selected.
create function _bemi.net_changes(in_source text, asked text, condition text)
returns table (schema text, "table" text, kind text, key text, columns text[], expected jsonb, expected_exact jsonb,
               target jsonb, target_exact jsonb, conflict text)
language plpgsql stable set search_path = pg_catalog as $$
begin
  return query execute format($query$
with chosen as materialized (
  select c.* from @schema@.changes c
  where c.source = %1$L and (%3$s) and c.operation in ('CREATE', 'UPDATE', 'DELETE', 'TRUNCATE')
), taken as materialized (
  -- What a TRUNCATE took is as if it had been deleted row by row.
  select e.schema, e."table", r.key, 'DELETE' as operation, true as mine, r."row" as before, '{}'::jsonb as after,
         r.exact as exact_before, null::jsonb as exact_after, r.fidelity as fidelity_before,
         e.epoch, e.commit_position, e.sequence
  from chosen e
  cross join lateral _bemi.rows_before(e.source, e.schema, e."table", e.epoch, e.commit_position, e.sequence) r
  where e.operation = 'TRUNCATE'
), named as (
  select c.schema, c."table", c.primary_key as key, c.operation, true as mine, c.before, c.after,
         c.exact -> 'before' as exact_before, c.exact -> 'after' as exact_after, c.fidelity -> 'before' as fidelity_before,
         c.epoch, c.commit_position, c.sequence
  from chosen c where c.operation <> 'TRUNCATE'
  union all select * from taken
), first as materialized (
  select distinct on (n.schema, n."table", n.key) n.schema, n."table", n.key, n.epoch, n.commit_position, n.sequence
  from named n where n.key is not null order by 1, 2, 3, 4, 5, 6
), began as (
  select min(c.effective_at) as at from chosen c
), events as materialized (
  select e.*, row_number() over (partition by e.schema, e."table", e.key order by e.epoch, e.commit_position, e.sequence) as nth,
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
  -- Who wrote which column, of rows that others have written too.
  select e.schema, e."table", e.key, k.name, e.nth, e.mine, e.before -> k.name as old, e.exact_before -> k.name as old_exact,
         e.after -> k.name as new, e.exact_after -> k.name as new_exact, not e.before ? k.name as unsure
  from lives l join events e on (e.schema, e."table", e.key) = (l.schema, l."table", l.key)
  cross join lateral jsonb_object_keys(e.after) k (name)
  where not l.all_mine and l.one_life and e.operation = 'UPDATE'
    and ((e.before -> k.name)::text, e.exact_before -> k.name) is distinct from ((e.after -> k.name)::text, e.exact_after -> k.name)
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
  select e.schema, e."table", e.key, case when e.last_operation <> 'DELETE' then e.now end as expected, e.now_exact as expected_exact,
         case when e.first_operation <> 'CREATE' then e.was end as target, e.was_exact as target_exact, e.unknown,
         null::text[] as names, null::text as conflict
  from ends e where e.all_mine
  union all
  select e.schema, e."table", e.key, case when e.last_operation <> 'DELETE' then e.now end, e.now_exact,
         case when e.last_operation = 'DELETE' then e.last_before || coalesce(s.values, '{}') else coalesce(s.values, '{}') end,
         case when e.last_operation = 'DELETE' then e.last_before_exact - coalesce(s.names, '{}') else '{}' end || coalesce(s.exact, '{}'),
         case when e.last_operation = 'DELETE' then e.last_unknown else '{}' end,
         coalesce(s.names, '{}'),
         case when s.overwritten then 'changed again since by others' when s.unsure then 'its old value is not in the history' end
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
               and ((t.expected -> k)::text, t.expected_exact -> k) is distinct from ((t.target -> k)::text, t.target_exact -> k))
           when 'D' then array(select jsonb_object_keys(t.expected))
           when 'I' then array(select jsonb_object_keys(t.target)) else '{}' end as columns,
         coalesce(t.expected, '{}') as expected, t.expected_exact, coalesce(t.target, '{}') as target, t.target_exact,
         case when t.conflict is not null then t.conflict
           when t.kind = 'I' and exists (select from jsonb_each_text(t.unknown) u where u.value in ('unknown', 'redacted'))
             or t.kind = 'U' and exists (select from jsonb_each_text(t.unknown) u where u.value = 'unknown')
           then 'its old value is not in the history' end as conflict
  from typed t where t.kind <> 'N'
), loosely as (
  select n.schema, n."table", n.operation, n.before, n.after, n.exact_before, n.exact_after, n.fidelity_before, true as asked
  from named n where n.key is null
  union all
  select c.schema, c."table", c.operation, c.before, c.after, c.exact -> 'before', c.exact -> 'after', c.fidelity -> 'before', false
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
select l.schema, l."table", case when l.count > 0 then 'I' else 'D' end, null, array(select jsonb_object_keys(l.content)),
       case when l.count > 0 then '{}' else l.content end, case when l.count > 0 then '{}' else l.said end,
       case when l.count > 0 then l.content else '{}' end, case when l.count > 0 then l.said else '{}' end,
       case when l.unsure then 'its old value is not in the history' end
from loose l cross join lateral generate_series(1, abs(l.count))
order by 1, 2, 4 nulls first
$query$, in_source, condition, asked);
end $$;

-- What the script does on the source: static, so that no name of a table or a value can be taken for SQL of ours.
-- It reads the rows from pg_temp._bemi_undo.
create function _bemi.undo_body() returns text
language sql immutable set search_path = pg_catalog as $body$ select $undo$
declare
  path text := current_setting('search_path');
  place record;
  part record;
  rel regclass;
  live text;
  columns text;
  records text;
  moved text;
  seen text;
  texts text;
  parts text := '';
  counts text := '';
  after text := '';
  written bigint;
  wanted bigint;
begin
  perform set_config('search_path', 'pg_catalog', true);
  create temp table _bemi_live (n bigint, at tid, rel oid, moved text[]) on commit drop;

  -- The rows as the types that they are, and the live ones, locked and compared.
  for place in select tab, min(name) as name, min(key_columns) as key_columns from pg_temp._bemi_undo u
               group by tab order by tab loop
    rel := to_regclass(place.name);
    if rel is null or (select relkind not in ('r', 'p') from pg_class where oid = rel) then
      raise exception 'the table % is not there', place.name;
    end if;
    live := (select case relkind when 'p' then '' else 'only ' end from pg_class where oid = rel) || place.name;
    select c.name into seen
    from (select distinct unnest(u.columns) as name from pg_temp._bemi_undo u where u.tab = place.tab) c
    where not exists (select from pg_attribute a where a.attrelid = rel and a.attname = c.name and not a.attisdropped);
    if seen is not null then
      raise exception '% has no column % any more', place.name, seen using hint = 'bemi revert follows altered tables';
    end if;
    with recursive base (number, name, oid, modifier) as (
      select a.attnum, a.attname, a.atttypid, a.atttypmod from pg_attribute a
      where a.attrelid = rel and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
      union all
      select b.number, b.name, t.typbasetype, t.typtypmod from base b join pg_type t on t.oid = b.oid where t.typtype = 'd'
    ), typed as (
      select b.number, b.name, format_type(b.oid, b.modifier) as type,
             case when b.oid in ('json'::regtype, 'jsonb'::regtype) then 'json'
               when x.oid is not null and t.typname = 'hstore' then 'hstore' else 'plain' end as form,
             t.typnamespace::regnamespace::text as place
      from base b join pg_type t on t.oid = b.oid and t.typtype <> 'd'
      left join pg_depend d on d.classid = 'pg_type'::regclass and d.objid = t.oid and d.deptype = 'e'
      left join pg_extension x on x.oid = d.refobjid and x.extname = 'hstore'
    ), sided as (
      select t.*, s.side, s.letter from typed t cross join (values ('expected', 'e'), ('target', 't')) s (side, letter)
    )
    select string_agg(format(case s.form
             when 'json' then 'coalesce(u.%1$s_exact ->> %3$L, nullif(u.%1$s -> %3$L, ''null'')::text)::%4$s as %2$s%5$s'
             when 'hstore' then
               'coalesce(u.%1$s_exact ->> %3$L, (select %6$s.hstore(coalesce(array_agg(key), ''{}''), coalesce(array_agg(value), ''{}''))::text '
               'from jsonb_each_text(nullif(u.%1$s -> %3$L, ''null'')) having jsonb_typeof(u.%1$s -> %3$L) = ''object''))::%4$s as %2$s%5$s'
             else '%2$s.%7$I as %2$s%5$s' end, s.side, s.letter, s.name, s.type, s.number, s.place, s.name), ', '),
           concat(' cross join lateral jsonb_to_record(u.expected || u.expected_exact) as e (', string_agg(
             format('%I %s', s.name, s.type), ', ') filter (where s.form = 'plain' and s.letter = 'e'), ')',
             ' cross join lateral jsonb_to_record(u.target || u.target_exact) as t (', string_agg(
             format('%I %s', s.name, s.type), ', ') filter (where s.form = 'plain' and s.letter = 't'), ')'),
           string_agg(format('case when %1$L = any (r.columns) and x.%1$I::text is distinct from r.e%2$s::text then %1$L end',
                             s.name, s.number), ', ') filter (where s.letter = 'e')
    into columns, records, moved from sided s;
    execute format('create temp table _bemi_row_%s on commit drop as select u.n, u.kind, u.columns, u.key, %s from pg_temp._bemi_undo u%s where u.tab = %s',
                   place.tab, columns, case when records like '%()%' then '' else records end, place.tab);
    execute format('analyze pg_temp._bemi_row_%s', place.tab);
    if place.key_columns is null then
      select string_agg(format('x.%I::text', a.attname), ', ' order by a.attnum),
             string_agg(format('r.e%s::text', a.attnum), ', ' order by a.attnum)
      into seen, texts from pg_attribute a
      where a.attrelid = rel and a.attnum > 0 and not a.attisdropped and a.attgenerated = '';
      -- As many rows of one content as are to go.
      execute format(
        'with wanted as (select r.n, array[%2$s] as content, row_number() over (partition by array[%2$s] order by r.n) as nth '
        'from pg_temp._bemi_row_%3$s r where r.kind = ''D''), there as (select x.ctid as at, x.tableoid as rel, array[%1$s] as content, '
        'row_number() over (partition by array[%1$s] order by x.ctid) as nth from %4$s x where array[%1$s] in (select content from wanted)) '
        'insert into pg_temp._bemi_live select w.n, x.ctid, x.tableoid, ''{}'' from wanted w join there h using (content, nth) '
        'join %4$s x on x.ctid = h.at and x.tableoid = h.rel and array[%1$s] = h.content order by w.n for update of x',
        seen, texts, place.tab, live);
    else
      select string_agg(format('x.%I = r.e%s', a.attname, a.attnum), ' and '),
             string_agg(format('x.%I = r.t%s', a.attname, a.attnum), ' and ')
      into seen, texts from unnest(place.key_columns) k (name)
      join pg_attribute a on a.attrelid = rel and a.attname = k.name and not a.attisdropped;
      execute format('insert into pg_temp._bemi_live select r.n, x.ctid, x.tableoid, array_remove(array[%s]::text[], null) '
                     'from pg_temp._bemi_row_%s r join %s x on %s where r.kind in (''U'', ''D'') order by r.n for update of x',
                     moved, place.tab, live, seen);
      execute format('select r.key from pg_temp._bemi_row_%s r join %s x on %s where r.kind = ''I'' order by r.n limit 1',
                     place.tab, live, texts) into seen;
      if seen is not null then
        raise exception 'row % of % is there already: nothing is undone', seen, place.name using hint = 'make a new script';
      end if;
    end if;
  end loop;
  select u.key, u.name, l.n is null as gone, l.moved into part from pg_temp._bemi_undo u left join pg_temp._bemi_live l using (n)
  where u.kind <> 'I' and (l.n is null or l.moved <> '{}') order by u.n limit 1;
  if found then
    raise exception 'row % of % is not as it was%: nothing is undone', coalesce(part.key, '(no key)'), part.name,
      case when part.gone then '' else ' in ' || array_to_string(part.moved, ', ') end
      using hint = 'make a new script, or see: bemi revert';
  end if;

  -- Rows of others that refer to what would go: never a silent cascade.
  for part in
    select f.conname, u.tab, format('%s%I.%I', case cc.relkind when 'p' then '' else 'only ' end, cn.nspname, cc.relname) as child,
           string_agg(format('c.%I = r.e%s', ca.attname, k.parent), ' and ') as matches,
           array_agg(ca.attname::text) as child_columns
    from (select distinct tab, to_regclass(name)::oid as oid from pg_temp._bemi_undo) u
    join pg_constraint f on f.confrelid = u.oid and f.contype = 'f' and f.conparentid = 0
    join pg_class cc on cc.oid = f.conrelid join pg_namespace cn on cn.oid = cc.relnamespace
    cross join lateral unnest(f.conkey, f.confkey) as k (child, parent)
    join pg_attribute ca on ca.attrelid = f.conrelid and ca.attnum = k.child
    group by f.oid, f.conname, u.tab, 3
  loop
    execute format(
      'select r.key from pg_temp._bemi_row_%s r join %s c on %s where r.kind = ''D'' and not exists (select from pg_temp._bemi_live l '
      'join pg_temp._bemi_undo o using (n) where l.at = c.ctid and l.rel = c.tableoid and (o.kind = ''D'' or o.columns && %L)) limit 1',
      part.tab, part.child, part.matches, part.child_columns) into seen;
    if seen is not null then
      raise exception 'rows of % refer to row %, which would go (%): nothing is undone', part.child, seen, part.conname
        using hint = 'undo those first, or see: bemi revert --cascade';
    end if;
  end loop;

  -- One statement: foreign keys are looked at when all is in place. Rows go before values move and others come back.
  for part in
    select u.tab, u.kind, u.columns, min(u.name) as name, row_number() over (order by position(u.kind in 'DUI'), u.tab, u.columns) as place,
           position(u.kind in 'DUI') as level
    from (select o.*, case when o.kind = 'D' then '{}' else o.columns end as written from pg_temp._bemi_undo o) o
    cross join lateral (select o.tab, o.kind, o.written as columns, o.name) u
    group by u.tab, u.kind, u.columns order by level, u.tab, u.columns
  loop
    rel := to_regclass(part.name);
    live := (select case relkind when 'p' then '' else 'only ' end from pg_class where oid = rel) || part.name;
    if part.level > 1 then
      after := coalesce((select string_agg(format('(select count(*) from p%s)', g), ' + ') from generate_series(1, part.place - 1) g), '0');
    end if;
    if part.kind = 'D' then
      parts := parts || format(
        ', p%s as (delete from %s x using pg_temp._bemi_live l join pg_temp._bemi_undo u using (n) where u.tab = %s and u.kind = ''D'' '
        'and x.ctid = l.at and x.tableoid = l.rel returning 1)', part.place, live, part.tab);
    else
      select string_agg(format('%I = r.t%s', a.attname, a.attnum), ', ' order by a.attnum),
             string_agg(format('%I', a.attname), ', ' order by a.attnum), string_agg(format('r.t%s', a.attnum), ', ' order by a.attnum)
      into columns, records, texts from pg_attribute a
      where a.attrelid = rel and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and a.attname = any (part.columns);
      if part.kind = 'U' then
        parts := parts || format(
          ', p%s as (update %s x set %s from pg_temp._bemi_live l join pg_temp._bemi_row_%s r using (n) where r.kind = ''U'' and r.columns = %L '
          'and x.ctid = l.at and x.tableoid = l.rel and %s >= 0 returning 1)', part.place, live, columns, part.tab, part.columns, after);
      else
        parts := parts || format(
          ', p%s as (insert into %s (%s) overriding system value select %s from pg_temp._bemi_row_%s r where r.kind = ''I'' and r.columns = %L '
          'and %s >= 0 order by r.n returning 1)', part.place, part.name, records, texts, part.tab, part.columns, after);
      end if;
    end if;
    counts := counts || format(' + (select count(*) from p%s)', part.place);
  end loop;
  if parts <> '' then
    perform set_config('search_path', path, true);
    set constraints all deferred;
    execute 'with ' || substr(parts, 3) || ' select 0' || counts into written;
    set constraints all immediate;
    select count(*) into wanted from pg_temp._bemi_undo;
    if written <> wanted then
      raise exception '% of % rows were not written: a trigger or a rule kept them back', wanted - written, wanted;
    end if;
  end if;
end $undo$::text $body$;

-- A script for psql on the source that undoes what the filters select, from the history as it is now (bemi sync
-- before). It checks every live row before it writes any. Raises where undoing needs the live tables to decide
-- (rows that changed keys, tables altered since): there `bemi revert --sql` makes it.
create function bemi.revert_sql(context jsonb default null, transaction bigint default null, table_name text default null,
                                primary_key text default null, operation text default null, since timestamptz default null,
                                until timestamptz default null, trace text default null, changes uuid[] default null,
                                source text default null, actor text default null, reason text default null,
                                max_rows bigint default 10000)
returns text language plpgsql stable set search_path = pg_catalog as $$
declare
  condition text := _bemi.revert_condition(context, transaction, table_name, primary_key, operation, since, until, trace, changes);
  asked text := condition;
  in_source text := source;
  selected record;
  past record;
  net record;
  lines text[] := '{}';
  places text[] := '{}';
  tab int;
  key_columns text[];
  said jsonb;
begin
  if in_source is null then
    select min(s.name) into in_source from _bemi.source s having count(*) = 1;
    if in_source is null then
      raise exception 'there are several sources here'
        using errcode = 'ambiguous_parameter', hint = 'name one with source =>';
    end if;
  end if;
  execute format(
    'select count(*) as changes, array_agg(distinct transaction_id) as ids, min(effective_at) as began from @schema@.changes c '
    'where c.source = %L and (%s) and operation in (''CREATE'', ''UPDATE'', ''DELETE'', ''TRUNCATE'')', in_source, condition) into selected;
  -- Reverts of nothing but selected transactions, and the reverts of these, belong to the selection.
  for past in
    select c.transaction_id as id, (array_agg(c.context -> 'revert_of'))[1] as of, bool_or(c.context ? 'revert_more') as more from @schema@.changes c
    where c.source = in_source and c.effective_at >= selected.began and c.context ? 'revert_of'
    group by c.epoch, c.commit_position, c.transaction_id order by c.epoch, c.commit_position
  loop
    if past.id <> all (selected.ids) and not past.more and jsonb_typeof(past.of) = 'array' and past.of <> '[]'
       and not exists (select from jsonb_array_elements_text(past.of) o (id) where o.id::bigint <> all (selected.ids)) then
      condition := format('%s or c.transaction_id = %s and c.context ? ''revert_of''', condition, past.id);
      selected.ids := selected.ids || past.id;
    end if;
  end loop;
  for net in select * from _bemi.net_changes(in_source, asked, condition) loop
    if net.conflict is not null then
      raise exception 'row % of %.% is in conflict: %', coalesce(net.key, '(no key)'), net.schema, net."table", net.conflict
        using errcode = 'object_not_in_prerequisite_state', hint = 'see: bemi revert, which can skip, force and cascade';
    elsif cardinality(lines) >= max_rows then
      raise exception 'more than % rows would be undone', max_rows
        using errcode = 'program_limit_exceeded', hint = 'narrow the selection, or raise max_rows';
    end if;
    tab := array_position(places, format('%I.%I', net.schema, net."table"));
    if tab is null then
      key_columns := _bemi.revert_key(in_source, net.schema, net."table", condition, selected.began);
      places := places || format('%I.%I', net.schema, net."table");
      tab := cardinality(places);
    end if;
    lines := lines || format('(%s, %s, %L, %L, %L, %L, %L, %L, %L, %L, %L)', cardinality(lines) + 1, tab, places[tab],
                             case when net.key is not null then key_columns end, net.kind, net.key, net.columns,
                             net.expected, net.expected_exact, net.target, net.target_exact);
  end loop;
  said := jsonb_strip_nulls(jsonb_build_object(
    'revert_of', (select coalesce(jsonb_agg(i.id order by i.id), '[]') from (
      select i.id from unnest(selected.ids) i (id) order by i.id desc limit 500) i),
    'revert_more', nullif(greatest(cardinality(selected.ids) - 500, 0), 0), 'actor', actor, 'reason', reason,
                                               '_bemi', '{"v": 1, "scope": "transaction"}'::jsonb));
  return concat_ws(E'\n',
    format('-- Undoes %s changes of %s: %s rows. Stops, and does nothing, where a row is not as the history has it.',
           selected.changes, in_source, cardinality(lines)),
    'begin;',
    'set local lock_timeout = ''10s''; set local row_security = off; set local standard_conforming_strings = on;',
    'set local timezone = ''UTC''; set local datestyle = ''ISO''; set local intervalstyle = ''postgres'';',
    'set local extra_float_digits = 1; set local bytea_output = ''hex'';',
    format('select pg_catalog.pg_logical_emit_message(true, ''_bemi'', %L);', said),
    'create temp table _bemi_undo (n bigint primary key, tab int, name text, key_columns text[], kind text, key text, columns text[], '
    'expected jsonb, expected_exact jsonb, target jsonb, target_exact jsonb) on commit drop;',
    case when lines <> '{}' then E'insert into pg_temp._bemi_undo values\n' || array_to_string(lines, E',\n') || ';' end,
    'do $bemi_undo$' || _bemi.undo_body() || '$bemi_undo$;',
    'commit;', '');
end $$;

-- By which columns rows are found; raises where the history alone cannot tell what became of a table.
create function _bemi.revert_key(in_source text, in_schema text, in_table text, condition text, began timestamptz)
returns text[] language plpgsql stable set search_path = pg_catalog as $$
declare
  newest _bemi.relation_version;
  shown timestamptz;
  emptied boolean;
begin
  select v.* into newest from _bemi.relation_version v
  where v.source = in_source and v.schema = in_schema and v."table" = in_table
  order by v.epoch desc, v.position desc, v.sequence desc limit 1;
  select max(v.effective_at) into shown from _bemi.relation_version v
  where v.source = in_source and v.relation = newest.relation and v.effective_at <= began;
  if newest.dropped or exists (
       select from _bemi.relation_version v where v.source = in_source
         and (v.relation = newest.relation or (v.schema, v."table") = (in_schema, in_table))
         and v.effective_at >= coalesce(shown, '-infinity')
         and ((v.schema, v."table", v.relation, v.primary_key) is distinct from
                (in_schema, in_table, newest.relation, newest.primary_key)
              or not _bemi.column_names(newest.columns) @> _bemi.column_names(v.columns))) then
    raise exception '%.% was altered since', in_schema, in_table
      using errcode = 'object_not_in_prerequisite_state', hint = 'bemi revert --sql follows altered tables';
  elsif exists (
       select from _bemi.key_change k where k.source = in_source and k.schema = in_schema and k."table" = in_table
         and k.effective_at >= began) then
    raise exception 'rows of %.% have changed their keys since', in_schema, in_table
      using errcode = 'object_not_in_prerequisite_state', hint = 'bemi revert --sql follows them';
  end if;
  execute format('select exists (select from @schema@.changes c where c.source = %L and c.schema = %L and c."table" = %L '
                 'and c.operation = ''TRUNCATE'' and c.effective_at >= %L and not (%s))',
                 in_source, in_schema, in_table, began, condition) into emptied;
  if emptied then
    raise exception '%.% was emptied by others since', in_schema, in_table
      using errcode = 'object_not_in_prerequisite_state', hint = 'see: bemi revert';
  end if;
  return nullif(newest.primary_key, '{}');
end $$;
