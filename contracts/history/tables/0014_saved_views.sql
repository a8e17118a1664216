-- What people look at again: an address within the dashboard, under a name. A shared one is everybody's to see.
create table _bemi.saved_view (
  owner text not null,
  name text not null check (name <> ''),
  address text not null check (address like '/%'),
  is_shared boolean not null default false,
  created_at timestamptz not null default now(),
  primary key (owner, name)
);
