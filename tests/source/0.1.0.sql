-- The event triggers of release 0.1.0, as its `bemi init --dry-run` printed them for a database `shop`.
create schema if not exists _bemi;
create table if not exists _bemi.trigger_failure (message text primary key, count bigint not null,
                                                  last_at timestamptz not null);
create table if not exists _bemi.ddl_mark (mark boolean);

create or replace function _bemi.note_failure(message text) returns void
language sql security definer set search_path = pg_catalog as $bemi$
  insert into _bemi.trigger_failure values (message, 1, now())
  on conflict (message) do update set count = trigger_failure.count + 1, last_at = excluded.last_at
$bemi$;

drop function if exists _bemi.emit_schema(text, boolean, boolean, json);
drop function if exists _bemi.emit_schema(text, boolean, boolean, json, boolean);
create or replace function _bemi.emit_schema(command text, is_empty boolean, is_dropped boolean, described json,
                                             is_unseen boolean default false, is_rewritten boolean default false)
returns void language plpgsql security definer set search_path = pg_catalog as $bemi$
declare mark xid; place tid;
begin
  insert into _bemi.ddl_mark values (true) returning xmin, ctid into mark, place;
  delete from _bemi.ddl_mark where ctid = place;
  perform pg_logical_emit_message(true, '_bemi_schema', convert_to(json_build_object(
    'v', 1, 'command', command, 'sql', left(current_query(), 65536), 'xid', mark::text::bigint,
    'empty', is_empty, 'dropped', is_dropped, 'unseen', is_unseen, 'rewritten', is_rewritten,
    'table', described)::text, 'UTF8'));
end $bemi$;

create or replace function _bemi.type_form(type oid) returns jsonb
language plpgsql stable set search_path = pg_catalog as $bemi$
declare t pg_type; form jsonb;
begin
  select * into t from pg_type where oid = type;
  if t.typtype = 'd' then return _bemi.type_form(t.typbasetype); end if;
  form := jsonb_build_object('oid', t.oid::bigint, 'name', format_type(t.oid, null), 'kind', 'scalar');
  if t.typdelim <> ',' then form := form || jsonb_build_object('delimiter', t.typdelim); end if;
  if t.typelem <> 0 and t.typsubscript = 'array_subscript_handler'::regproc then
    form := form || jsonb_build_object('element', _bemi.type_form(t.typelem), 'kind',
      case when t.oid in ('int2vector'::regtype, 'oidvector'::regtype) then 'vector' else 'array' end,
      'delimiter', (select typdelim from pg_type where oid = t.typelem));
  elsif t.typtype = 'c' then
    form := form || jsonb_build_object('kind', 'composite', 'attributes', (
      select coalesce(jsonb_agg(jsonb_build_object('name', a.attname, 'form', _bemi.type_form(a.atttypid))
                                order by a.attnum), '[]')
      from pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped));
  elsif t.typname = 'hstore' and exists (
      select from pg_depend d join pg_extension e on e.oid = d.refobjid
      where d.objid = t.oid and d.classid = 'pg_type'::regclass and d.deptype = 'e' and e.extname = 'hstore') then
    form := form || jsonb_build_object('kind', 'hstore');
  end if;
  return form;
end $bemi$;

-- A composite type is reported by its pg_class entry.
create or replace function _bemi.uses_type(type oid, classid oid, objid oid) returns boolean
language sql stable set search_path = pg_catalog as $bemi$
  select type = objid or _bemi.type_form(type)::text like '%"oid": ' || case
    when classid = 'pg_class'::regclass then (select c.reltype from pg_class c where c.oid = objid) else objid end || ',%'
$bemi$;

-- What rows from before the column have. A partitioned table has no rows: its partitions know.
create or replace function _bemi.missing_text(c pg_class, a pg_attribute) returns text
language sql stable set search_path = pg_catalog as $bemi$
  select case when a.atthasmissing then (a.attmissingval::text::text[])[1]
    when c.relkind = 'p' then (
      select (l.attmissingval::text::text[])[1] from pg_partition_tree(c.oid) t
      join pg_attribute l on l.attrelid = t.relid and l.attname = a.attname
      where t.isleaf and l.atthasmissing and not l.attisdropped order by t.relid::oid limit 1) end
$bemi$;

create or replace function _bemi.describe(relation oid) returns json
language sql stable set search_path = pg_catalog set timezone = 'UTC' set datestyle = 'ISO'
set intervalstyle = 'postgres' set extra_float_digits = 1 set bytea_output = 'hex' set lc_monetary = 'C' as $bemi$
  select json_build_object(
    'oid', c.oid::bigint, 'schema', n.nspname, 'table', c.relname, 'identity', c.relreplident,
    'leaves', (select coalesce(json_agg(t.relid::oid::bigint order by t.relid::oid), '[]')
               from pg_partition_tree(c.oid) t where t.isleaf and c.relkind = 'p'),
    'membership', (select coalesce(min(r.oid::bigint), 0)
                   from pg_publication_rel r join pg_publication p on p.oid = r.prpubid
                   where p.pubname = 'bemi_shop' and r.prrelid = c.oid),
    'columns', (
      select coalesce(json_agg(json_strip_nulls(json_build_object(
               'name', a.attname, 'number', a.attnum,
               'missing_text', _bemi.missing_text(c, a), 'type', format_type(a.atttypid, a.atttypmod), 'type_oid', a.atttypid::bigint,
               'type_modifier', a.atttypmod, 'form', _bemi.type_form(a.atttypid))) order by a.attnum), '[]')
      from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        and (a.attgenerated = '' or a.attgenerated = 's' and current_setting('server_version_num')::int >= 180000)),
    'primary_key', (
      select coalesce(json_agg(a.attname order by k.place), '[]')
      from pg_index i cross join lateral unnest(i.indkey) with ordinality as k (attnum, place)
      join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
      where i.indrelid = c.oid and i.indisprimary and k.place <= i.indnkeyatts))
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = relation
$bemi$;

-- Whether another publication leaves columns of the table out.
create or replace function _bemi.is_narrowly_published(relation oid) returns boolean
language plpgsql stable security definer set search_path = pg_catalog as $bemi$
declare found boolean;
begin
  if current_setting('server_version_num')::int < 150000 then return false; end if;
  -- Not yet there in 14: not to be read before it runs.
  execute $q$ select exists (
    select from pg_publication_tables t join pg_publication p using (pubname)
    join pg_namespace n on n.nspname = t.schemaname
    join pg_class c on c.relname = t.tablename and c.relnamespace = n.oid
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.oid = $1 and t.pubname <> $2 and (p.pubupdate or p.pubdelete)
      and (a.attgenerated = '' or current_setting('server_version_num')::int >= 180000)
      and a.attname <> all (t.attnames)) $q$ into found using relation, 'bemi_shop';
  return found;
end $bemi$;

-- Gives the table the identity without which its own updates would fail once it is published, or takes it
-- out of the publication. Tells whether it may be published.
create or replace function _bemi.settle_identity(relation oid, is_new boolean) returns boolean
language plpgsql security definer set search_path = pg_catalog as $bemi$
declare
  c pg_class; name text; full_harms boolean; has_key boolean; identified boolean;
begin
  select * into c from pg_class where oid = relation;
  -- Not by regnamespace: its text is quoted already.
  select format('%I.%I', n.nspname, c.relname) into name from pg_namespace n where n.oid = c.relnamespace;
  full_harms := exists (select from pg_attribute a where a.attrelid = c.oid and a.attgenerated = 'v')
                or _bemi.is_narrowly_published(c.oid);
  has_key := exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary);
  identified := c.relreplident = 'i' or c.relreplident = 'd' and has_key;
  if full_harms and c.relreplident = 'f' then
    if has_key then
      execute 'alter table only ' || name || ' replica identity default';
    elsif not is_new then
      execute format('alter publication %I drop table only %s', 'bemi_shop', name);
    end if;
    return has_key;
  elsif full_harms then
    return identified;
  elsif c.relreplident <> 'f' and (not identified or is_new and true) then
    execute 'alter table only ' || name || ' replica identity full';
  end if;
  return true;
end $bemi$;

create or replace function _bemi.track_relation(relation oid, command text) returns void
language plpgsql security definer set search_path = pg_catalog as $bemi$
declare
  c pg_class; published boolean; root oid := coalesce(pg_partition_root(relation), relation);
  is_new boolean := command in ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO');
  is_rewritten boolean;
begin
  select * into c from pg_class where oid = relation;
  -- A type's labels and attributes that are renamed show in all values that are there.
  is_rewritten := command = 'ALTER TYPE' and current_query() !~* 'add\s+value' or exists (
    select from unnest(string_to_array(current_setting('bemi.rewritten', true), ' ')) as r (oid)
    where r.oid ~ '^[0-9]+$' and coalesce(pg_partition_root(r.oid::oid), r.oid::oid) = root);
  published := exists (
    select from pg_publication_rel r join pg_publication p on p.oid = r.prpubid
    where p.pubname = 'bemi_shop'
      and (r.prrelid = c.oid or r.prrelid in (select relid from pg_partition_ancestors(c.oid))));
  if is_new and not c.relispartition and not published then
    if not _bemi.settle_identity(c.oid, true) then return; end if;
    execute format('alter publication %I add table only %I.%I', 'bemi_shop',
                   (select n.nspname from pg_namespace n where n.oid = c.relnamespace), c.relname);
  elsif c.relispartition or published then
    if not _bemi.settle_identity(c.oid, is_new) then return; end if;
  end if;
  if not (published or is_new and not c.relispartition) or command like '%PUBLICATION' then return; end if;
  -- The rows that CREATE TABLE AS brings were written before the table was published. A partition's rows are
  -- named by the root.
  perform _bemi.emit_schema(command, command = 'CREATE TABLE' and not c.relispartition, false, _bemi.describe(root),
                             is_rewritten => is_rewritten);
end $bemi$;

create or replace function _bemi.track_ddl() returns event_trigger
language plpgsql security definer set search_path = pg_catalog as $bemi$
declare command record;
begin
  if current_setting('bemi.quiet', true) = 'on' then return; end if;
  perform set_config('bemi.quiet', 'on', true);
  for command in
    select distinct c.oid, d.command_tag
    from pg_event_trigger_ddl_commands() d
    join pg_class c on d.classid = 'pg_class'::regclass and c.oid = d.objid
      or d.classid = 'pg_namespace'::regclass and c.relnamespace = d.objid
      or d.classid = 'pg_publication_rel'::regclass
         and c.oid = (select r.prrelid from pg_publication_rel r where r.oid = d.objid)
      or d.classid = 'pg_publication'::regclass
         and c.oid in (select r.prrelid from pg_publication_rel r where r.prpubid = d.objid)
      or d.command_tag in ('ALTER TYPE', 'ALTER DOMAIN') and exists (
           select from pg_attribute a
           where a.attrelid = c.oid and a.atttypid >= 16384 and _bemi.uses_type(a.atttypid, d.classid, d.objid))
    join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and c.relpersistence = 'p' and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', '_bemi') and coalesce(obj_description(n.oid, 'pg_namespace'), '') !~ '^A copy of the past' and true and not false and not (n.nspname = 'public' and c.relname ~ '^changes(_[0-9w_]+)?$')
    order by c.oid
  loop
    begin
      perform _bemi.track_relation(command.oid, command.command_tag);
    exception when others then
      perform _bemi.note_failure(sqlerrm);
    end;
  end loop;
  perform set_config('bemi.quiet', '', true), set_config('bemi.rewritten', '', true);
exception when others then
  perform set_config('bemi.quiet', '', true);
end $bemi$;
comment on function _bemi.track_ddl() is 'Bemi 9: bemi_shop full n.nspname !~ ''^pg_'' and n.nspname not in (''information_schema'', ''_bemi'') and coalesce(obj_description(n.oid, ''pg_namespace''), '''') !~ ''^A copy of the past'' and true and not false and not (n.nspname = ''public'' and c.relname ~ ''^changes(_[0-9w_]+)?$'')';

-- Before the command's end, which tells it.
create or replace function _bemi.track_rewrite() returns event_trigger
language plpgsql set search_path = pg_catalog as $bemi$
begin
  perform set_config('bemi.rewritten', concat_ws(' ', nullif(current_setting('bemi.rewritten', true), ''),
                                                 pg_event_trigger_table_rewrite_oid()::text), true);
end $bemi$;

create or replace function _bemi.track_drop() returns event_trigger
language plpgsql security definer set search_path = pg_catalog as $bemi$
declare dropped record;
begin
  for dropped in
    select t.objid, t.schema_name, t.object_name, exists (
             select from pg_event_trigger_dropped_objects() p
             where p.object_type = 'publication relation' and p.address_args[1] = 'bemi_shop'
               and p.address_names = array[t.schema_name, t.object_name]) as is_listed
    from pg_event_trigger_dropped_objects() t where t.object_type = 'table' and not t.is_temporary
  loop
    -- One that was not listed may have been a partition: only the worker knows yet.
    perform _bemi.emit_schema(tg_tag, false, true, json_build_object(
      'oid', dropped.objid::bigint, 'schema', dropped.schema_name, 'table', dropped.object_name,
      'listed', dropped.is_listed));
  end loop;
  for dropped in
    select c.oid, n.nspname, c.relname
    from pg_event_trigger_dropped_objects() p
    join pg_namespace n on n.nspname = p.address_names[1]
    join pg_class c on c.relname = p.address_names[2] and c.relnamespace = n.oid
    where p.object_type = 'publication relation' and p.address_args[1] = 'bemi_shop'
  loop
    perform _bemi.emit_schema(tg_tag, false, false, json_build_object(
      'oid', dropped.oid::bigint, 'schema', dropped.nspname, 'table', dropped.relname), true);
  end loop;
exception when others then
  perform _bemi.note_failure(sqlerrm);
end $bemi$;

drop event trigger if exists bemi_track_ddl;
drop event trigger if exists bemi_track_drop;
drop event trigger if exists bemi_track_rewrite;
create event trigger bemi_track_rewrite on table_rewrite execute function _bemi.track_rewrite();
create event trigger bemi_track_ddl on ddl_command_end
  when tag in ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE', 'ALTER TYPE', 'ALTER DOMAIN',
               'ALTER SCHEMA', 'CREATE PUBLICATION', 'ALTER PUBLICATION')
  execute function _bemi.track_ddl();
create event trigger bemi_track_drop on sql_drop
  when tag in ('DROP TABLE', 'DROP SCHEMA', 'DROP OWNED', 'ALTER PUBLICATION', 'DROP PUBLICATION')
  execute function _bemi.track_drop();
