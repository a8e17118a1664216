-- A role that only reads may not be allowed to read this.
select made.oid is not null and former.oid is not null, has_database_privilege(current_database(), 'create'),
       coalesce(may.enter and has_table_privilege(former.oid, 'insert') and has_table_privilege(former.oid, 'update'),
                false),
       coalesce(may.enter and has_table_privilege(former.oid, 'select') and has_table_privilege(made.oid, 'select'),
                false),
       coalesce(may.enter and has_table_privilege(made.oid, 'insert'), false)
from (select) one
left join pg_namespace n on n.nspname = '_bemi_setup'
left join pg_class made on made.relnamespace = n.oid and made.relname = 'made'
left join pg_class former on former.relnamespace = n.oid and former.relname = 'former_identity'
cross join lateral (select has_schema_privilege(n.oid, 'usage') as enter) may
