-- SQL that gives a stored value its type. Only types of pg_catalog: another one's input, checks and casts are code of
-- its owner, which would run with the rights of the reader. Values of such types stay the text that they had.

-- A column's type as it is shown; null: as its text. A domain is what it is over. Those of pg_catalog have the same
-- number everywhere.
create or replace function _bemi.type_here(col jsonb) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case when (col ->> 'type_oid')::bigint < 16384
           then format_type((col ->> 'type_oid')::oid, (col ->> 'type_modifier')::int)
           else format_type(t.oid, -1) end
  from pg_type t
  where (col #>> '{form,oid}')::bigint < 16384 and t.oid = (col #>> '{form,oid}')::oid
    and t.typnamespace = 'pg_catalog'::regnamespace and t.typname !~ '^reg'
$$;

-- hstore's own output, of the JSON that stands for it: both are sorted alike.
create or replace function _bemi.hstore_text(value jsonb) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select coalesce(string_agg(format('"%s"=>%s', replace(replace(e.key, '\', '\\'), '"', '\"'),
           coalesce('"' || replace(replace(e.value, '\', '\\'), '"', '\"') || '"', 'NULL')), ', '
           order by octet_length(e.key), e.key collate "C"), '')
  from jsonb_each_text(value) e
$$;

-- The text of a value of a type that is not known here, from its JSON.
create or replace function _bemi.exact_text(form jsonb, value jsonb) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare result text; parts text;
begin
  if value is null or value = 'null' then return null; end if;
  if jsonb_typeof(value) = 'array' and form ->> 'kind' = 'array' then
    select coalesce('{' || string_agg(case
             when jsonb_typeof(e) = 'array' then _bemi.exact_text(form, e)
             else trim(both '{}' from array[_bemi.exact_text(form -> 'element', e)]::text) end,
             coalesce(form ->> 'delimiter', ',') order by place) || '}', '{}')
    into result from jsonb_array_elements(value) with ordinality as e (e, place);
  elsif jsonb_typeof(value) = 'object' and form ->> 'kind' = 'composite' then
    select string_agg(coalesce(quote_literal(_bemi.exact_text(a -> 'form', value -> (a ->> 'name'))),
      'null') || '::text', ', '
                      order by place)
    into parts from jsonb_array_elements(form -> 'attributes') with ordinality as a (a, place);
    execute 'select row(' || coalesce(parts, '') || ')::text' into result;
  elsif jsonb_typeof(value) = 'object' and form ->> 'kind' = 'hstore' then
    result := _bemi.hstore_text(value);
  elsif (form ->> 'oid')::bigint < 16384 and form ->> 'name' not in ('json', 'jsonb') then
    execute format('select ($1 #>> ''{}'')::%s::text', format_type((form ->> 'oid')::oid, -1)) into result using value;
  else
    result := value #>> '{}';
  end if;
  return result;
end $$;

-- SQL that gives a column's value as its type here, from SQL that gives its JSON and its exact text.
create or replace function _bemi.typed_value(col jsonb, from_json text, exact text) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case
    when here.type is null then
      format('coalesce(%s, _bemi.exact_text(%L, %s))', exact, col -> 'form', from_json)
    when col #>> '{form,name}' in ('json', 'jsonb') then
      format('coalesce(%s, nullif(%s, ''null'')::text)::%s', exact, from_json, here.type)
    when col #>> '{form,kind}' in ('array', 'composite', 'vector') then format(
      '(select r.v from jsonb_to_record(jsonb_build_object(''v'', coalesce(to_jsonb(%s), %s))) as r (v %s))',
      exact, from_json, here.type)
    else format('coalesce(%s, %s #>> ''{}'')::%s', exact, from_json, here.type) end
  from (select _bemi.type_here(col) as type) here
$$;

-- The same where the column had another type when the value was written: its text then, as the current type.
create or replace function _bemi.retyped_value(written jsonb, col jsonb, from_json text, exact text) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case when written -> 'form' = col -> 'form' then _bemi.typed_value(col, from_json, exact)
    else format('(%s)::text::%s', _bemi.typed_value(written, from_json, exact), coalesce(_bemi.type_here(col),
      'text')) end
$$;
