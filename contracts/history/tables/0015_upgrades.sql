-- Upgrades: which functions are installed, and which program did that. They are applied whole when they are others.
create table _bemi.function_set (
  only_row boolean primary key default true check (only_row),
  sha256 text not null,
  version text not null,
  installed_at timestamptz not null default now()
);

-- What is ours in the schemas, by name: in the source's database, what the source needs stands beside it. Rights on
-- what is new are taken from everybody once, whatever default privileges gave; later grants are the administrator's.
-- Whatever a later migration makes, it adds here; functions and views are added as they are installed.
create table _bemi.installed (
  kind text not null check (kind in ('table', 'view', 'type', 'function')),
  name text not null,
  is_settled boolean not null default false,
  primary key (kind, name)
);

-- What 0.1.0 installed, whose rights were granted by hand; and what stands before this migration in a new history.
insert into _bemi.installed
select case c.relkind when 'v' then 'view' when 'c' then 'type' else 'table' end, format('%I.%I', n.nspname, c.relname),
       c.relname not in ('function_set', 'installed') and exists (
         select from pg_catalog.pg_proc p where p.pronamespace = n.oid and p.proname in ('find_place', 'rows_as_of'))
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = '_bemi' and c.relname in (
    'access_token', 'action', 'archive', 'baseline_piece', 'coverage', 'dashboard_user', 'destination',
    'dropped_window', 'epoch', 'gap', 'key_change', 'login_session', 'managed_source', 'mark', 'parked',
    'relation_version', 'saved_view', 'source', 'stage', 'untracked', 'view', 'view_source', 'webhook',
    'migration', 'place', 'window', 'function_set', 'installed')
  or n.nspname = 'bemi' and c.relname in ('row_version', 'time_travel_tables');
insert into _bemi.installed
select 'table', '@schema@.changes', exists (select from pg_catalog.pg_proc p where p.proname = 'rows_as_of');
insert into _bemi.installed
select 'function', p.oid::pg_catalog.regprocedure::text
from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
where n.nspname in ('_bemi', 'bemi') and p.proname in (
    'as_of', 'asked', 'asked_content', 'asked_floor', 'asked_time', 'changes_since', 'changes_to_read',
    'checkpoint', 'checkpoint_id', 'checkpoint_position', 'column_names', 'columns_of', 'described_view',
    'diff', 'diff_of', 'difference', 'emptied', 'epoch_at', 'exact_text', 'explain_as_of', 'find_place', 'flag',
    'forget', 'forget_tables', 'gather_all_keys', 'gather_keys', 'grant_views', 'history', 'is_ahead',
    'is_answered', 'is_checkpoint_worthwhile', 'is_checkpointed', 'is_moved', 'is_partition', 'is_view_current',
    'key_begins', 'key_signature', 'keyed_view', 'keyless_rows_as_of', 'keyless_view', 'known_since',
    'last_rows', 'later_segments', 'make_key_table', 'map_of', 'moment', 'net_changes', 'parse_table',
    'plan_rows', 'raise_no_table', 'refresh_time_travel', 'refuse_untracked', 'relation_at', 'reshape',
    'reshaped', 'reshaped_remarks', 'restore', 'restored_columns', 'retyped_value', 'revert_condition',
    'revert_key', 'revert_sql', 'row_as_of', 'rows_as_of', 'rows_before', 'rows_by_key', 'rows_by_scan',
    'rows_of', 'segment_condition', 'segments', 'settle_untracked', 'settle_view', 'shape_map', 'shape_maps',
    'source_of', 'span_condition', 'tables_at', 'tables_over', 'tables_worth_checkpoint', 'transactions',
    'trends', 'type_here', 'typed_value', 'undo_body', 'unknown_value', 'view_column', 'view_schema',
    'view_segments', 'walk_place', 'walked_contents', 'walked_keys', 'walked_row', 'write_checkpoint');
