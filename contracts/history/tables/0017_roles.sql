-- Who is who in the history, where `bemi init` could make roles: the owner (nobody logs in as it), the writer, the
-- maintainer (a member of the owner), the dashboard, readers. Roles belong to the cluster: their names have the
-- database's name in them.
create table _bemi.role (
  purpose text primary key check (purpose in ('owner', 'writer', 'maintainer', 'dashboard', 'reader')),
  name text not null unique
);
insert into _bemi.installed values ('table', '_bemi.role');
