-- Saved filters whose new changes are sent to an address.
create table _bemi.webhook (
  name text primary key check (name <> ''),
  url text not null,
  filter jsonb not null,
  is_enabled boolean not null,
  -- What signs, sealed with the key of BEMI_SECRET_KEY.
  secret text not null,
  -- How far each source was sent, as an event's id of the live stream.
  seen text not null,
  -- So many changes were sent and not taken.
  pending bigint not null default 0,
  failures int not null default 0,
  next_attempt_at timestamptz not null default now(),
  last_attempt_at timestamptz,
  last_success_at timestamptz,
  last_status int,
  last_error text,
  delivered bigint not null default 0,
  created_by text not null,
  created_at timestamptz not null default now()
);
