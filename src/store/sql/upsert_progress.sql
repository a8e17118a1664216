-- A new epoch reads all rows anew: nobody toggled the publication that it begins with.
insert into _bemi.source as source (name, database, slot, publication, state, system_identifier, timeline,
                          epoch, consistent_point, position, effective_at, advanced_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, now())
on conflict (name) do update
set database = excluded.database, slot = excluded.slot, publication = excluded.publication,
    state = excluded.state, system_identifier = excluded.system_identifier,
    timeline = excluded.timeline, epoch = excluded.epoch,
    consistent_point = excluded.consistent_point, position = excluded.position,
    effective_at = excluded.effective_at, advanced_at = excluded.advanced_at,
    publication_seen = case when source.epoch = excluded.epoch then source.publication_seen end
