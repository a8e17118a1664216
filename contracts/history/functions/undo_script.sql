-- bemi.revert_sql: the script of an undo, from the history alone.

-- The part of the script that runs on the source. It is static, so that no table's name and no value can become SQL. It
-- reads the rows from pg_temp._bemi_undo.
-- lint-ok: one DO block, which stands alone in a script on another server
create or replace function _bemi.undo_body() returns text
language sql immutable set search_path = pg_catalog, pg_temp as $body$ select $undo$
declare
  path text := current_setting('bemi.search_path');
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
      select b.number, b.name, t.typbasetype, t.typtypmod from base b join pg_type t on t.oid = b.oid
        where t.typtype = 'd'
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
             when 'json' then 'coalesce(u.%1$s_exact ->> %3$L, nullif(u.%1$s -> %3$L, '
               '''null'')::text)::%4$s as %2$s%5$s'
             when 'hstore' then
               'coalesce(u.%1$s_exact ->> %3$L, (select %6$s.hstore(coalesce(array_agg(key), ''{}''), '
               'coalesce(array_agg(value), ''{}''))::text '
               'from jsonb_each_text(nullif(u.%1$s -> %3$L, ''null'')) '
               'having jsonb_typeof(u.%1$s -> %3$L) = ''object''))::%4$s as %2$s%5$s'
             else '%2$s.%7$I as %2$s%5$s' end, s.side, s.letter, s.name, s.type, s.number, s.place, s.name), ', '),
           concat(' cross join lateral jsonb_to_record(u.expected || u.expected_exact) as e (', string_agg(
             format('%I %s', s.name, s.type), ', ') filter (where s.form = 'plain' and s.letter = 'e'), ')',
             ' cross join lateral jsonb_to_record(u.target || u.target_exact) as t (', string_agg(
             format('%I %s', s.name, s.type), ', ') filter (where s.form = 'plain' and s.letter = 't'), ')'),
           string_agg(format('case when %1$L = any (r.columns) and x.%1$I::text is distinct from r.e%2$s::text '
             'then %1$L end',
                             s.name, s.number), ', ') filter (where s.letter = 'e')
    into columns, records, moved from sided s;
    execute format('create temp table _bemi_row_%s on commit drop as select u.n, u.kind, u.columns, u.key, %s '
      'from pg_temp._bemi_undo u%s where u.tab = %s',
                   place.tab, columns, case when records like '%()%' then '' else records end, place.tab);
    execute format('analyze pg_temp._bemi_row_%s', place.tab);
    if place.key_columns is null then
      select string_agg(format('x.%I::text', a.attname), ', ' order by a.attnum),
             string_agg(format('r.e%s::text', a.attnum), ', ' order by a.attnum)
      into seen, texts from pg_attribute a
      where a.attrelid = rel and a.attnum > 0 and not a.attisdropped and a.attgenerated = '';
      -- Deletes as many rows of one content as are selected.
      execute format(
        'with wanted as (select r.n, array[%2$s] as content, row_number() over (partition by array[%2$s] '
        'order by r.n) as nth '
        'from pg_temp._bemi_row_%3$s r where r.kind = ''D''), there as (select x.ctid as at, x.tableoid as rel, '
        'array[%1$s] as content, '
        'row_number() over (partition by array[%1$s] order by x.ctid) as nth from %4$s x '
        'where array[%1$s] in (select content from wanted)) '
        'insert into pg_temp._bemi_live select w.n, x.ctid, x.tableoid, ''{}'' from wanted w '
        'join there h using (content, nth) '
        'join %4$s x on x.ctid = h.at and x.tableoid = h.rel and array[%1$s] = h.content order by w.n for update of x',
        seen, texts, place.tab, live);
    else
      select string_agg(format('x.%I = r.e%s', a.attname, a.attnum), ' and '),
             string_agg(format('x.%I = r.t%s', a.attname, a.attnum), ' and ')
      into seen, texts from unnest(place.key_columns) k (name)
      join pg_attribute a on a.attrelid = rel and a.attname = k.name and not a.attisdropped;
      execute format('insert into pg_temp._bemi_live select r.n, x.ctid, x.tableoid, array_remove(array[%s]::text[], '
        'null) '
                     'from pg_temp._bemi_row_%s r join %s x on %s where r.kind in (''U'', ''D'') '
                     'order by r.n for update of x',
                     moved, place.tab, live, seen);
      execute format('select r.key from pg_temp._bemi_row_%s r join %s x on %s where r.kind = ''I'' order by r.n '
        'limit 1',
                     place.tab, live, texts) into seen;
      if seen is not null then
        raise exception 'row % of % is there already: nothing is undone', seen,
          place.name using hint = 'make a new script';
      end if;
    end if;
  end loop;
  -- Without it, joining them takes the square of the rows' number.
  analyze pg_temp._bemi_live;
  select u.key, u.name, l.n is null as gone, l.moved into part from pg_temp._bemi_undo u
    left join pg_temp._bemi_live l using (n)
  where u.kind <> 'I' and (l.n is null or l.moved <> '{}') order by u.n limit 1;
  if found then
    raise exception 'row % of % is not as it was%: nothing is undone', coalesce(part.key, '(no key)'), part.name,
      case when part.gone then '' else ' in ' || array_to_string(part.moved, ', ') end
      using hint = 'make a new script, or see: bemi revert';
  end if;

  -- Rows of others that refer to what would go: never a silent cascade.
  for part in
    select f.conname, u.tab, format('%s%I.%I', case cc.relkind when 'p' then '' else 'only ' end, cn.nspname,
      cc.relname) as child,
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
      'select r.key from pg_temp._bemi_row_%s r join %s c on %s where r.kind = ''D'' and not exists (select '
      'from pg_temp._bemi_live l '
      'join pg_temp._bemi_undo o using (n) where l.at = c.ctid and l.rel = c.tableoid and (o.kind = ''D'' '
      'or o.columns && %L)) limit 1',
      part.tab, part.child, part.matches, part.child_columns) into seen;
    if seen is not null then
      raise exception 'rows of % refer to row %, which would go (%): nothing is undone', part.child, seen, part.conname
        using hint = 'undo those first, or see: bemi revert --cascade';
    end if;
  end loop;

  -- One statement: foreign keys are looked at when all is in place. Rows go before values move and others come back.
  for part in
    select u.tab, u.kind, u.columns, min(u.name) as name, row_number() over (order by position(u.kind in 'DUI'),
      u.tab, u.columns) as place,
           position(u.kind in 'DUI') as level
    from (select o.*, case when o.kind = 'D' then '{}' else o.columns end as written from pg_temp._bemi_undo o) o
    cross join lateral (select o.tab, o.kind, o.written as columns, o.name) u
    group by u.tab, u.kind, u.columns order by level, u.tab, u.columns
  loop
    rel := to_regclass(part.name);
    live := (select case relkind when 'p' then '' else 'only ' end from pg_class where oid = rel) || part.name;
    if part.level > 1 then
      after := coalesce((select string_agg(format('(select pg_catalog.count(*) from p%s)', g),
        ' operator(pg_catalog.+) ') from generate_series(1, part.place - 1) g), '0');
    end if;
    if part.kind = 'D' then
      parts := parts || format(
        ', p%s as (delete from %s x using pg_temp._bemi_live l '
        'join pg_temp._bemi_undo u on u.n operator(pg_catalog.=) l.n '
        'where u.tab operator(pg_catalog.=) %s and u.kind operator(pg_catalog.=) ''D'' '
        'and x.ctid operator(pg_catalog.=) l.at '
        'and x.tableoid operator(pg_catalog.=) l.rel returning 1)', part.place, live, part.tab);
    else
      select string_agg(format('%I = r.t%s', a.attname, a.attnum), ', ' order by a.attnum),
             string_agg(format('%I', a.attname), ', ' order by a.attnum), string_agg(format('r.t%s', a.attnum), ', '
               order by a.attnum)
      into columns, records, texts from pg_attribute a
      where a.attrelid = rel and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
        and a.attname = any (part.columns);
      if part.kind = 'U' then
        parts := parts || format(
          ', p%s as (update %s x set %s from pg_temp._bemi_live l '
          'join pg_temp._bemi_row_%s r on r.n operator(pg_catalog.=) l.n '
          'where r.kind operator(pg_catalog.=) ''U'' and r.columns operator(pg_catalog.=) %L::pg_catalog.text[] '
          'and x.ctid operator(pg_catalog.=) l.at and x.tableoid operator(pg_catalog.=) l.rel '
          'and (%s) operator(pg_catalog.>=) 0 returning 1)', part.place, live, columns, part.tab, part.columns, after);
      else
        parts := parts || format(
          ', p%s as (insert into %s (%s) overriding system value select %s from pg_temp._bemi_row_%s r '
          'where r.kind operator(pg_catalog.=) ''I'' and r.columns operator(pg_catalog.=) %L::pg_catalog.text[] '
          'and (%s) operator(pg_catalog.>=) 0 order by r.n returning 1)', part.place, part.name, records, texts,
            part.tab, part.columns, after);
      end if;
    end if;
    counts := counts || format(' operator(pg_catalog.+) (select pg_catalog.count(*) from p%s)', part.place);
  end loop;
  if parts <> '' then
    -- Triggers of the application need its own path; whatever it contains, the operators here are PostgreSQL's.
    perform set_config('search_path', path, true);
    set constraints all deferred;
    execute 'with ' || substr(parts, 3) || ' select 0' || counts into written;
    set constraints all immediate;
    perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    select count(*) into wanted from pg_temp._bemi_undo;
    if written <> wanted then
      raise exception '% of % rows were not written: a trigger or a rule kept them back', wanted - written, wanted;
    end if;
  end if;
end $undo$::text $body$;

-- A script for psql on the source that undoes what the filters select, from the history as it is now (bemi sync
-- before). It checks every live row before it writes any. Raises where undoing needs the live tables to decide
-- (rows that changed keys, tables altered since): there `bemi revert --sql` makes it.
-- lint-ok: a list of checks, then a list of the script's lines
create or replace function bemi.revert_sql(context jsonb default null, transaction bigint default null,
  table_name text default null,
                                primary_key text default null, operation text default null,
                                  since timestamptz default null,
                                until timestamptz default null, trace text default null, changes uuid[] default null,
                                source text default null, actor text default null, reason text default null,
                                max_rows bigint default 10000)
returns text language plpgsql stable set search_path = pg_catalog, pg_temp set jit = off as $$
declare
  condition text := _bemi.revert_condition(context, transaction, table_name, primary_key, operation, since, until,
    trace, changes);
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
    'select count(*) as changes, array_agg(distinct transaction_id) as ids, min(effective_at) as began, '
    'array_agg(distinct format(''%%I.%%I'', c.schema, c."table")) as tables from @schema@.changes c '
    'where c.source = %L and (%s) and operation in (''CREATE'', ''UPDATE'', ''DELETE'', ''TRUNCATE'')', in_source,
      condition) into selected;
  perform _bemi.refuse_unreached(in_source, greatest(since, until));
  if exists (select from _bemi.key_pass p where p.source = in_source and p.effective_at >= selected.began
               and format('%I.%I', p.schema, p."table") = any (selected.tables)) then
    raise exception 'rows of % have changed their keys since', (
        select string_agg(distinct format('%I.%I', p.schema, p."table"), ', ') from _bemi.key_pass p
        where p.source = in_source and p.effective_at >= selected.began
          and format('%I.%I', p.schema, p."table") = any (selected.tables))
      using errcode = 'object_not_in_prerequisite_state', hint = 'bemi revert --sql follows them';
  end if;
  -- Reverts of nothing but selected transactions, and the reverts of these, belong to the selection.
  for past in
    select c.transaction_id as id, (array_agg(c.context -> 'revert_of'))[1] as of,
      bool_or(c.context ? 'revert_more') as more from @schema@.changes c
    where c.source = in_source and c.effective_at >= selected.began and c.context ? 'revert_of'
    group by c.epoch, c.commit_position, c.transaction_id order by c.epoch, c.commit_position
  loop
    if past.id <> all (selected.ids) and not past.more and jsonb_typeof(past.of) = 'array' and past.of <> '[]'
       and not exists (select from jsonb_array_elements_text(past.of) o (id)
         where o.id::bigint <> all (selected.ids)) then
      condition := format('%s or c.transaction_id = %s and c.context ? ''revert_of''', condition, past.id);
      selected.ids := selected.ids || past.id;
    end if;
  end loop;
  for net in select * from _bemi.net_changes(in_source, asked, condition) loop
    if net.conflict is not null then
      raise exception 'row % of %.% is in conflict: %', coalesce(net.key, '(no key)'), net.schema, net."table",
        net.conflict
        using errcode = 'object_not_in_prerequisite_state', hint = 'see: bemi revert, which can skip, force '
          'and cascade';
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
    format('-- Undo in %s. Changes: %s, rows: %s. Stops, with nothing done, if a row is not as the history has it.',
           in_source, selected.changes, cardinality(lines)),
    'begin;',
    -- Before any name is resolved, whatever the session's own path contains.
    'select pg_catalog.set_config(''bemi.search_path'', pg_catalog.current_setting(''search_path''), true);',
    'set local search_path = pg_catalog, pg_temp;',
    'set local lock_timeout = ''10s''; set local row_security = off; set local standard_conforming_strings = on;',
    'set local timezone = ''UTC''; set local datestyle = ''ISO''; set local intervalstyle = ''postgres'';',
    'set local extra_float_digits = 1; set local bytea_output = ''hex'';',
    format('select pg_catalog.pg_logical_emit_message(true, ''_bemi'', %L);', said),
    'create temp table _bemi_undo (n bigint primary key, tab int, name text, key_columns text[], kind text, key text, '
    'columns text[], '
    'expected jsonb, expected_exact jsonb, target jsonb, target_exact jsonb) on commit drop;',
    case when lines <> '{}' then E'insert into pg_temp._bemi_undo values\n' || array_to_string(lines,
      E',\n') || ';' end,
    'do $bemi_undo$' || _bemi.undo_body() || '$bemi_undo$;',
    'commit;', '');
end $$;

-- The columns by which rows are found. Raises an error if the history alone cannot tell what became of a table.
create or replace function _bemi.revert_key(in_source text, in_schema text, in_table text, condition text,
  began timestamptz)
returns text[] language plpgsql stable set search_path = pg_catalog, pg_temp as $$
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
  execute format('select exists (select from @schema@.changes c where c.source = %L and c.schema = %L '
    'and c."table" = %L '
                 'and c.operation = ''TRUNCATE'' and c.effective_at >= %L and not (%s))',
                 in_source, in_schema, in_table, began, condition) into emptied;
  if emptied then
    raise exception '%.% was emptied by others since', in_schema, in_table
      using errcode = 'object_not_in_prerequisite_state', hint = 'see: bemi revert';
  end if;
  return nullif(newest.primary_key, '{}');
end $$;

comment on function bemi.revert_sql(jsonb, bigint, text, text, text, timestamptz, timestamptz, text, uuid[],
  text, text, text, bigint) is
  'A psql script that undoes the selected changes at the source. It checks every live row before it writes any.';
