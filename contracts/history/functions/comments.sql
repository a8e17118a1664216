-- The tables, described for `psql` and docs/reference/tables.md: migrations never change, descriptions do.

comment on table @schema@.changes is 'Every change of the tracked tables, kept by Bemi. Append-only.';
comment on column @schema@.changes.id is
  'Derived from source, epoch, commit position and sequence: the same change always has the same id';
comment on column @schema@.changes.source is 'The source''s name';
comment on column @schema@.changes.database is 'The database at the source';
comment on column @schema@.changes.schema is 'The table''s schema at that time';
comment on column @schema@.changes."table" is 'The table''s name at that time; for a partition, the name of its root';
comment on column @schema@.changes.primary_key is
  'One column: its text. Several: a JSON array as text. Null: the table has no key';
comment on column @schema@.changes.operation is
  'CREATE, UPDATE, DELETE, TRUNCATE, SNAPSHOT (a row of a baseline) or SCHEMA (DDL)';
comment on column @schema@.changes.before is 'The row before the change, as to_jsonb gives it; {} if there was none';
comment on column @schema@.changes.after is 'The row after the change, as to_jsonb gives it; {} if there is none';
comment on column @schema@.changes.context is 'The JSON that the application attached; {} if none';
comment on column @schema@.changes.committed_at is 'The source''s own commit time; concurrent commits can invert it';
comment on column @schema@.changes.effective_at is
  'The commit time, made monotone in commit order. The state as of T is all that has effective_at <= T';
comment on column @schema@.changes.queued_at is 'The time when the worker read the change from the WAL';
comment on column @schema@.changes.created_at is 'The time when the change was stored';
comment on column @schema@.changes.transaction_id is 'The source''s 64-bit transaction id';
comment on column @schema@.changes.position is 'The WAL position of the change';
comment on column @schema@.changes.epoch is
  'The stretch of the source''s stream within which positions can be compared';
comment on column @schema@.changes.commit_position is 'The end of the transaction''s commit in the WAL';
comment on column @schema@.changes.sequence is
  'The ordinal within the transaction. (epoch, commit_position, sequence) is the total order of a source';
comment on column @schema@.changes.exact is
  'The exact text of values that JSON cannot hold: {"before": {column: text}, "after": {...}}';
comment on column @schema@.changes.fidelity is
  'Why a value is not plainly captured: reconstructed, unknown, assumed or redacted; by side and column';
comment on column @schema@.changes.context_verified is
  'Whether the signature of the context was right; null if nobody signed it, or the worker had no key';

comment on table _bemi.access_token is 'Tokens that sign in to the dashboard and its API.';
comment on column _bemi.access_token.role is 'viewer, operator or admin';
comment on column _bemi.access_token.hash is 'The token''s hash; the token itself is stored nowhere';

comment on table _bemi.action is 'Actions of the dashboard and its API, written before they are carried out.';
comment on column _bemi.action.actor is 'The person or token';
comment on column _bemi.action.role is 'The actor''s role at that time';
comment on column _bemi.action.peer is 'The client''s address';
comment on column _bemi.action.action is 'The kind of action';
comment on column _bemi.action.target is 'The thing acted upon';
comment on column _bemi.action.details is 'The action''s parameters, without secrets';

comment on table _bemi.action_outcome is
  'How each action ended; an action without a row is running, or its server ended.';
comment on column _bemi.action_outcome.action is 'The id in _bemi.action';
comment on column _bemi.action_outcome.outcome is 'done, or what went wrong';
comment on column _bemi.action_outcome.ended_at is 'The time when the action ended';

comment on table _bemi.archive is 'Archive files, one for each archived partition.';
comment on column _bemi.archive."window" is 'The partition''s name';
comment on column _bemi.archive.from_time is 'The partition''s first moment';
comment on column _bemi.archive.to_time is 'The first moment after the partition';
comment on column _bemi.archive.rows is 'The number of rows in the file';
comment on column _bemi.archive.bytes is 'The size of the file';
comment on column _bemi.archive.file is 'The file''s path';
comment on column _bemi.archive.sha256 is 'The file''s digest; null for files older than digests';
comment on column _bemi.archive.mac is 'The HMAC-SHA256 of the file''s bytes, by the key in _bemi.archive_key';
comment on column _bemi.archive.archived_at is 'The time when the file was written';

comment on table _bemi.archive_key is 'The key that signs archive files.';
comment on column _bemi.archive_key.id is 'Always 1: there is one row';
comment on column _bemi.archive_key.key is 'The key, in hexadecimal';
comment on column _bemi.archive_key.made_at is 'The time when the key was made';

comment on table _bemi.baseline_left is
  'Tables whose earlier rows the worker does not read, by setting or for lack of rights.';
comment on column _bemi.baseline_left.relations is 'The tables'' oids at the source, as a JSON array';

comment on table _bemi.baseline_piece is
  'Pieces of a running baseline that are stored; an interrupted baseline continues with the rest.';
comment on column _bemi.baseline_piece.relation is 'The table''s oid at the source';
comment on column _bemi.baseline_piece.leaf is 'The oid of the partition that was read';
comment on column _bemi.baseline_piece.file is 'The number of the partition''s file';
comment on column _bemi.baseline_piece.first_block is 'The first block of the piece';
comment on column _bemi.baseline_piece.position is 'The WAL position of the snapshot that it was read in';
comment on column _bemi.baseline_piece.shape is 'The table''s columns, as a digest, and how it was published';

comment on table _bemi.context_finding is 'Signatures of contexts that were not believed, counted.';
comment on column _bemi.context_finding.reason is
  'malformed, unknown key, wrong mac, expired key, other database, other transaction, wrong time or replayed';
comment on column _bemi.context_finding.key is 'The key''s id; empty if it is no known one';
comment on column _bemi.context_finding.messages is 'The number of messages';
comment on column _bemi.context_finding.first_at is 'The time of the first one''s transaction';
comment on column _bemi.context_finding.last_at is 'The time of the last one''s transaction';
comment on column _bemi.context_finding.transaction_id is 'The id of the last one''s transaction';
comment on column _bemi.context_finding.other_transaction_id is
  'replayed: the transaction that used the number before. Which of the two is the true one, the signature does not say';

comment on table _bemi.context_session is
  'The connections of applications that sign contexts, for a day after their last message.';
comment on column _bemi.context_session.key is 'The key''s id';
comment on column _bemi.context_session.session is 'The connection''s random name';
comment on column _bemi.context_session.number is 'The highest number that it has used';
comment on column _bemi.context_session.signed_at is 'The time of its last signature';

comment on table _bemi.coverage is 'Since when a table is in the history, and whether with all its rows.';
comment on column _bemi.coverage.relation is 'The table''s oid at the source';
comment on column _bemi.coverage.position is 'The WAL position from which the row holds';
comment on column _bemi.coverage.since is 'The time from which the row holds';
comment on column _bemi.coverage.whole is 'True if all rows that the table had then are known';
comment on column _bemi.coverage.membership is
  'The oid of the table''s entry in the publication; a table that was removed and added again has another';
comment on column _bemi.coverage.rows_at is 'The moment of the baseline''s snapshot';
comment on column _bemi.coverage.checkpoint is 'True for rows of one moment that were written from the history itself';
comment on column _bemi.coverage.changes_before is 'For a checkpoint, roughly the number of earlier changes';

comment on table _bemi.dashboard_user is 'People who sign in to the dashboard by name.';
comment on column _bemi.dashboard_user.role is 'viewer, operator or admin';
comment on column _bemi.dashboard_user.password is 'The argon2id hash; null for people whom a proxy signs in';

comment on table _bemi.destination is 'The layout of this history.';
comment on column _bemi.destination.only_row is 'Always true: there is one row';
comment on column _bemi.destination.schema is 'The schema of the table changes';
comment on column _bemi.destination.partition_by is 'The span of a partition: day, week or month';

comment on table _bemi.dropped_window is
  'Partitions that were dropped; noted before the drop, so that an interrupted one is completed.';
comment on column _bemi.dropped_window."window" is 'The partition''s name';
comment on column _bemi.dropped_window.from_time is 'The partition''s first moment';
comment on column _bemi.dropped_window.to_time is 'The first moment after the partition';
comment on column _bemi.dropped_window.began_at is 'The time when the drop began';
comment on column _bemi.dropped_window.dropped_at is 'The time when it was complete; null until then';

comment on table _bemi.epoch is 'The epochs of each source. Nothing is known between previous_until and began_at.';
comment on column _bemi.epoch.consistent_point is 'The WAL position where the epoch''s stream begins';
comment on column _bemi.epoch.previous_until is 'The time up to which the epoch before is known';
comment on column _bemi.epoch.baseline is 'True if the epoch began with a baseline';
comment on column _bemi.epoch.began_at is 'The time when the epoch began';

comment on table _bemi.finding is
  'Contradictions in the history: a row changed at the source without a change on record.';
comment on column _bemi.finding.kind is 'image chain: before of the change is not after of the row''s previous change';
comment on column _bemi.finding.change is 'The id of the change';
comment on column _bemi.finding.previous is 'The id of the row''s previous change';
comment on column _bemi.finding.columns is 'The columns that differ';
comment on column _bemi.finding.found_at is 'The time when it was found';

comment on table _bemi.function_set is 'The installed version of the functions.';
comment on column _bemi.function_set.only_row is 'Always true: there is one row';
comment on column _bemi.function_set.sha256 is 'The digest of all function files';
comment on column _bemi.function_set.version is 'The version of the program that installed them';
comment on column _bemi.function_set.installed_at is 'The time when they were installed';

comment on table _bemi.gap is 'Spans in which changes may be missing, of a source or of one table.';
comment on column _bemi.gap.reason is 'The cause in words';
comment on column _bemi.gap.from_position is 'The last WAL position that is known';
comment on column _bemi.gap.to_position is 'The first WAL position after the gap; null while it is open';
comment on column _bemi.gap.accepted_at is
  'The time when somebody accepted the gap; a gap of one table is accepted at once';
comment on column _bemi.gap.relation is 'For a gap of one table, the table''s oid at the source';
comment on column _bemi.gap.from_time is 'The begin of a table''s gap';
comment on column _bemi.gap.to_time is 'The end of a table''s gap; null while it is open';
comment on column _bemi.gap.detected_at is 'The time when the gap was noticed';

comment on table _bemi.installed is 'Bemi''s own objects in the schemas _bemi and bemi.';
comment on column _bemi.installed.kind is 'table, view, type or function';
comment on column _bemi.installed.name is 'The object''s name; a function''s with its argument types';
comment on column _bemi.installed.is_settled is 'True once the rights on it were taken from everybody';

comment on table _bemi.key_change is 'Rows whose primary key changed.';
comment on column _bemi.key_change.previous_key is 'The key that the row had before';

comment on table _bemi.key_pass is
  'Transactions in which a key may have passed from one row to another while both had it.';

comment on table _bemi.listed_window is 'The partitions whose keys are listed in _bemi.window_keys.';
comment on column _bemi.listed_window."window" is 'The partition''s name';
comment on column _bemi.listed_window.from_time is 'The partition''s first moment';
comment on column _bemi.listed_window.to_time is 'The first moment after the partition';
comment on column _bemi.listed_window.contexts is 'True if its list tells of contexts, too';
comment on column _bemi.listed_window.listed_at is 'The time when its keys were listed';

comment on table _bemi.login_session is 'Browsers that have signed in.';
comment on column _bemi.login_session.hash is 'The hash of the session''s cookie';
comment on column _bemi.login_session.name is 'The user or token';
comment on column _bemi.login_session.role is 'viewer, operator or admin';
comment on column _bemi.login_session.expires_at is 'The time when the session ends';

comment on table _bemi.managed_source is 'Sources whose workers bemi serve runs.';
comment on column _bemi.managed_source.url is 'The source''s URL, sealed with BEMI_SECRET_KEY';
comment on column _bemi.managed_source.revert_url is 'The URL for undo, sealed';
comment on column _bemi.managed_source.place is 'The source''s host and database, without secrets';
comment on column _bemi.managed_source.options is 'The worker''s settings';
comment on column _bemi.managed_source.is_paused is 'True if no worker runs for it';
comment on column _bemi.managed_source.revision is 'Rises with each change; the worker then starts anew';
comment on column _bemi.managed_source.destination_url is
  'The URL of the source''s own destination, sealed; null: the history is here';
comment on column _bemi.managed_source.destination_place is 'That destination''s host and database';

comment on table _bemi.mark is 'Named states of a source, to go back to.';
comment on column _bemi.mark.commit_position is 'All that was committed up to this WAL position belongs to the state';
comment on column _bemi.mark.sequences is 'The values of the source''s sequences';
comment on column _bemi.mark.not_covered is 'Tables that are untracked or unlogged and therefore stay as they are';
comment on column _bemi.mark.protected is 'True if the mark must not be deleted or rolled back past';
comment on column _bemi.mark.rollback_transaction is 'The transaction of the last rollback, for going forward again';
comment on column _bemi.mark.rollback_sequences is 'The sequences'' values before the last rollback';
comment on column _bemi.mark.rolled_back_at is 'The time of the last rollback';

comment on table _bemi.migration is 'The migrations of the tables that this history has.';
comment on column _bemi.migration.sha256 is 'The digest of the migration''s file';
comment on column _bemi.migration.version is 'The migration''s number';
comment on column _bemi.migration.applied_at is 'The time when it was applied';

comment on table _bemi.parked is 'Changes and messages that could not be stored as they are, with their bytes.';
comment on column _bemi.parked.what is 'context, schema, message, change or note';
comment on column _bemi.parked.reason is 'The cause in words';
comment on column _bemi.parked.content is 'The bytes as they came';
comment on column _bemi.parked.parked_at is 'The time when it was kept aside';

comment on table _bemi.relation_version is 'Each tracked table''s shape, from a WAL position on.';
comment on column _bemi.relation_version.position is 'The WAL position from which the shape holds';
comment on column _bemi.relation_version.relation is 'The table''s oid at the source';
comment on column _bemi.relation_version.replica_identity is
  'The table''s replica identity, as in pg_class.relreplident';
comment on column _bemi.relation_version.columns is 'The columns with types, composite attributes and enum labels';
comment on column _bemi.relation_version.primary_key is 'The key''s columns, in order';
comment on column _bemi.relation_version.leaves is 'The oids of a partitioned table''s leaves';
comment on column _bemi.relation_version.assumed is
  'True if the shape was read from the catalog later and not told by DDL';
comment on column _bemi.relation_version.unsent is
  'The generated columns that the source does not send; null if an older release stored the row';
comment on column _bemi.relation_version.dropped is 'True if the table was dropped';
comment on column _bemi.relation_version.recorded_at is 'The time when the row was made';

comment on table _bemi.role is 'The roles of this history, by purpose.';
comment on column _bemi.role.purpose is 'owner, writer, maintainer, dashboard or reader';
comment on column _bemi.role.name is 'The role''s name';

comment on table _bemi.saved_view is 'Addresses within the dashboard that people saved.';
comment on column _bemi.saved_view.owner is 'The person who saved it';
comment on column _bemi.saved_view.address is 'The path and query within the dashboard';
comment on column _bemi.saved_view.is_shared is 'True if everybody sees it';

comment on table _bemi.source is 'One row for each source, updated in the transaction that stores its changes.';
comment on column _bemi.source.database is 'The database''s name';
comment on column _bemi.source.slot is 'The replication slot''s name';
comment on column _bemi.source.publication is 'The publication''s name';
comment on column _bemi.source.state is 'creating (its slot is being made), streaming or stopped';
comment on column _bemi.source.system_identifier is 'The source cluster''s system identifier';
comment on column _bemi.source.timeline is 'The source cluster''s timeline';
comment on column _bemi.source.epoch is 'The current epoch; it rises when WAL positions may run backwards';
comment on column _bemi.source.consistent_point is 'The WAL position where the slot began';
comment on column _bemi.source.position is 'The end of the last transaction that is stored here';
comment on column _bemi.source.effective_at is 'The time up to which the source is known';
comment on column _bemi.source.advanced_at is 'The time when the position moved last';
comment on column _bemi.source.last_change_at is 'The time of the last stored change';
comment on column _bemi.source.transactions is 'The number of stored transactions';
comment on column _bemi.source.changes is 'The number of stored changes';
comment on column _bemi.source.changes_with_context is 'The number of stored changes with a context';
comment on column _bemi.source.contexts_rejected is 'The number of context messages that were refused';
comment on column _bemi.source.worker is 'The running worker: host, pid, version, started_at';
comment on column _bemi.source.schema_refused is 'The number of DDL messages that were refused';
comment on column _bemi.source.publication_seen is 'The publication''s state at the worker''s last look';
comment on column _bemi.source.messages_refused is 'The number of other messages that were refused';
comment on column _bemi.source.written is
  'The number of changes that an application or a person made: no baselines, no DDL';
comment on column _bemi.source.written_with_context is 'The number of those with a context';
comment on column _bemi.source.publication_seen_at is 'The time of that look';

comment on table _bemi.stage is 'The recent work of each stage of a worker, as bemi status --stages shows it.';
comment on column _bemi.stage.place is 'The stage''s order';
comment on column _bemi.stage.items is 'The number of frames read, or of changes stitched or stored';
comment on column _bemi.stage.input_wait_us is 'Microseconds spent waiting for the stage before';
comment on column _bemi.stage.output_wait_us is 'Microseconds spent waiting for the stage after';
comment on column _bemi.stage.elapsed_us is 'Microseconds in which this was counted';
comment on column _bemi.stage.stage is 'The stage''s name';
comment on column _bemi.stage.until is 'The end of the time in which this was counted';

comment on table _bemi.untracked is 'Tables of the source that are not tracked.';
comment on column _bemi.untracked.columns is 'The columns as [name, type]';

comment on table _bemi.view is 'The views of the past, one for each tracked table.';
comment on column _bemi.view.view_schema is 'The schema of the view';
comment on column _bemi.view.made_of is 'The definition that the view has';
comment on column _bemi.view.shown_as_text is 'Columns shown as text: their types are not PostgreSQL''s own';
comment on column _bemi.view.key_types is 'The types of the key''s columns; empty: no key';
comment on column _bemi.view.known_from is 'The time since which rows have this key';
comment on column _bemi.view.keys is 'The number of keys in the view''s table of keys';
comment on column _bemi.view.until is
  'The time up to which the keys are complete; without later changes of the table, the source''s time holds';
comment on column _bemi.view.problem is 'The reason why there is no view';
comment on column _bemi.view.made_with is
  'The SHA-256 of the functions that made it; `by lists` if it asks the lists of keys';
comment on column _bemi.view.tried_at is 'When it was made or looked at last';
comment on column _bemi.view.columns is 'The view''s columns with their types';
comment on column _bemi.view.keys_from_epoch is 'The epoch since which rows have this key';
comment on column _bemi.view.keys_from_position is 'The WAL position since which rows have this key';
comment on column _bemi.view.keys_from_sequence is 'The ordinal since which rows have this key';
comment on column _bemi.view.shape_position is 'The position of the table''s shape that the view shows';
comment on column _bemi.view.shape_epoch is 'The epoch of that shape';
comment on column _bemi.view.shape_sequence is 'The ordinal of that shape';
comment on column _bemi.view.changes is 'The number of changes read for the keys';
comment on column _bemi.view.baselines is 'The number of baselines seen';

comment on table _bemi.view_source is 'How far the views of each source are up to date.';
comment on column _bemi.view_source.until is 'The time up to which its views are complete';
comment on column _bemi.view_source.versions is 'The number of table shapes seen';
comment on column _bemi.view_source.baselines is 'Which baselines have been seen; null while some are left';
comment on column _bemi.view_source.untracked is 'Which tables that are not tracked have been seen';
comment on column _bemi.view_source.granted is 'The rights on changes that the views have';

comment on table _bemi.webhook is 'Saved filters whose new changes are sent to a URL.';
comment on column _bemi.webhook.filter is 'The conditions for changes';
comment on column _bemi.webhook.secret is 'The signing secret, sealed with BEMI_SECRET_KEY';
comment on column _bemi.webhook.seen is 'How far each source was sent, as an event id of the live stream';
comment on column _bemi.webhook.pending is 'The number of changes that were sent and not yet accepted';
comment on column _bemi.webhook.failures is 'The number of failed attempts in a row';
comment on column _bemi.webhook.delivered is 'The number of changes delivered';
comment on column _bemi.webhook.url is 'The URL';
comment on column _bemi.webhook.is_enabled is 'False while it is switched off';
comment on column _bemi.webhook.next_attempt_at is 'The earliest time of the next attempt';
comment on column _bemi.webhook.last_attempt_at is 'The time of the last attempt';
comment on column _bemi.webhook.last_success_at is 'The time of the last attempt that succeeded';
comment on column _bemi.webhook.last_status is 'The HTTP status of the last answer';
comment on column _bemi.webhook.last_error is 'The last failure in words';

comment on type bemi.row_version is 'A row as it was at a time, with the change that made it so.';

comment on table _bemi.window_keys is
  'Which keys a closed partition has, so that questions about one record leave out the partitions without it.';
comment on column _bemi.window_keys.bucket is
  'The lowest ten bits of the hashes of keys; from 1024 on, the lowest seven of those of contexts';
comment on column _bemi.window_keys."window" is 'The partition''s name';
comment on column _bemi.window_keys.hashes is
  'Of each table and key, or of each value in a context: see _bemi.key_hash, _bemi.context_hash';
