-- Of the source $1, the sessions in $2: what another connection has stored of them is never taken back.
insert into _bemi.context_session as known (source, key, session, number, signed_at)
select $1, said.key, said.session, said.number, said.signed_at
from jsonb_to_recordset($2::jsonb) said (key text, session text, number bigint, signed_at timestamptz)
on conflict (source, key, session) do update
set number = greatest(known.number, excluded.number), signed_at = greatest(known.signed_at, excluded.signed_at)
