-- What people write, and what they may have meant: names that are unknown, and times.
-- These functions run with the rights of who asks.

-- The pairs of letters of a word: what two words share of them tells how alike they are.
create or replace function _bemi.letter_pairs(word text) returns text[]
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select coalesce(array_agg(distinct substr(' ' || lower(left(word, 200)) || ' ', i, 2)), '{}')
  from generate_series(1, length(left(word, 200)) + 1) i
$$;

-- The known word that is most like the one that was written; null if none is like it.
create or replace function _bemi.closest(word text, known text[]) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select k.one
  from (select _bemi.letter_pairs(word) as pairs) w
  cross join unnest(known) k (one)
  cross join lateral (select _bemi.letter_pairs(k.one) as pairs) p
  cross join lateral (select count(*) as shared from unnest(w.pairs) a (pair) where a.pair = any (p.pairs)) s
  where 2 * s.shared >= (cardinality(w.pairs) + cardinality(p.pairs)) * 0.5
  order by 2.0 * s.shared / (cardinality(w.pairs) + cardinality(p.pairs)) desc, k.one limit 1
$$;

-- A source of that name; null is any.
create or replace function _bemi.check_source(name text) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare known text[] := array(select s.name from _bemi.source s order by s.name);
begin
  if name is null or name = any (known) then return; end if;
  -- One that is no longer tracked has left its changes here; of one whose history is elsewhere there are none.
  if exists (select from _bemi.epoch e where e.source = check_source.name) then return; end if;
  if has_table_privilege('_bemi.managed_source', 'select') then
    if exists (select from _bemi.managed_source m where m.name = check_source.name) then return; end if;
  end if;
  raise exception 'there is no source %', name
    using errcode = 'no_data_found',
          hint = coalesce('did you mean ' || _bemi.closest(name, known) || '? ', '')
            || case when known = '{}' then 'no source is tracked here'
                 else 'the sources here are: ' || array_to_string(known, ', ') end;
end $$;

-- A key that contexts have: asked when a question for it has found nothing. Looks at so many changes that a history of
-- years costs no more than a second, and says so.
create or replace function _bemi.check_context_key(key text) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp set jit = off
set plan_cache_mode = force_custom_plan as $$
declare
  looked_at constant bigint := 100000;
  recent constant timestamptz := now() - interval '3 days';
  known text[];
begin
  if exists (select from (select c.context from @schema@.changes c where c.effective_at >= recent limit looked_at) c
             where c.context ? key) then
    return;
  end if;
  if exists (select from (select c.context from @schema@.changes c order by c.effective_at desc limit looked_at) c
             where c.context ? key) then
    return;
  end if;
  -- Of contexts with more keys than a person could mean, the first that are found.
  select array_agg(k.key order by k.key) into known
  from (select distinct k.key
        from (select c.context from @schema@.changes c order by c.effective_at desc limit 5000) c
        cross join lateral (select o.key from jsonb_object_keys(c.context) o (key) limit 100) k
        limit 1000) k;
  -- Where nobody has passed a context yet, every key is still to come.
  if known is null then return; end if;
  raise exception '% has the key % in its context', case
      when (select count(*) from (select from @schema@.changes limit looked_at) c) < looked_at then 'no change'
      else format('none of the newest %s changes', looked_at) end, key
    using errcode = 'no_data_found',
          hint = coalesce('did you mean ' || _bemi.closest(key, known) || '?', 'the keys are: '
            || array_to_string(known[:20], ', '));
end $$;

-- A time as people write it, beside what PostgreSQL reads: '2 hours ago', '30m', '@1764300000' (seconds since 1970).
-- Null if it is none.
create or replace function _bemi.time_of(said text) returns timestamptz
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  ago text[] := regexp_match(lower(said), '^\s*-?\s*([0-9]{1,6})\s*(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|'
    'd|days?|w|weeks?|months?|y|years?)(\s+ago)?\s*$');
begin
  if said ~ '^@[0-9]{1,11}(\.[0-9]{1,6})?$' then return to_timestamp(substr(said, 2)::double precision); end if;
  if ago is not null then return now() - format('%s %s', ago[1], ago[2])::interval; end if;
  return said::timestamptz;
exception when invalid_datetime_format or datetime_field_overflow or invalid_text_representation then
  return null;
end $$;

-- How a time can be written. Without a zone it is in that of the session, which is UTC in Bemi's own.
create or replace function _bemi.time_forms() returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select '2026-11-27 14:00, 2026-11-27 14:00+01, yesterday 14:00, 2 hours ago, 30m, or @1764300000 (seconds since '
    || '1970); without a zone a time is in ' || current_setting('TimeZone')
$$;

-- The same for a question's bounds.
create or replace function _bemi.bound_of(said text) returns timestamptz
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare at timestamptz := _bemi.time_of(said);
begin
  if at is null then
    raise exception '% is no time', said
      using errcode = 'invalid_datetime_format', hint = 'write ' || _bemi.time_forms();
  end if;
  return at;
end $$;
