-- The three of ours: whose functions they run, and whether all of them fire in every session.
select count(*) filter (where place.nspname = '_bemi'), count(*) filter (where place.nspname = '_bemi_source'),
       count(*) filter (where place.nspname = '_bemi_source' and trigger.evtenabled <> 'A'),
       count(*) filter (where place.nspname = '_bemi_source'
                          and (function.proowner <> trigger.evtowner or place.nspowner <> trigger.evtowner)),
       coalesce(min(pg_get_userbyid(place.nspowner)), '')
from pg_event_trigger trigger join pg_proc function on function.oid = trigger.evtfoid
join pg_namespace place on place.oid = function.pronamespace
where trigger.evtname in ('bemi_track_ddl', 'bemi_track_drop', 'bemi_track_rewrite')
