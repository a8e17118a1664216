-- Sources whose workers `bemi serve` starts and watches. Addresses are sealed with the key of BEMI_SECRET_KEY;
-- `place` says where a source is, without anything secret.
create table _bemi.managed_source (
  name text primary key check (name <> ''),
  url text not null,
  revert_url text,
  place text not null,
  options jsonb not null,
  is_paused boolean not null default false,
  -- Another number: its worker is started anew.
  revision int not null default 1,
  created_by text not null,
  created_at timestamptz not null default now(),
  changed_at timestamptz not null default now()
);
