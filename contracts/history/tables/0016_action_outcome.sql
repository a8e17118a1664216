-- How an action ended stands beside it, so that who writes the log needs no right to change what is in it.
create table _bemi.action_outcome (
  action bigint primary key references _bemi.action,
  outcome text not null,
  ended_at timestamptz not null default now()
);
insert into _bemi.action_outcome
select a.id, a.outcome, coalesce(a.ended_at, a.at) from _bemi.action a where a.outcome is not null;
alter table _bemi.action drop column outcome, drop column ended_at;
insert into _bemi.installed values ('table', '_bemi.action_outcome');
