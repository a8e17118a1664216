-- A table's shape, as the worker needs it to read rows.

create or replace function _bemi_source.type_form(type oid) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  named pg_type;
  form jsonb;
begin
  select * into named from pg_type where oid = type;
  if named.typtype = 'd' then return _bemi_source.type_form(named.typbasetype); end if;
  form := jsonb_build_object('oid', named.oid::bigint, 'name', format_type(named.oid, null), 'kind', 'scalar');
  if named.typdelim <> ',' then form := form || jsonb_build_object('delimiter', named.typdelim); end if;
  if named.typelem <> 0 and named.typsubscript = 'array_subscript_handler'::regproc then
    form := form || jsonb_build_object('element', _bemi_source.type_form(named.typelem), 'kind',
      case when named.oid in ('int2vector'::regtype, 'oidvector'::regtype) then 'vector' else 'array' end,
      'delimiter', (select typdelim from pg_type where oid = named.typelem));
  elsif named.typtype = 'c' then
    form := form || jsonb_build_object('kind', 'composite', 'attributes', (
      select coalesce(jsonb_agg(jsonb_build_object('name', a.attname, 'form', _bemi_source.type_form(a.atttypid))
                                order by a.attnum), '[]')
      from pg_attribute a where a.attrelid = named.typrelid and a.attnum > 0 and not a.attisdropped));
  elsif named.typname = 'hstore' and exists (
      select from pg_depend member join pg_extension extension on extension.oid = member.refobjid
      where member.objid = named.oid and member.classid = 'pg_type'::regclass and member.deptype = 'e'
        and extension.extname = 'hstore') then
    form := form || jsonb_build_object('kind', 'hstore');
  end if;
  return form;
end $$;

-- The leaves of a partitioned table. pg_partition_tree would lock them all, in the application's transaction. Level by
-- level: a recursive query would be planned as if each table had many partitions.
create or replace function _bemi_source.leaves_of(root oid) returns oid[]
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  parents oid[] := array(select named.oid from pg_class named where named.oid = root and named.relkind = 'p');
  children oid[];
  leaves oid[] := '{}';
begin
  while parents <> '{}' loop
    children := array(select i.inhrelid from pg_inherits i where i.inhparent = any (parents));
    parents := array(select part.oid from pg_class part where part.oid = any (children) and part.relkind = 'p');
    leaves := leaves || case when parents = '{}' then children else
      array(select child from unnest(children) child where child <> all (parents)) end;
  end loop;
  return array(select leaf from unnest(leaves) leaf order by leaf);
end $$;

-- The settings are those that the worker reads rows under.
create or replace function _bemi_source.describe(relation oid) returns json
language plpgsql stable set search_path = pg_catalog, pg_temp set timezone = 'UTC' set datestyle = 'ISO'
set intervalstyle = 'postgres' set extra_float_digits = 1 set bytea_output = 'hex' set lc_monetary = 'C'
set quote_all_identifiers = off as $$
declare
  leaves constant oid[] := _bemi_source.leaves_of(relation);
  -- The value of rows from before the column. A partitioned table has no rows: its leaves know.
  missing constant jsonb := (
    select coalesce(jsonb_object_agg(a.attname, a.attmissingval::text order by a.attrelid desc), '{}')
    from pg_attribute a
    where a.attrelid = any (relation || leaves) and a.atthasmissing and not a.attisdropped);
begin
  return (select json_build_object(
      'oid', named.oid::bigint, 'schema', place.nspname, 'table', named.relname, 'identity', named.relreplident,
      'leaves', to_json(leaves::bigint[]),
      'membership', (select coalesce(min(listed.oid::bigint), 0)
                     from pg_publication_rel listed join pg_publication publication on publication.oid = listed.prpubid
                     join _bemi_source.tracking on tracking.publication = publication.pubname
                     where listed.prrelid = named.oid),
      'columns', (
        select coalesce(json_agg(json_strip_nulls(json_build_object(
                 'name', a.attname, 'number', a.attnum,
                 'missing_text', ((missing ->> a.attname)::text[])[1],
                 'type', format_type(a.atttypid, a.atttypmod), 'type_oid', a.atttypid::bigint,
                 'type_modifier', a.atttypmod, 'form', case
                   -- Most types: a call for each column is what makes a description dear.
                   when t.typtype = 'b' and t.typelem = 0 and t.typdelim = ',' and t.typname <> 'hstore'
                   then jsonb_build_object('oid', t.oid::bigint, 'name', format_type(t.oid, null),
                                           'kind', 'scalar')
                   else _bemi_source.type_form(a.atttypid) end)) order by a.attnum), '[]')
        from pg_attribute a join pg_type t on t.oid = a.atttypid
        where a.attrelid = named.oid and a.attnum > 0 and not a.attisdropped
          and (a.attgenerated = '' or a.attgenerated = 's' and current_setting('server_version_num')::int >= 180000)),
      -- Columns that the table has and the stream leaves out.
      'unsent', (
        select coalesce(json_agg(a.attname order by a.attnum), '[]') from pg_attribute a
        where a.attrelid = named.oid and not a.attisdropped
          and (a.attgenerated = 'v' or a.attgenerated = 's' and current_setting('server_version_num')::int < 180000)),
      'primary_key', (
        select coalesce(json_agg(a.attname order by key.place), '[]')
        from pg_index i cross join lateral unnest(i.indkey) with ordinality as key (attnum, place)
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = key.attnum
        where i.indrelid = named.oid and i.indisprimary and key.place <= i.indnkeyatts))
    from pg_class named join pg_namespace place on place.oid = named.relnamespace where named.oid = relation);
end $$;

-- Changes with every change of the catalog's rows about the table, but for its triggers; cheap, unlike its
-- description. A view, so that a look at thousands of tables is one query.
create or replace view _bemi_source.version as
select named.oid as relation, pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.concat_ws(' ', named.xmin, place.xmin,
  (select pg_catalog.string_agg(pg_catalog.concat(a.attnum, ':', a.xmin), ' ' order by a.attnum)
   from pg_catalog.pg_attribute a where a.attrelid = named.oid and a.attnum > 0),
  (select pg_catalog.string_agg(pg_catalog.concat(d.adnum, ':', d.xmin), ' ' order by d.adnum)
   from pg_catalog.pg_attrdef d where d.adrelid = named.oid),
  (select pg_catalog.string_agg(pg_catalog.concat(c.oid, ':', c.xmin), ' ' order by c.oid)
   from pg_catalog.pg_constraint c where c.conrelid = named.oid),
  (select pg_catalog.string_agg(pg_catalog.concat(i.indexrelid, ':', i.xmin), ' ' order by i.indexrelid)
   from pg_catalog.pg_index i where i.indrelid = named.oid)), 'UTF8')) as version
from pg_catalog.pg_class named join pg_catalog.pg_namespace place on place.oid = named.relnamespace;
revoke all on _bemi_source.version from public;
comment on view _bemi_source.version is
  'Digests of what the catalog has about each table now.';
comment on column _bemi_source.version.relation is 'The table''s oid at the source';
comment on column _bemi_source.version.version is 'The digest of the catalog''s row versions';

-- The digest of everything by which rows are read.
create or replace function _bemi_source.digest(described json) returns bytea
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  return sha256(convert_to((described::jsonb - '{leaves,membership,identity}'::text[])::text, 'UTF8'));
end $$;

-- 'shape' or 'version' when the table is another than it was told to be; from here on it counts as told. A row
-- that the worker's look holds is waited for, a moment; one that another transaction holds for longer is left: the
-- next look compares again.
create or replace function _bemi_source.remember(relation oid, described json, seen_version bytea default null)
returns text language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  known _bemi_source.shape;
  new_digest bytea := _bemi_source.digest(described);
  new_version bytea := coalesce(seen_version,
    (select v.version from _bemi_source.version v where v.relation = remember.relation));
begin
  for attempt in 1..10 loop
    select * into known from _bemi_source.shape s where s.relation = remember.relation for update skip locked;
    exit when found or not exists (select from _bemi_source.shape s where s.relation = remember.relation);
    perform pg_sleep(0.005);
  end loop;
  if known.relation is not null then
    update _bemi_source.shape s set description = new_digest, version = new_version
    where s.relation = remember.relation;
  elsif not exists (select from _bemi_source.shape s where s.relation = remember.relation) then
    insert into _bemi_source.shape values (remember.relation, new_digest, new_version);
  end if;
  return case when known.description is distinct from new_digest then 'shape'
    when known.version is distinct from new_version then 'version' else 'same' end;
end $$;

-- Whether values that are there read otherwise since the type's labels were told last.
create or replace function _bemi_source.labels_changed(enum oid) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  known jsonb;
  found_labels jsonb := (select coalesce(jsonb_object_agg(enumerated.oid::text, enumerated.enumlabel), '{}')
                         from pg_enum enumerated where enumerated.enumtypid = enum);
begin
  select e.labels into known from _bemi_source.enum_labels e where e.type = enum for update skip locked;
  if found then
    update _bemi_source.enum_labels e set labels = found_labels where e.type = enum;
  elsif not exists (select from _bemi_source.enum_labels e where e.type = enum) then
    insert into _bemi_source.enum_labels values (enum, found_labels);
  end if;
  return known is null or not found_labels @> known;
end $$;
