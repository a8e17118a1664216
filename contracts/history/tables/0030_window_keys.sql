-- Which keys a partition has, so that a question about one record opens only the partitions that may have its
-- changes. Written once nobody writes into a partition any more; a row that comes all the same takes it back.
create table _bemi.listed_window (
  "window" text primary key,
  from_time timestamptz not null,
  to_time timestamptz not null,
  listed_at timestamptz not null default now()
);
create table _bemi.window_keys (
  bucket int not null,  -- of the hashes
  "window" text not null,
  hashes int[] not null,
  primary key (bucket, "window")
);
insert into _bemi.installed values ('table', '_bemi.listed_window'), ('table', '_bemi.window_keys');
