-- The source may have made `_bemi` in the same database. Whose a schema is that was there before is
-- looked at before and after (check_own_schema); one that is new is closed to everybody, whatever
-- default privileges gave.
do $$
declare place text; granted record;
begin
  foreach place in array array['_bemi', 'bemi'] loop
    continue when to_regnamespace(place) is not null;
    execute format('create schema %I', place);
    for granted in
      select distinct a.grantee from pg_catalog.pg_namespace n cross join lateral pg_catalog.aclexplode(n.nspacl) a
      where n.nspname = place and a.grantee <> n.nspowner
    loop
      execute format('revoke all on schema %I from %s', place,
                     case granted.grantee when 0 then 'public' else granted.grantee::regrole::text end);
    end loop;
  end loop;
end $$;
comment on schema bemi is 'Asks the past; made by Bemi.';
create table _bemi.migration (
  version int primary key,
  name text not null,
  sha256 text,
  applied_at timestamptz not null default now()
)
