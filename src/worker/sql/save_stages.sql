-- $2: counters as counters_of() writes them, now, and $3 when they were last noted, $4 microseconds
-- ago.
insert into _bemi.stage (source, place, stage, items, bytes, input_wait_us, output_wait_us, elapsed_us)
select $1, n.place, n.value ->> 0, (n.value ->> 1)::bigint - (b.value ->> 1)::bigint,
       (n.value ->> 2)::bigint - (b.value ->> 2)::bigint, (n.value ->> 3)::bigint - (b.value ->> 3)::bigint,
       (n.value ->> 4)::bigint - (b.value ->> 4)::bigint, $4
from jsonb_array_elements($2::jsonb) with ordinality n (value, place)
join jsonb_array_elements($3::jsonb) with ordinality b (value, place) using (place)
on conflict (source, stage) do update
set items = excluded.items, bytes = excluded.bytes, input_wait_us = excluded.input_wait_us,
    output_wait_us = excluded.output_wait_us, elapsed_us = excluded.elapsed_us, until = now()
