with told as (
  select t ->> 0 as schema, t ->> 1 as "table", t -> 2 as columns
  from jsonb_array_elements($2::jsonb) t where t -> 2 <> 'null'
), gone as (
  delete from _bemi.untracked u where u.source = $1
    and not exists (select from told t where (t.schema, t."table") = (u.schema, u."table"))
)
insert into _bemi.untracked select $1, t.* from told t
on conflict (source, schema, "table") do update set columns = excluded.columns
