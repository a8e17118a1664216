"""The part of the reference that the program does not know: what a reader does about an error."""

EXIT_CODES = {
    0: "All that was asked for is done.",
    1: "It failed, or not all of it could be done: a conflict, a time-out, a gap, a finding of `bemi check`.",
    2: "The command line or the settings are wrong; nothing was done.",
}

# Keyed by error kind: the meaning, and what to do.
ERRORS = {
    "usage": (
        "The command line, a setting or a request is wrong.",
        "Correct it; the hint names the flag.",
    ),
    "connection": (
        "A server cannot be reached, or the connection was lost.",
        "Check address and network; the worker connects again by itself.",
    ),
    "authentication": (
        "A server refuses the credentials.",
        "Check user, password and `pg_hba.conf`.",
    ),
    "permission": (
        "The role lacks a right.",
        "Run the SQL that the hint or `bemi check` prints; see [rights](rights.md).",
    ),
    "unsupported": (
        "The server is too old, or a setting of it rules the work out.",
        "Change the setting or upgrade; `bemi check` names it.",
    ),
    "malformed_message": (
        "Bytes of the stream are not what the protocol says.",
        "Keep the log and report it; the source retains the WAL.",
    ),
    "gap": (
        "The history would have a hole: the slot was lost, advanced or belongs to another cluster.",
        "Read the message, then run `bemi init --accept-gap`.",
    ),
    "conflict": (
        "Something of another owner is in the way, or a plan no longer holds.",
        "Rename or move it, or ask for the plan again.",
    ),
    "lock_timeout": (
        "A lock was not granted in time.",
        "Try again when the table is less busy; the worker does so by itself.",
    ),
    "serialization": (
        "The server asks to try again, or the slot is still in use.",
        "Try again; the worker does so by itself.",
    ),
    "rejected": (
        "The server refuses a value or a row.",
        "See the message; the worker sets such a row aside in `_bemi.parked` and goes on.",
    ),
    "disk_full": (
        "There is no space left, here or on a server.",
        "Make space; the worker goes on by itself.",
    ),
    "limit": (
        "A limit of Bemi is reached.",
        "Ask for less; the message names the limit.",
    ),
    "interrupted": (
        "The program was asked to stop.",
        "Nothing; run it again.",
    ),
    "internal": (
        "A defect of Bemi, or an SQL error of no other kind.",
        "Read the message; report it if it is Bemi's.",
    ),
}

# Keyed by the worker's reaction to an error kind.
REACTIONS = {
    "retry": "connects again, with growing pauses",
    "careful": "stores row by row and sets the refused row aside",
    "stop": "stops; nothing is lost meanwhile",
}

# Keyed by the name of the condition that an SQL function raises.
SQLSTATES = {
    "ambiguous_parameter": "Name the source with `source => '...'` (`--source-name`).",
    "cardinality_violation": "Ask for a later position; both transactions have the same time.",
    "duplicate_table": "Move or rename the relation that is in the way.",
    "insufficient_privilege": "Rename the schema, or give it to the history's owner.",
    "invalid_datetime_format": "Give a timestamp, a time such as `2 hours ago`, an LSN, a transaction id or a mark.",
    "invalid_parameter_value": "Correct the argument that the message names.",
    "no_data_found": "Check the name, the LSN or the transaction's id; the hint suggests a name.",
    "null_value_not_allowed": "Give a time.",
    "object_in_use": "Roll back to a later mark, or use `--force`.",
    "object_not_in_prerequisite_state": (
        "The past of that time is not known, or not yet: follow the hint, or accept what is known with "
        "`partial => true` or `allow_stale => true`."
    ),
    "program_limit_exceeded": "Narrow the selection, or raise `max_rows`.",
    "raise_exception": "Follow the hint.",
    "undefined_table": "Check the table's name, and that it is tracked: `bemi check`.",
}

# Columns that mean the same in every table that has them.
COLUMNS = {
    "actor": "The person or token",
    "at": "The time",
    "began_at": "The time when it began",
    "bytes": "The size in bytes",
    "comment": "A note",
    "commit_position": "The end of the transaction's commit in the WAL",
    "created_at": "The time when the row was made",
    "created_by": "The person who made it",
    "changed_at": "The time of the last change to the row",
    "effective_at": "The effective time of the change, as in `changes`",
    "epoch": "The source's epoch",
    "id": "The row's number",
    "name": "The name",
    "position": "A WAL position",
    "primary_key": "The row's key, as in `changes`",
    "relation": "The table's oid at the source",
    "schema": "The table's schema",
    "sequence": "The ordinal within the transaction",
    "source": "The source's name",
    "table": "The table's name",
    "transaction_id": "The source's 64-bit transaction id",
}
