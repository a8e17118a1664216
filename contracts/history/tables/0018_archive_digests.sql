-- What each archive's file was when it was written, so that one that somebody changed since is not taken for it.
-- The digest is keyed: who can write this table and the files, but not read the key, cannot make another file pass.
alter table _bemi.archive
  add column sha256 text,  -- null: written before digests were kept
  add column mac text;     -- HMAC-SHA256 of the file's bytes

create table _bemi.archive_key (
  id int primary key check (id = 1),
  key text not null,
  made_at timestamptz not null default now()
);
insert into _bemi.installed values ('table', '_bemi.archive_key');
