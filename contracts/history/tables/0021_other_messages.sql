-- Messages that claim by their prefix to be Bemi's, and are nothing that Bemi writes.
alter table _bemi.source add messages_refused bigint not null default 0;
alter table _bemi.parked drop constraint parked_what_check;
alter table _bemi.parked add constraint parked_what_check
  check (what in ('context', 'schema', 'message', 'change', 'note'));
