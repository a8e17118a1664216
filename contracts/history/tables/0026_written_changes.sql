-- Of what context coverage is a share of: changes that somebody made, and not the rows of baselines, or DDL. Counted
-- from here on.
alter table _bemi.source add written bigint not null default 0;
alter table _bemi.source add written_with_context bigint not null default 0;

-- Tables whose earlier rows the worker has looked for and does not read: it was told so, or could not.
create table _bemi.baseline_left (
  source text primary key,
  epoch int not null,
  relations jsonb not null
);
insert into _bemi.installed values ('table', '_bemi.baseline_left');
