# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a statement may do to the messages around it, told by its first words.

Nothing is parsed: a statement that is not surely a read counts as a write. A wrong guess in that
direction costs one message that covers no change.
"""

from __future__ import annotations

import enum
import re
from functools import lru_cache


class Kind(enum.Enum):
    READ = "changes no row"
    WRITE = "changes rows, or may"
    CALL = "reads, by functions that may change rows"
    BARRIER = "what was written before it must have its message before it"
    END = "the same, and the transaction is over with it"
    FORGET = "changes no row, but what was prepared on the connection may be gone"
    UNDO = "what was written since the savepoint or BEGIN is gone, and its message with it"


_READS = frozenset(
    """SHOW SET RESET BEGIN START RELEASE FETCH MOVE CLOSE VALUES TABLE
    LISTEN UNLISTEN NOTIFY LOCK CHECKPOINT""".split()
)
_FORGETS = frozenset({"DISCARD", "DEALLOCATE"})
_ENDS_WELL = frozenset({"COMMIT", "END"})
_UNDOES = frozenset({"ROLLBACK", "ABORT"})
_MAY_CALL = frozenset({"SELECT", "WITH", "VALUES", "EXPLAIN", "DECLARE"})

_COMMENTS = r"\A(?:\s+|--[^\n]*\n|/\*.*?\*/|\()*"
_WORDS = r"\A(\w+)(?:\s+(\w+))?"
_WRITING_WORD = r"\b(?:INSERT|UPDATE|DELETE|MERGE|INTO)\b(?!\s+(?:OF|NOWAIT|SKIP)\b)"
_ROW_LOCK = r"\bFOR\s+(?:NO\s+KEY\s+)?UPDATE\b"
_CALL = r"(?:\"|\b([a-z_]\w*))\s*\("

# Words before a parenthesis that call nothing, or nothing that writes.
_HARMLESS = frozenset(
    """select from where and or not in exists any all some as on using join lateral over by filter
    values union except intersect when then else case having with is like ilike between distinct
    limit offset order group within partition returning materialized recursive interval
    count sum min max avg coalesce nullif greatest least lower upper length trim btrim ltrim rtrim
    substring substr replace concat position extract date_trunc date_part now current_timestamp
    clock_timestamp cast abs round floor ceil ceiling mod power row_number rank dense_rank lag lead
    first_value last_value ntile array_agg string_agg json_agg jsonb_agg json_object_agg
    jsonb_object_agg json_build_object jsonb_build_object json_build_array jsonb_build_array
    to_json to_jsonb row_to_json array unnest generate_series bool_and bool_or every row
    jsonb_array_elements jsonb_array_elements_text jsonb_each jsonb_each_text jsonb_extract_path
    jsonb_extract_path_text jsonb_path_query to_char to_date to_timestamp to_number md5 format
    varchar char character numeric decimal timestamp timestamptz time timetz bit varbit float
    pg_try_advisory_lock pg_advisory_lock pg_advisory_xact_lock pg_advisory_unlock
    current_setting set_config version pg_is_in_recovery pg_backend_pid""".split()
)


# Longer ones are rarely seen again, and a cache would keep them all.
REMEMBERED_MAX = 4096


def kind_of(statement: str) -> Kind:
    return _remembered_kind(statement) if len(statement) <= REMEMBERED_MAX else _kind(statement)


def _kind(statement: str) -> Kind:
    text = _without_comments(statement)
    words = re.match(_WORDS, text)
    if words is None:
        return Kind.READ if not text.strip(" \t\r\n;") else Kind.WRITE
    first, second = (word.upper() if word else "" for word in words.groups())
    if first == "SAVEPOINT":
        return Kind.BARRIER
    if first in _ENDS_WELL or (first, second) == ("PREPARE", "TRANSACTION"):
        return Kind.READ if second == "PREPARED" else Kind.END
    if first in _UNDOES:
        return Kind.READ if second == "PREPARED" else Kind.UNDO
    if ";" in text.rstrip("; \t\r\n"):
        return Kind.WRITE  # several statements, or a semicolon in a literal
    if first in _MAY_CALL:
        return _kind_of_select(text)
    if first in _FORGETS:
        return Kind.FORGET
    return Kind.READ if first in _READS else Kind.WRITE


def _without_comments(statement: str) -> str:
    """From its first word on."""
    begin = re.match(_COMMENTS, statement, re.DOTALL)
    return statement if begin is None else statement[begin.end() :]


def _kind_of_select(text: str) -> Kind:
    if re.search(_WRITING_WORD, re.sub(_ROW_LOCK, "", text, flags=re.IGNORECASE), re.IGNORECASE):
        return Kind.WRITE
    calls = ((call[1] or '"').lower() for call in re.finditer(_CALL, text, re.IGNORECASE))
    return Kind.CALL if any(name not in _HARMLESS for name in calls) else Kind.READ


_remembered_kind = lru_cache(maxsize=2048)(_kind)


def is_single(statement: str) -> bool:
    """Surely one statement: drivers send such ones by the extended protocol."""
    return ";" not in statement.rstrip("; \t\r\n")


_ROW_WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "WITH", "SELECT", "TRUNCATE"})


def fits_in_a_transaction(statement: str) -> bool:
    """Surely no statement that refuses a transaction block, such as VACUUM or CALL."""
    words = re.match(_WORDS, _without_comments(statement))
    return words is not None and words[1].upper() in _ROW_WRITES and is_single(statement)


def prepares_transaction(statement: str) -> bool:
    """Of a statement of the kind END: what it ends may be committed later, by anybody."""
    words = re.match(_WORDS, _without_comments(statement))
    return words is not None and words[1].upper() == "PREPARE"


_RUNS_CODE = frozenset({"CALL", "DO", "EXECUTE"})


def runs_code(statement: str) -> bool:
    """It may change rows, but has to be alone: it may end transactions itself, or is several statements."""
    words = re.match(_WORDS, _without_comments(statement))
    return words is not None and (words[1].upper() in _RUNS_CODE or not is_single(statement))


def _is_of_rows(statement: str) -> bool:
    """It changes rows, and runs no code but what the database itself attaches to them."""
    return fits_in_a_transaction(statement)


_remembered_is_of_rows = lru_cache(maxsize=2048)(_is_of_rows)


def is_of_rows(statement: str) -> bool:
    short = len(statement) <= REMEMBERED_MAX
    return _remembered_is_of_rows(statement) if short else _is_of_rows(statement)
