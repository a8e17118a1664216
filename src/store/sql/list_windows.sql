-- Windows with what is due; $1: the rules. A window is due when the longest retention is over, and
-- only when there is a general one: a table that nobody named is kept for ever else.
with rule as (
  select r ->> 1 as "table", (r ->> 2)::interval as keep from jsonb_array_elements($1::jsonb) r
)
select w.name, (extract(epoch from w.from_time) * 1000000)::bigint, (extract(epoch from w.to_time) * 1000000)::bigint,
       w.closed, w.sealed,
       w.name in (select l."window" from _bemi.kept_lists() l where l.contexts), w.detaching, w.restored, w.archived,
       is_due,
       -- Both take a tenth of a millisecond and more, of thousands of partitions.
       case when exists (select from rule) then exists (select from _bemi.tables_over($1::jsonb, w.to_time))
            else false end,
       case when is_due then (select pg_size_pretty(b.bytes) from _bemi.window b where b.name = w.name) else '' end
from _bemi.window w
cross join lateral (
  select coalesce(w.to_time <= now() - (select max(keep) from rule), false)
           and exists (select from rule where "table" is null) as is_due
) d
