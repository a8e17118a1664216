-- Who may use the dashboard and its API. A secret is kept as its hash alone.
create table _bemi.access_token (
  name text primary key,
  role text not null check (role in ('viewer', 'operator', 'admin')),
  hash text not null unique,
  created_at timestamptz not null default now()
);

-- A browser that has signed in.
create table _bemi.login_session (
  hash text primary key,
  name text not null,
  role text not null check (role in ('viewer', 'operator', 'admin')),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);
