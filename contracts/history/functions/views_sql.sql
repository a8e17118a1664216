-- The definitions of the views of the past, as SQL.

-- The spans of the history in which a table's changes stand under one name, over all epochs.
create or replace function _bemi.view_segments(in_source text, in_relation bigint)
returns table (schema text, "table" text, is_first boolean, is_last boolean, starts text, ends text)
language sql stable set search_path = pg_catalog, pg_temp as $$
  with versions as (
    select v.*, lag(v.schema) over w is distinct from v.schema or lag(v."table") over w is distinct
      from v."table" as renamed
    from _bemi.relation_version v where v.source = in_source and v.relation = in_relation and not v.dropped
    window w as (order by v.epoch, v.position, v.sequence)
  )
  select v.schema, v."table", row_number() over w = 1, lead(v.epoch) over w is null,
         format('(%s, %s, %s)', v.epoch, v.position, v.sequence),
         lead(format('(%s, %s, %s)', v.epoch, v.position, v.sequence)) over w
  from versions v where v.renamed window w as (order by v.epoch, v.position, v.sequence)
$$;

-- Conditions that hold for the changes of a segment.
create or replace function _bemi.segment_condition(alias text, in_source text, schema text, "table" text,
  is_first boolean, starts text, ends text,
                                        is_alone boolean)
returns text language sql immutable set search_path = pg_catalog, pg_temp as $$
  select format('%1$s."table" = %2$L and %1$s.schema = %3$L and %1$s.source = %4$L', alias, "table", schema, in_source)
    || case when is_first or is_alone then ''
         else format(' and (%1$s.epoch, %1$s.commit_position, %1$s.sequence) >= %2$s', alias, starts) end
    || case when ends is null then ''
         else format(' and (%1$s.epoch, %1$s.commit_position, %1$s.sequence) < %2$s', alias, ends) end
$$;

-- SQL for one column: where its value stands changes with the table's shapes.
create or replace function _bemi.view_column(view_id int, in_source text, in_relation bigint, col jsonb) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  version record;
  type text := coalesce(_bemi.type_here(col), 'text');
  spans text := '';
  was text;
  now_is text;
begin
  for version in
    select format('(%s, %s, %s)', v.epoch, v.position, v.sequence) as place, w.written, n.added_at, n.added
    from _bemi.relation_version v
    left join lateral (
      select o as written from jsonb_array_elements(v.columns) o
      where case when o ? 'number' and col ? 'number' then o -> 'number' = col -> 'number'
        else o -> 'name' = col -> 'name' end
      limit 1) w on true
    left join lateral (  -- when it came
      select l.effective_at as added_at, o as added
      from _bemi.relation_version l cross join lateral jsonb_array_elements(l.columns) o
      where l.source = v.source and l.relation = v.relation and o -> 'number' = col -> 'number'
        and (l.epoch, l.position, l.sequence) > (v.epoch, v.position, v.sequence)
      order by l.epoch, l.position, l.sequence limit 1) n on w.written is null
    where v.source = in_source and v.relation = in_relation and not v.dropped
    order by v.epoch, v.position, v.sequence
  loop
    now_is := case
      when version.written is not null then format(
        'case when c.fidelity is null or coalesce(c.fidelity -> ''after'' ->> %1$L, ''known'') '
        'in (''known'', ''reconstructed'', ''assumed'', ''redacted'') then %2$s '
        'else _bemi.unknown_value(%3$s, %1$L)::%4$s end', version.written ->> 'name',
        _bemi.retyped_value(version.written, col, format('(c.after -> %L)', version.written ->> 'name'),
                            format('(c.exact -> ''after'' ->> %L)', version.written ->> 'name')),
        view_id, type)
      when version.added ? 'missing' then format(
        'case when (select _bemi.asked_time(%s, %L)) >= %L::timestamptz then %s end', view_id, in_source,
          version.added_at,
        _bemi.retyped_value(version.added, col, format('%L::jsonb', version.added ->> 'missing'),
                            format('%L::text', version.added ->> 'missing_exact')))
      else format('null::%s', type) end;
    if was is not null and was <> now_is then
      spans := spans || format('when (c.epoch, c.commit_position, c.sequence) < %s then %s ', version.place, was);
    end if;
    was := now_is;
  end loop;
  return case when spans = '' then was else format('case %selse %s end', spans, was) end;
end $$;

-- The columns of a change that a view needs.
create or replace function _bemi.probed_columns(alias text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select replace('c.epoch, c.commit_position, c.sequence, c.effective_at, c.operation, c.after, c.exact, c.fidelity',
                 'c.', alias || '.')
$$;

-- SQL for the newest change of a key k: a probe under each name of the table, over all partitions of the times.
create or replace function _bemi.probes(v _bemi.view, times text) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select _bemi.newest_of_probes(array_agg(format(
    '(select %s from @schema@.changes c where c.primary_key = k.primary_key and %s and %s '
    'order by c.effective_at desc, c.commit_position desc, c.sequence desc limit 1)',
    _bemi.probed_columns('c'), times, _bemi.segment_condition('c', v.source, s.schema, s."table", s.is_first,
                                                              s.starts, s.ends, s.is_first and s.is_last))))
  from _bemi.view_segments(v.source, v.relation) s
$$;

-- The same, of a history of many partitions: lists of keys tell which of them a query for this key opens.
create or replace function _bemi.listed_probes(v _bemi.view) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select _bemi.newest_of_probes(array_agg(format(
    '(select n.* from _bemi.newest_of_key(%L, %L, %L, k.primary_key, (select _bemi.asked_span(%s)), '
    '(select _bemi.asked_unlisted(%4$s)), %L, %L) n)', v.source, s.schema, s."table", v.id,
    case when not s.is_first then translate(s.starts, '()', '{}') end, translate(s.ends, '()', '{}'))))
  from _bemi.view_segments(v.source, v.relation) s
$$;

create or replace function _bemi.newest_of_probes(probes text[]) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when cardinality(probes) = 1 then probes[1] else format(
    '(select u.* from (%s) u order by u.epoch desc, u.commit_position desc, u.sequence desc limit 1)',
    array_to_string(probes, ' union all ')) end
$$;

-- A query for each key is best for few keys, and to look all of them up at once is best for many. How many keys a
-- question reads, the view finds out on the way, by the statistics of its table of keys. Both find the same changes.
create or replace function _bemi.few_or_many_probes(v _bemi.view) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select format(
    '(select b.* from (select case when k.primary_key is not null and %1$s - (select %1$s) > 100 '
    'then (select _bemi.asked_versions(%3$s)) end as versions offset 0) m '
    'cross join lateral (select n.* from %2$s n where m.versions is null union all '
    'select (a.said ->> 0)::int, (a.said ->> 1)::bigint, (a.said ->> 2)::bigint, (a.said ->> 3)::timestamptz, '
    'a.said ->> 4, a.said -> 5, nullif(a.said -> 6, ''null''), nullif(a.said -> 7, ''null'') '
    'from (select m.versions -> k.primary_key as said where m.versions is not null offset 0) a '
    'where a.said is not null) b)', r.keys_read, _bemi.listed_probes(v), v.id)
  from (
    -- By their names: a dump makes views before indexes.
    select '(' || string_agg(format('coalesce(pg_stat_get_xact_tuples_returned((select to_regclass(%L)::oid)), 0)',
                                    c.oid::regclass), ' + ') || ')' as keys_read
    from (select to_regclass('_bemi.key_' || v.id)::oid as oid
          union all
          select i.indexrelid from pg_index i where i.indrelid = to_regclass('_bemi.key_' || v.id)
            and not i.indisprimary) c
  ) r
$$;

create or replace function _bemi.keyed_view(v _bemi.view, version _bemi.relation_version, by_lists boolean)
returns text language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  probes text := case when by_lists then _bemi.few_or_many_probes(v) else _bemi.probes(v, format(
    'c.effective_at <= (select _bemi.asked_time(%s, %L))', v.id, v.source)) end;
  moved text;
  list text;
begin
  select string_agg(_bemi.segment_condition('m', v.source, s.schema, s."table", s.is_first, s.starts, s.ends,
                                            s.is_first and s.is_last), ' or ')
  into moved from _bemi.view_segments(v.source, v.relation) s;
  select string_agg(format('%s as %I', coalesce('k.c' || array_position(version.primary_key, col ->> 'name'),
                                                _bemi.view_column(v.id, v.source, v.relation, col)), col ->> 'name'),
                    ', ' order by place)
  into list from jsonb_array_elements(version.columns) with ordinality as c (col, place);
  -- If keys passed from row to row, the holder of each key is looked up, and no later change counts.
  probes := format(
    '(select p.*, p.effective_at as seen_at, p.commit_position as seen_position, p.sequence as seen_sequence '
    'from %1$s p '
    'where not (select _bemi.asked_passes(%2$s)) union all '
    'select h.epoch, h.commit_position, h.sequence, h.effective_at, h.operation, h.after, h.exact, h.fidelity, '
    '''infinity'', '
    '9223372036854775807, 0 from _bemi.asked_holder(%2$s, k.primary_key) h where (select _bemi.asked_passes(%2$s)))',
    probes, v.id);
  return format(
    'select %s from _bemi.key_%s k cross join lateral %s c where (select _bemi.is_answered(%2$s)) '
    'and c.operation <> ''DELETE'' '
    'and (c.epoch, c.seen_position, c.seen_sequence) >= (select f.epoch, f.commit_position, f.sequence '
    'from _bemi.asked_floor(%2$s) f) '
    'and not exists (select from _bemi.key_change m where m.previous_key = k.primary_key '
    'and m.effective_at >= c.seen_at and m.effective_at <= (select _bemi.asked_time(%2$s, %5$L)) '
    'and (m.epoch, m.commit_position, m.sequence) > (c.epoch, c.seen_position, c.seen_sequence) and (%4$s))',
    list, v.id, probes, moved, v.source);
end $$;

create or replace function _bemi.keyless_view(v _bemi.view, version _bemi.relation_version) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select format('select %s from _bemi.asked_content(%s) r', string_agg(format('%s as %I',
                  _bemi.typed_value(col, format('(r."row" -> %L)', col ->> 'name'), format('(r.exact ->> %L)',
                    col ->> 'name')),
                  col ->> 'name'), ', ' order by place), v.id)
  from jsonb_array_elements(version.columns) with ordinality as c (col, place)
$$;
