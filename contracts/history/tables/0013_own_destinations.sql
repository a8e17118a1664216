-- Where a source's history goes when it is not here: a sealed address, and what it says without anything secret.
alter table _bemi.managed_source
  add column destination_url text,
  add column destination_place text not null default '';

-- Who writes a source's history: {"host", "pid", "version", "started_at"}. A worker that nobody here started says
-- by it where it runs.
alter table _bemi.source add column worker jsonb;
