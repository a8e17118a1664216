-- The rights of each role. Nothing of the history is open to PUBLIC, nor to roles that default privileges name.

-- Takes every right on it from everybody but its owner.
create or replace function _bemi.close_relation(name text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare granted record;
begin
  for granted in
    select distinct a.grantee from pg_class c cross join lateral aclexplode(c.relacl) a
    where c.oid = name::regclass and a.grantee <> c.relowner
  loop
    execute format('revoke all on %s from %s cascade', name,
                   case granted.grantee when 0 then 'public' else granted.grantee::regrole::text end);
  end loop;
end $$;

create or replace function _bemi.close_function(name text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare granted record;
begin
  for granted in
    select distinct a.grantee
    from pg_proc p cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
    where p.oid = name::regprocedure and a.grantee <> p.proowner
  loop
    execute format('revoke all on function %s from %s cascade', name,
                   case granted.grantee when 0 then 'public' else granted.grantee::regrole::text end);
  end loop;
end $$;

create or replace function _bemi.close_schema(name text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare granted record;
begin
  for granted in
    select distinct a.grantee from pg_namespace n cross join lateral aclexplode(n.nspacl) a
    where n.nspname = name and a.grantee <> n.nspowner
  loop
    execute format('revoke all on schema %I from %s cascade', name,
                   case granted.grantee when 0 then 'public' else granted.grantee::regrole::text end);
  end loop;
end $$;

create or replace function _bemi.close_type(name text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  execute format('revoke all on type %s from public', name);
end $$;

-- Revokes everybody's rights on new objects, once. `changes` and its partitions are in a schema of the application,
-- where default privileges are usual.
create or replace function _bemi.settle_rights() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare thing record; member record;
begin
  for thing in select i.kind, i.name from _bemi.installed i where not i.is_settled order by i.kind, i.name loop
    case thing.kind
      when 'function' then perform _bemi.close_function(thing.name);
      when 'type' then perform _bemi.close_type(thing.name);
      else perform _bemi.close_relation(thing.name);
    end case;
  end loop;
  update _bemi.installed set is_settled = true where not is_settled;
  for member in select r.purpose, r.name from _bemi.role r where r.purpose in ('reader', 'writer', 'dashboard') loop
    perform _bemi.grant_rights(member.purpose, member.name);
  end loop;
end $$;

-- The rights that each job needs; every job may also read. A maintainer is a member of the owner.
create or replace function _bemi.grants_of(purpose text) returns table (rights text, relation text)
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select g.rights, r.name
  from (values
    ('reader', 'select', array['@schema@.changes', '_bemi.source', '_bemi.epoch', '_bemi.coverage', '_bemi.gap',
      '_bemi.finding', '_bemi.context_finding', '_bemi.relation_version', '_bemi.key_change', '_bemi.key_pass',
      '_bemi.baseline_left', '_bemi.view', '_bemi.destination', '_bemi.mark', '_bemi.listed_window',
      '_bemi.window_keys',
      '_bemi."window"', '_bemi.stage', '_bemi.migration', '_bemi.function_set', '_bemi.installed', '_bemi.role',
      'bemi.time_travel_tables']),
    ('writer', 'select, insert', array['@schema@.changes', '_bemi.gap', '_bemi.finding', '_bemi.parked',
      '_bemi.relation_version',
      '_bemi.epoch', '_bemi.coverage', '_bemi.key_change', '_bemi.key_pass']),
    ('writer', 'select, insert, update, delete', array['_bemi.source', '_bemi.baseline_piece',
      '_bemi.baseline_left', '_bemi.stage', '_bemi.untracked', '_bemi.context_session', '_bemi.context_finding']),
    ('writer', 'select, update (accepted_at, to_position, to_time)', array['_bemi.gap']),
    ('writer', 'update (since, whole, membership, rows_at)', array['_bemi.coverage']),
    ('dashboard', 'select, insert, update, delete', array['_bemi.access_token', '_bemi.login_session',
      '_bemi.dashboard_user', '_bemi.managed_source', '_bemi.webhook', '_bemi.saved_view', '_bemi.mark']),
    ('dashboard', 'select', array['_bemi.parked', '_bemi.action', '_bemi.action_outcome']),
    ('dashboard', 'insert (actor, role, peer, action, target, details)', array['_bemi.action']),
    ('dashboard', 'insert (action, outcome)', array['_bemi.action_outcome'])
  ) g (purpose, rights, relations)
  cross join lateral unnest(g.relations) r (name)
  where g.purpose = grants_of.purpose
$$;

-- Functions that only read run with the caller's rights.
create or replace function _bemi.grant_functions(purpose text, grantee text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare granted record;
begin
  for granted in
    select i.name from _bemi.installed i join pg_proc p on p.oid = to_regprocedure(i.name)
    where i.kind = 'function' and not has_function_privilege(grantee, p.oid, 'execute')
      and (p.provolatile <> 'v' or purpose = 'writer' and p.proname in ('refresh_time_travel', 'make_partition'))
  loop
    execute format('grant execute on function %s to %I', granted.name, grantee);
  end loop;
end $$;

-- For the owner or a superuser: gives a role the rights that a job needs.
create or replace function _bemi.grant_rights(purpose text, grantee text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare granted record; place text;
begin
  if purpose not in ('reader', 'writer', 'dashboard') then
    raise exception 'not a job: %', purpose
      using errcode = 'invalid_parameter_value', hint = 'reader, writer or dashboard';
  elsif purpose <> 'reader' then
    perform _bemi.grant_rights('reader', grantee);
  end if;
  foreach place in array array['bemi', '_bemi', (select d.schema from _bemi.destination d)] loop
    continue when has_schema_privilege(grantee, place, 'usage');
    execute format('grant usage on schema %I to %I', place, grantee);
  end loop;
  for granted in select * from _bemi.grants_of(purpose) loop
    execute format('grant %s on %s to %I', granted.rights, granted.relation, grantee);
  end loop;
  perform _bemi.grant_functions(purpose, grantee);
end $$;
