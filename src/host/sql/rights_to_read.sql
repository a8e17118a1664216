-- One row if there is a history that this role may not read: the role, and the role of its readers, if it has one.
select current_user::text, coalesce(readers.rolname, '')
from pg_catalog.pg_namespace as place
left join lateral (
  select role.rolname::text
  from pg_catalog.pg_roles as role
  where role.rolname like 'bemi\_%\_reader'
    and pg_catalog.has_schema_privilege(role.oid, place.oid, 'USAGE')
  order by role.rolname
  limit 1
) as readers on true
where place.nspname = '_bemi'
  and not pg_catalog.has_schema_privilege(place.oid, 'USAGE')
