-- Of the source $1, the findings in $2.
insert into _bemi.context_finding as known (source, reason, key, messages, first_at, last_at, transaction_id,
                                            other_transaction_id)
select $1, said.reason, said.key, said.messages, said.at, said.at, said.transaction_id, said.other_transaction_id
from jsonb_to_recordset($2::jsonb) said (reason text, key text, messages bigint, at timestamptz, transaction_id bigint,
                                         other_transaction_id bigint)
on conflict (source, reason, key) do update
set messages = known.messages + excluded.messages, last_at = excluded.last_at,
    transaction_id = excluded.transaction_id, other_transaction_id = excluded.other_transaction_id
