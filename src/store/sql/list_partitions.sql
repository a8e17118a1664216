-- The bounds as PostgreSQL prints them in the session's UTC: FROM ('...') TO ('...').
select c.relname,
       (extract(epoch from (regexp_match(pg_get_expr(c.relpartbound, c.oid),
                            'FROM \(''([^'']*)''\)'))[1]::timestamptz) * 1000000)::bigint,
       (extract(epoch from (regexp_match(pg_get_expr(c.relpartbound, c.oid),
                            'TO \(''([^'']*)''\)'))[1]::timestamptz) * 1000000)::bigint
from pg_inherits i
join pg_class c on c.oid = i.inhrelid
where i.inhparent = $1::regclass
