-- Each table's newest shape in the history, in the words of catalog_shapes.
select distinct on (v.relation) v.relation, v.schema, v."table", v.dropped,
       (select md5(coalesce(string_agg(concat_ws(' ', c ->> 'number', to_json(c ->> 'name'), c ->> 'type_oid',
                                                 c ->> 'type_modifier'), ',' order by (c ->> 'number')::int), ''))
        from jsonb_array_elements(v.columns) c),
       v.leaves::text,
       -- All columns, also those that are not sent; empty: they are not known.
       coalesce((
         select md5(string_agg(to_json(n.name)::text, ',' order by n.name collate "C"))
         from (
           select c ->> 'name' as name from jsonb_array_elements(v.columns) c
           union all
           select unnest(v.unsent)
         ) n
         where v.unsent is not null), '')
from _bemi.relation_version v
where v.source = $1 and v.epoch = $2
order by v.relation, v.position desc, v.sequence desc
