"""A random value for a column, from what the catalog says of its type."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    name: str  # quoted
    type: str  # as format_type without modifiers
    element: str  # of an array; else empty
    length: int  # of characters; 0: any
    labels: tuple[str, ...]  # of an enum
    is_nullable: bool
    is_in_key: bool


WORDS = ["", "a", "null", "it's", 'say "hi"', "é✓𝄞", "\\n", "tab\there", "{}", "long " * 300]


def literal(text: str) -> str:
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def word(chance: random.Random, length: int) -> str:
    made = chance.choice(WORDS) + (str(chance.randint(0, 10**6)) if chance.random() < 0.8 else "")
    return made[-length:] if length else made


def scalar(chance: random.Random, type_: str, length: int) -> str | None:
    number = chance.randint(1, 9999)
    match type_:
        case "smallint" | "integer" | "bigint":
            return str(number)
        case "numeric" | "real" | "double precision":
            return f"{number / 100}"
        case "boolean":
            return chance.choice(["true", "false"])
        case "text" | "character varying" | "character" | "name":
            return literal(word(chance, length))
        case "timestamp with time zone" | "timestamp without time zone" | "date":
            return f"'2026-{number % 12 + 1:02d}-{number % 28 + 1:02d} {number % 24:02d}:00:00.25'"
        case "time without time zone" | "interval":
            return f"'{number % 24:02d}:{number % 60:02d}:07.5'"
        case "uuid":
            return f"'{uuid.UUID(int=chance.getrandbits(128))}'"
        case "json" | "jsonb":
            return chance.choice(['\'{"a": [1, null, {"b": "é"}]}\'', "'[]'", "'null'", f"'{number}.50'"])
        case "bytea":
            return f"'\\x{number:08x}'"
        case "inet":
            return f"'10.0.{number % 256}.1'"
        case "daterange":
            return f"'[2026-01-01,2026-{number % 12 + 1:02d}-28)'"
    return None


def value(chance: random.Random, column: Column) -> str:
    """As SQL; `default` for what is not known here."""
    if column.is_nullable and not column.is_in_key and chance.random() < 0.15:
        return "null"
    if column.labels:
        return literal(chance.choice(column.labels))
    if column.element:
        parts = [scalar(chance, column.element, 0) for _ in range(chance.randint(0, 3))]
        return f"array[{', '.join(part or 'null' for part in parts)}]::{column.type}"
    return scalar(chance, column.type, column.length) or "default"
