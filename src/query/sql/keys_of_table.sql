-- The columns of each key that a table has had, the newest first.
select pg_catalog.to_jsonb(version.primary_key)
from _bemi.relation_version as version
where version.schema = $1
  and version."table" = $2
  and ($3::text is null or version.source = $3)
group by version.primary_key
order by max(version.recorded_at) desc
