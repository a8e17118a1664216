-- Only from the position that this writer knows: if another one moved it, nothing is stored.
update _bemi.source
set position = $2, effective_at = $3, advanced_at = now(), state = 'streaming',
    last_change_at = case when $5::bigint > 0 then $3::timestamptz else last_change_at end,
    transactions = transactions + $4::bigint, changes = changes + $5::bigint,
    changes_with_context = changes_with_context + $6::bigint,
    written = written + $11::bigint, written_with_context = written_with_context + $12::bigint,
    contexts_rejected = contexts_rejected + $7::bigint,
    schema_refused = schema_refused + $10::bigint,
    messages_refused = messages_refused + $13::bigint
where name = $1 and position = $8 and epoch = $9::int
