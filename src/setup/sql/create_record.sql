-- The event trigger of a Bemi that knew no such schema would track it.
set local bemi.quiet = 'on';
create schema _bemi_setup;
revoke all on schema _bemi_setup from public;
create table _bemi_setup.made (
  kind text not null check (kind in ('publication', 'slot', 'grant')), name text not null,
  grantee text not null default '', publication text not null default '',
  at timestamptz not null default now(), primary key (kind, name, grantee));
create table _bemi_setup.former_identity (
  publication text not null, relation oid not null, schema text not null, "table" text not null,
  identity "char" not null check (identity in ('d', 'n', 'f', 'i')), index_name text,
  given "char" not null check (given in ('d', 'n', 'f', 'i')), at timestamptz not null default now(),
  was_listed boolean not null default false,  -- somebody else had put it into the publication
  primary key (publication, relation));
revoke all on _bemi_setup.made, _bemi_setup.former_identity from public;
