-- Each table's newest shape in the history, in the words of catalog_shapes.
select distinct on (v.relation) v.relation, v.schema, v."table", v.dropped,
       (select md5(coalesce(string_agg(concat_ws(' ', c ->> 'number', to_json(c ->> 'name'), c ->> 'type_oid',
                                                 c ->> 'type_modifier'), ',' order by (c ->> 'number')::int), ''))
        from jsonb_array_elements(v.columns) c),
       v.leaves::text
from _bemi.relation_version v
where v.source = $1 and v.epoch = $2
order by v.relation, v.position desc, v.sequence desc
