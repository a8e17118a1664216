"""Writes the seeds of tests/corpus: one valid input of every kind for each fuzz target."""

from __future__ import annotations

import json
import struct
from pathlib import Path

CORPUS = Path(__file__).resolve().parent.parent.parent / "tests" / "corpus"


def text(value: str) -> bytes:
    return value.encode() + b"\0"


def row(*values: str | None) -> bytes:
    cells = [b"n" if v is None else b"t" + struct.pack(">I", len(v.encode())) + v.encode() for v in values]
    return struct.pack(">H", len(cells)) + b"".join(cells)


def relation(xid: bytes = b"") -> bytes:
    column = (
        b"\1" + text("id") + struct.pack(">Ii", 23, -1) + b"\0" + text("name") + struct.pack(">Ii", 25, -1)
    )
    return (
        b"R"
        + xid
        + struct.pack(">I", 16384)
        + text("public")
        + text("item")
        + b"f"
        + struct.pack(">H", 2)
        + column
    )


OID = struct.pack(">I", 16384)
XID = struct.pack(">I", 700)
MESSAGES = {
    "begin": b"B" + struct.pack(">QqI", 100, 0, 700),
    "relation": relation(),
    "type": b"Y" + struct.pack(">I", 16390) + text("public") + text("mood"),
    "insert": b"I" + OID + b"N" + row("1", None),
    "update": b"U" + OID + b"O" + row("1", "a") + b"N" + row("1", "é"),
    "update_key": b"U" + OID + b"K" + row("1", None) + b"N" + row("2", "b"),
    "delete": b"D" + OID + b"O" + row("1", "a"),
    "truncate": b"T" + struct.pack(">IB", 1, 3) + OID,
    "message": b"M\1" + struct.pack(">Q", 100) + text("_bemi") + struct.pack(">I", 7) + b'{"a":1}',
    "origin": b"O" + struct.pack(">Q", 100) + text("upstream"),
    "commit": b"C\0" + struct.pack(">QQq", 100, 120, 0),
    "stream_start": b"S" + XID + b"\1",
    "stream_insert": b"I" + XID + OID + b"N" + row("1", "a"),
    "stream_stop": b"E",
    "stream_abort": b"A" + XID + XID,
    "stream_commit": b"c" + XID + b"\0" + struct.pack(">QQq", 100, 120, 0),
}


def session(*names: str) -> bytes:
    parts = [relation(XID) if name == "stream_relation" else MESSAGES[name] for name in names]
    return b"".join(bytes([len(part)]) + part for part in parts)


SESSIONS = {
    "whole": session("begin", "relation", "message", "insert", "update", "delete", "truncate", "commit"),
    "streamed": session("stream_start", "stream_relation", "stream_insert", "stream_stop", "stream_commit"),
    "aborted": session("stream_start", "stream_relation", "stream_insert", "stream_stop", "stream_abort"),
}

# The first byte chooses the form: change::JsonForm.
VALUES = {
    "text": b"\0a\"\\\n", "boolean": b"\1t", "json": b'\3{"a": [1, null]}', "jsonb": b'\4{"a": 1}',
    "date": b"\x052026-11-23", "timestamp": b"\0062026-11-23 17:09:14.5 BC",
    "timestamptz": b"\x072026-11-23 17:09:14+00",
    "array": b'\x08[2:3]={{a,NULL},{"q\\"",""}}', "vector": b"\x091 2 3", "composite": b'\x0a(1,"a""b")',
    "hstore": b'\x0b"a"=>"1", "b"=>NULL',
}  # fmt: skip

SCHEMA_CHANGE = {
    "v": 1, "command": "ALTER TABLE", "sql": "alter table t add c int", "xid": 7, "empty": False, "dropped": False,
    "table": {"oid": 16384, "schema": "public", "table": "t", "identity": "d", "primary_key": ["id"], "columns": [
        {"name": "id", "type": "pair[]", "type_oid": 16399, "type_modifier": -1, "form": {
            "oid": 16399, "name": "pair[]", "kind": "array", "element": {
                "oid": 16398, "name": "pair", "kind": "composite", "attributes": [
                    {"name": "x", "form": {"oid": 23, "name": "integer", "kind": "scalar"}}]}}}]},
}  # fmt: skip

SEEDS: dict[str, dict[str, bytes]] = {
    "pgoutput": MESSAGES,
    "stitcher": SESSIONS,
    "json_value": VALUES,
    "copy_row": {"plain": b"\3a\tb\\tc\t\\N", "empty": b"\0", "escapes": b"\1\\\\\\n\\."},
    "schema_change": {"alter": json.dumps(SCHEMA_CHANGE).encode()},
    "context": {
        "plain": b'{"user": 1}',
        "scoped": b'{"user": {"id": [1, "\\u00e9"]}, "_bemi": {"v": 1, "scope": "next"}}',
        "odd": b'{"a": "\\u0000", "b": "\\ud800"}',
    },
    "selection": {"plain": b"public.todo", "quoted": b'"Other Schema"."od""d".*', "wild": b"*.t?do"},
}


def main() -> None:
    for target, seeds in SEEDS.items():
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in seeds.items():
            (folder / name).write_bytes(content)


if __name__ == "__main__":
    main()
