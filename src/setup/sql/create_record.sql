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
comment on table _bemi_setup.made is 'Objects and rights that bemi init made on the source; teardown removes them.';
comment on table _bemi_setup.former_identity is
  'The replica identity that each table had before bemi init changed it; teardown restores it.';
comment on column _bemi_setup.made.kind is 'publication, slot or grant';
comment on column _bemi_setup.made.name is 'The object''s name, or the right and its object';
comment on column _bemi_setup.made.grantee is 'For a grant, the role that got it';
comment on column _bemi_setup.made.publication is 'The publication that it was made for';
comment on column _bemi_setup.former_identity.publication is 'The publication that it was changed for';
comment on column _bemi_setup.former_identity.identity is 'The former identity, as pg_class.relreplident';
comment on column _bemi_setup.former_identity.index_name is 'The index of a former USING INDEX';
comment on column _bemi_setup.former_identity.given is 'The identity that Bemi gave';
comment on column _bemi_setup.former_identity.was_listed is
  'True if somebody else had put the table into the publication';
