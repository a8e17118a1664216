select s.state, s.slot, s.epoch, coalesce(s.position::text, ''), coalesce(s.effective_at::text, ''),
       coalesce(extract(epoch from now() - s.advanced_at)::int, 0), s.transactions, s.changes,
       s.written_with_context, s.contexts_rejected,
       (select count(*) from _bemi.gap g where g.source = s.name and g.accepted_at is null),
       (select count(*) from _bemi.gap g where g.source = s.name),
       coalesce(s.last_change_at::text, ''), s.schema_refused,
       (select count(*) from _bemi.finding f where f.source = s.name), s.written,
       s.messages_refused,
       coalesce((select format('%s.%s from %s until %s: %s', g.schema, g."table", g.from_time,
                               coalesce(g.to_time::text, 'now'), g.reason)
                 from _bemi.gap g where g.source = s.name and g.relation is not null
                 order by g.to_time is null desc, g.id desc limit 1), ''),
       (select count(*) from bemi.time_travel_tables t where t.source = s.name and t.problem is not null),
       (select count(*) from _bemi.parked p where p.source = s.name and p.what in ('change', 'note'))
from _bemi.source s where s.name = $1
