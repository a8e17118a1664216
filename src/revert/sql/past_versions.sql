with named as (
  select distinct v.relation, v.schema, v."table" from _bemi.relation_version v
  join jsonb_array_elements($2::jsonb) as n (name) on v.schema = n.name ->> 0 and v."table" = n.name ->> 1
  where v.source = $1
  union
  select distinct v.relation, v.schema, v."table" from _bemi.relation_version v
  where v.source = $1 and v.relation in (select r::bigint from jsonb_array_elements_text($3::jsonb) r)
), alike as (
  -- All that ever had one of the names, and all their other names.
  select distinct v.schema, v."table" from _bemi.relation_version v
  where v.source = $1 and v.relation in (select relation from named)
)
select v.relation, v.schema, v."table", v.epoch, v.position, v.sequence, v.columns::text,
       to_jsonb(v.primary_key)::text
from _bemi.relation_version v
where v.source = $1 and not v.dropped
  and ((v.schema, v."table") in (select schema, "table" from alike)
       or v.relation in (select relation from named))
order by v.epoch, v.position, v.sequence
