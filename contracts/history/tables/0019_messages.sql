-- Messages in the WAL are input from strangers, and notes of Bemi's own can be refused like rows.
alter table _bemi.source add schema_refused bigint not null default 0;
alter table _bemi.parked drop constraint parked_what_check;
alter table _bemi.parked add constraint parked_what_check check (what in ('context', 'schema', 'change', 'note'));

-- What contradicts itself in what was stored: rows changed at the source without a change on record.
create table _bemi.finding (
  id bigint generated always as identity primary key,
  source text not null,
  kind text not null check (kind in ('image chain')),
  change uuid not null unique,
  previous uuid not null,
  schema text not null,
  "table" text not null,
  primary_key text not null,
  columns text[] not null,
  found_at timestamptz not null default now()
);
comment on table _bemi.finding is
  'image chain: `before` of the change is not `after` of the previous one of its row, in these columns.';
insert into _bemi.installed values ('table', '_bemi.finding');
