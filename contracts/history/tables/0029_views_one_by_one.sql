-- The views of the past are made a few at a time, and looked at again only when something changed.
alter table _bemi.view
  add made_with text,          -- the functions (_bemi.function_set) that made it
  add tried_at timestamptz;    -- when it was made or looked at last
create index on _bemi.view (view_schema, "table");
create index on _bemi.view (source, relation);
create index on _bemi.view (source) where until is null;
create index on _bemi.view (tried_at);
create index on _bemi.view (source, tried_at) where problem is not null;

alter table _bemi.view_source
  add baselines text,  -- which baselines have been seen; null: some are left for the next call
  add untracked text,  -- which tables that are not tracked have been seen
  add granted text;    -- the rights on `changes` that the views have

-- It tells now how many are left to make. Its rights are settled anew.
drop function if exists bemi.refresh_time_travel(boolean);
delete from _bemi.installed where kind = 'function' and name like 'bemi.refresh_time_travel(%';
