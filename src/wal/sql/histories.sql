-- A history is known by its shape, since not everybody may read what Bemi keeps of it; its owner
-- may use `_bemi`, so that an application cannot make its table look like one.
select c.oid, c.relkind from pg_catalog.pg_class c
where c.relkind in ('r', 'p') and c.relname ~ '^changes(_|$)'
  and exists (select from pg_catalog.pg_class d join pg_catalog.pg_namespace o on o.oid = d.relnamespace
              where o.nspname = '_bemi' and d.relname = 'destination'
                and pg_catalog.has_schema_privilege(c.relowner, o.oid, 'usage'))
  and array(select a.attname::text from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0)
      @> array['id', 'source', 'database', 'schema', 'table', 'primary_key', 'operation', 'before', 'after',
               'context', 'committed_at', 'effective_at', 'queued_at', 'created_at', 'transaction_id',
               'position', 'epoch', 'commit_position', 'sequence', 'exact', 'fidelity']
