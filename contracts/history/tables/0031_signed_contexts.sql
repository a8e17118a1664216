-- Whether the application's key signed the context of a change; null when nobody signed it.
alter table @schema@.changes add context_verified boolean;

-- The highest number that each connection of an application has used to sign: what says it again is not believed.
create table _bemi.context_session (
  source text not null,
  key text not null,
  session text not null,
  number bigint not null,
  signed_at timestamptz not null,
  primary key (source, key, session)
) with (fillfactor = 70);

-- Signatures that were not believed, counted.
create table _bemi.context_finding (
  source text not null,
  reason text not null check (reason in ('malformed', 'unknown key', 'wrong mac', 'expired key', 'other database',
    'other transaction', 'wrong time', 'replayed')),
  key text not null,
  messages bigint not null,
  first_at timestamptz not null,
  last_at timestamptz not null,
  transaction_id bigint not null,
  other_transaction_id bigint,
  primary key (source, reason, key)
);
insert into _bemi.installed values ('table', '_bemi.context_session'), ('table', '_bemi.context_finding');
