-- People who use the dashboard: who signs in by name, with argon2id of the password; null: by the proxy alone.
create table _bemi.dashboard_user (
  name text primary key check (name <> ''),
  role text not null check (role in ('viewer', 'operator', 'admin')),
  password text,
  created_at timestamptz not null default now(),
  changed_at timestamptz not null default now()
);

-- What was done from the dashboard and its API, and by whom: what changes data or settings. Written before it
-- is done; `outcome` is null while it runs, and stays so where the server ended meanwhile.
create table _bemi.action (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  actor text not null,
  role text not null,
  peer text not null,
  action text not null,
  target text not null default '',
  details jsonb not null default '{}',
  outcome text,
  ended_at timestamptz
);
