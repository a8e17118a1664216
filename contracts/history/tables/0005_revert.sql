-- What undoing and marks need of the history. Read by who reverts; only marks are written.

-- A named state of a source to go back to: all that was committed up to the position, and the sequences.
create table _bemi.mark (
  source text not null,
  name text not null,
  epoch int not null,
  commit_position bigint not null,
  effective_at timestamptz not null,
  sequences jsonb not null,              -- [{"schema", "sequence", "last_value", "is_called"}, ...]
  not_covered jsonb not null,            -- tables that are untracked or unlogged: they stay as they are
  protected boolean not null default false,
  comment text,
  created_at timestamptz not null default now(),
  -- Of the last rollback to it, to go forward again: its transaction, and the sequences before it.
  rollback_transaction bigint,
  rollback_sequences jsonb,
  rolled_back_at timestamptz,
  primary key (source, name)
);
