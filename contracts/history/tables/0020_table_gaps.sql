-- A gap of one table alone: changes of it may be missing since somebody switched its tracking off and on. The worker
-- goes on by itself, and reads the table anew, where the settings let it; there the gap ends.
alter table _bemi.gap add relation bigint, add schema text, add "table" text, add from_time timestamptz,
  add to_time timestamptz;
create unique index gap_of_table on _bemi.gap (source, epoch, relation) where relation is not null and to_time is null;

-- What the publication was when the worker looked last, and when that was.
alter table _bemi.source add publication_seen text, add publication_seen_at timestamptz;
