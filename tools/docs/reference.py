"""Writes the reference pages in docs/reference from the program itself: `./dev docs`.

The command line, the error kinds and the metrics come from `bemi --describe`; SQL functions, tables and rights
from a history that `bemi init` has just made. tests/e2e/test_reference.py fails when a page differs.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from advice import COLUMNS, ERRORS, EXIT_CODES, REACTIONS, SQLSTATES
from support.bemi import REPOSITORY, bemi
from support.postgres import Server, available

FOLDER = REPOSITORY / "docs" / "reference"
NOTE = "<!-- Made by ./dev docs from the program; change the program's texts. -->\n"
BEGIN, END = "<!-- made by ./dev docs -->\n", "<!-- end -->\n"

Sql = Callable[..., list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Source:
    """Where the facts come from: what the program says of itself, and a database that `bemi init` prepared."""

    program: dict[str, Any]
    sql: Sql


def described() -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(bemi("--describe", cwd=Path("/")).stdout)
    return facts


def pages(source: Source) -> dict[Path, str]:
    """Each page with the text that it should have."""
    whole = {
        "commands.md": commands_page(source.program["commands"]),
        "errors.md": errors_page(source),
        "metrics.md": metrics_page(source.program["metrics"]),
        "sql.md": sql_page(source.sql),
        "tables.md": tables_page(source.sql),
    }
    parts = {
        "settings.md": settings_table(source.program["commands"]),
        "rights.md": rights_tables(source.sql),
    }
    found = {FOLDER / name: text for name, text in whole.items()}
    for name, text in parts.items():
        found[FOLDER / name] = with_part((FOLDER / name).read_text(), text)
    return found


def with_part(page: str, text: str) -> str:
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin and end, f"the page has no place for the table: {BEGIN}...{END}"
    return before + begin + text + end + after


def cell(text: object) -> str:
    return str(text).replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def code(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`" if text else ""


def table(headers: list[str], rows: list[list[str]]) -> str:
    lines = [headers, ["---"] * len(headers), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


# ---- The command line ----


def split_default(option: dict[str, Any]) -> tuple[str, str]:
    """A help text without the default that it names, and the default."""
    found = re.fullmatch(r"(.*?)(?: \[default: (.*)\])?", option["text"])
    assert found
    return found[1], code(option["default"]) if option["default"] else cell(found[2] or "")


def option_row(option: dict[str, Any]) -> list[str]:
    text, default = split_default(option)
    value = option["value"] + (" ..." if option["list"] else "")
    name = option["name"] + (f" {value}" if value and not option["argument"] else "")
    remarks = [
        option["limits"],
        "several" if option["list"] else "",
        "required" if option["required"] else "",
    ]
    remark = ", ".join(filter(None, remarks))
    return [code(name), cell(text + (f" ({remark})" if remark else "")), default, code(option["variable"])]


def is_everywhere(option: dict[str, Any]) -> bool:
    return option["name"] in ("-h, --help", "--config", "--print-settings")


OPTION_HEADERS = ["option", "meaning", "default", "variable"]


def group_rows(command: dict[str, Any]) -> dict[str, list[list[str]]]:
    """The rows of each group of options; the command's own have no name."""
    groups: dict[str, list[list[str]]] = {}
    for option in command["options"]:
        if not is_everywhere(option):
            groups.setdefault(option["group"], []).append(option_row(option))
    return groups


def shared_groups(commands: list[dict[str, Any]]) -> dict[str, list[list[str]]]:
    """Groups that several commands have, as most of them have it."""
    found: dict[str, list[list[list[str]]]] = {}
    for command in commands:
        for name, rows in group_rows(command).items():
            if name:
                found.setdefault(name, []).append(rows)
    return {name: max(all_rows, key=all_rows.count) for name, all_rows in found.items() if len(all_rows) > 1}


def command_section(command: dict[str, Any], shared: dict[str, list[list[str]]]) -> str:
    arguments = [option for option in command["options"] if option["argument"]]
    named = "".join(
        f" {option['name']}" if option["required"] else f" [{option['name']}]" for option in arguments
    )
    about = cell(command["text"]).rstrip(".")
    text = f"## bemi {command['name']}\n\n{about}.\n"
    if not command["options"] or all(map(is_everywhere, command["options"])):
        return text
    text += f"\n```\nbemi {command['name']}{named} [OPTIONS]\n```\n"
    rows = []
    links = []
    for name, group in group_rows(command).items():
        common = shared.get(name, [])
        rows += [row for row in group if row not in common]
        if any(row in common for row in group):
            links.append(f"[{name}](#options-{name.lower().replace(' ', '-')})")
    if rows:
        text += "\n" + table(OPTION_HEADERS, rows)
    return text + (f"\nAlso the options of {', '.join(links)}.\n" if links else "")


def commands_page(commands: list[dict[str, Any]]) -> str:
    general = [option_row(option) for option in commands[0]["options"] if is_everywhere(option)]
    codes = [[str(number), text] for number, text in EXIT_CODES.items()]
    shared = shared_groups(commands)
    parts = [
        f"{NOTE}# Commands\n\n"
        "Options with a variable can also be set in the environment or in `bemi.toml`: see\n"
        "[settings](settings.md). Errors go to stderr as `bemi: ...`, with a `hint: ...` line on what to do.\n",
        "## Exit codes\n\n" + table(["code", "meaning"], codes),
        *(command_section(command, shared) for command in commands),
        "## Options: every command\n\n" + table(OPTION_HEADERS, general),
        *(f"## Options: {name}\n\n" + table(OPTION_HEADERS, rows) for name, rows in shared.items()),
    ]
    return "\n".join(parts)


def settings_table(commands: list[dict[str, Any]]) -> str:
    """A row for each setting, with the text that most commands have for it."""
    meanings: dict[tuple[str, str], Counter[tuple[str, str]]] = {}
    users: dict[tuple[str, str], list[str]] = {}
    for command in commands:
        for option in command["options"]:
            if not option["variable"]:
                continue
            key = (option["name"].removeprefix("--"), option["variable"])
            _, text, default, _ = option_row(option)
            meanings.setdefault(key, Counter())[(text, default)] += 1
            users.setdefault(key, []).append(command["name"])
    rows = []
    for key, texts in meanings.items():
        (text, default), _ = texts.most_common(1)[0]
        names = users[key]
        where = "" if len(names) > 4 else ", ".join(map(code, names))
        rows.append([code(key[0]), code(key[1]), text, default, where])
    return table(["flag and key", "variable", "meaning", "default", "only for"], rows)


# ---- Errors and metrics ----


def raised(sql: Sql) -> dict[str, list[str]]:
    """What the functions of the history raise, by the name of the condition."""
    found: dict[str, list[str]] = {}
    bodies = sql(
        "select p.prosrc from pg_proc p join pg_namespace n on n.oid = p.pronamespace "
        "where n.nspname in ('bemi', '_bemi') order by p.proname, p.oid::regprocedure::text"
    )
    for (body,) in bodies:
        for message, rest in re.findall(
            r"raise exception\s+'((?:[^']|'')*)'((?:'(?:[^']|'')*'|[^';])*);", body, flags=re.IGNORECASE
        ):
            condition = re.search(r"errcode\s*=\s*'(\w+)'", rest)
            texts = found.setdefault(condition[1] if condition else "raise_exception", [])
            if message not in texts:
                texts.append(message)
    return found


def sqlstate_of(condition: str, sql: Sql) -> str:
    """As PostgreSQL itself has it."""
    try:
        sql(f"do $$ begin raise exception 'x' using errcode = '{condition}'; end $$")
    except psycopg.Error as error:
        return error.sqlstate or ""
    raise AssertionError(condition)


def errors_page(source: Source) -> str:
    rows = []
    for error in source.program["errors"]:
        meaning, action = ERRORS[error["kind"]]
        rows.append(
            [
                code(error["kind"]), meaning, action, str(error["exit_code"]), str(error["status"]),
                REACTIONS[error["worker"]],
            ]
        )  # fmt: skip
    states = []
    for condition, messages in sorted(raised(source.sql).items()):
        said = "<br>".join(cell(text.replace("''", "'")) for text in messages)
        number = sqlstate_of(condition, source.sql)
        states.append([code(number), code(condition), said, SQLSTATES[condition]])
    return (
        f"{NOTE}# Errors\n\n"
        "Every error has a kind and a message. If you can do something about it, it also has a hint. The kind decides\n"
        "the exit code, the HTTP status and what the worker does. If an SQLSTATE fits the case better, it decides\n"
        "the HTTP status instead (see below).\n\n"
        + table(["kind", "meaning", "what to do", "exit code", "HTTP status", "the worker"], rows)
        + "\n## Errors of the SQL functions\n\n`%` stands for a name, a time or a value.\n\n"
        + table(["SQLSTATE", "condition", "messages", "what to do"], states)
    )


def metrics_page(metrics: list[dict[str, Any]]) -> str:
    rows = [[code(m["name"]), m["type"], cell(m["labels"]), cell(m["help"])] for m in metrics]
    return (
        f"{NOTE}# Metrics\n\n"
        "`GET /metrics` of `bemi run --http` and `bemi serve`, in Prometheus' text format. A metric appears once it\n"
        "has a value; one whose value the source does not tell is left out.\n\n"
        + table(["metric", "type", "labels", "meaning"], rows)
    )


# ---- SQL ----


def sql_page(sql: Sql) -> str:
    functions = sql(
        "select p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), "
        "obj_description(p.oid, 'pg_proc'), p.prosecdef from pg_proc p "
        "where p.pronamespace = 'bemi'::regnamespace order by 1, 2"
    )
    parts = [
        f"{NOTE}# SQL functions and views\n\n"
        "All are in the schema `bemi` of the destination and run with the caller's rights unless it is said\n"
        "otherwise. `name` is a table's name as `table` or `schema.table`, quoted as in SQL; `source` is needed if\n"
        "several sources have the table. `partial` accepts an answer with missing rows, `allow_stale` one for which\n"
        "later changes may still arrive. How to use them: [time travel](../guides/time-travel.md).\n"
    ]
    for name, arguments, result, comment, as_owner in functions:
        assert comment, f"bemi.{name} has no comment: add one in contracts/history/functions"
        listed = ",\n  ".join(split_arguments(arguments))
        returns = (
            result if len(result) < 90 else result.replace("TABLE(", "TABLE(\n  ").replace(", ", ",\n  ")
        )
        parts.append(
            f"## bemi.{name}\n\n{cell(comment)}{' Runs with the rights of the owner.' if as_owner else ''}\n\n"
            f"```sql\nbemi.{name}(\n  {listed}\n) returns {returns}\n```\n"
        )
    for kind, word in (("v", "view"), ("c", "type")):
        for relation, comment in relations(sql, ["bemi"], [kind]):
            parts.append(
                f"## {relation} ({word})\n\n{cell(comment)}\n\n"
                + table(["column", "type"], [row[:2] for row in columns(sql, relation)])
            )
    return "\n".join(parts)


def split_arguments(arguments: str) -> list[str]:
    """At commas, but not those within quotes or brackets."""
    return re.findall(r"(?:'[^']*'|\([^)]*\)|[^,'(])+", arguments.replace(", ", ","))


def relations(sql: Sql, schemas: list[str], kinds: list[str]) -> list[tuple[str, str]]:
    rows = sql(
        "select format('%%I.%%I', n.nspname, c.relname), "
        "coalesce(obj_description(c.oid, 'pg_class'), obj_description(c.reltype, 'pg_type')) "
        "from pg_class c join pg_namespace n on n.oid = c.relnamespace "
        "where n.nspname = any (%s) and c.relkind::text = any (%s) and not c.relispartition "
        "and c.relname !~ '^key_[0-9]+$' order by n.nspname, c.relname",
        schemas,
        kinds,
    )
    for name, comment in rows:
        assert comment, f"{name} has no comment: add one in contracts/history/functions/comments.sql"
    return [(name, comment) for name, comment in rows]


def columns(sql: Sql, relation: str) -> list[list[str]]:
    rows = sql(
        "select a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, "
        "coalesce(col_description(a.attrelid, a.attnum), '') from pg_attribute a "
        "where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum",
        relation,
    )
    return [
        [code(name), cell(kind), "no" if full else "yes", cell(text or COLUMNS.get(name, ""))]
        for name, kind, full, text in rows
    ]


def tables_page(sql: Sql) -> str:
    parts = [
        f"{NOTE}# Tables\n\n"
        "The table `changes` is the history, for everybody's queries. The other tables are Bemi's own records: read\n"
        "them as you like, but write none of them. `_bemi` is in the destination, `_bemi_source` and `_bemi_setup`\n"
        "are in the source. `_bemi.key_N` are the keys of the views of the past.\n"
    ]
    for schemas in (["public"], ["_bemi"], ["_bemi_source"], ["_bemi_setup"]):
        for relation, comment in relations(sql, schemas, ["r", "p", "v"]):
            headers = ["column", "type", "null", "meaning"]
            name = relation.removeprefix("public.")
            parts.append(f"## {name}\n\n{cell(comment)}\n\n" + table(headers, columns(sql, relation)))
    return "\n".join(parts)


# ---- Rights ----


def rights_tables(sql: Sql) -> str:
    grants = sql(
        "with granted as ("
        "  select g.grantee, format('%I.%I', n.nspname, c.relname) as thing, g.privilege_type as privilege "
        "  from pg_class c join pg_namespace n on n.oid = c.relnamespace cross join lateral aclexplode(c.relacl) g "
        "  where not c.relispartition "
        "  union all select g.grantee, format('%I.%I', n.nspname, c.relname), "
        "    format('%s (%s)', g.privilege_type, string_agg(a.attname, ', ' order by a.attnum)) "
        "  from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace "
        "  cross join lateral aclexplode(a.attacl) g group by g.grantee, n.nspname, c.relname, g.privilege_type) "
        "select r.purpose, g.thing, string_agg(distinct g.privilege, ', ') "
        "from granted g join pg_roles o on o.oid = g.grantee join _bemi.role r on r.name = o.rolname "
        "where r.purpose <> 'owner' group by 1, 2 order by 1, 2"
    )
    by_rights: dict[tuple[str, str], list[str]] = {}
    for purpose, thing, privileges in grants:
        by_rights.setdefault((purpose, privileges), []).append(thing.removeprefix("public."))
    rows = [
        [purpose, code(privileges), ", ".join(map(code, things))]
        for (purpose, privileges), things in by_rights.items()
    ]
    volatile = sql(
        "select p.oid::regprocedure::text, string_agg(coalesce(r.purpose, 'PUBLIC'), ', ' order by r.purpose) "
        "from pg_proc p join pg_namespace n on n.oid = p.pronamespace "
        "cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) g "
        "left join pg_roles o on o.oid = g.grantee left join _bemi.role r on r.name = o.rolname "
        "where n.nspname in ('bemi', '_bemi', '_bemi_source', 'public') and g.grantee <> p.proowner "
        "and (p.provolatile = 'v' or g.grantee = 0 or r.purpose is null) group by 1 order by 1"
    )
    listed = [[code(name), who] for name, who in volatile]
    return (
        table(["role", "rights", "on"], rows)
        + "\nReaders, writers and dashboards may also execute all functions of the history that only read. Of the\n"
        "functions that write, and of those open to PUBLIC, these are all that others than the owner may execute:\n\n"
        + table(["function", "role"], listed)
    )


def prepared(server: Server, name: str) -> Source:
    """A database that `bemi init` has prepared as source and destination, by a superuser."""
    url = server.create_database(name)
    server.sql("create schema app; create table app.item (id int primary key)", dbname=name)
    bemi("init", env={"BEMI_SOURCE_URL": url})
    return Source(described(), lambda statement, *params: server.sql(statement, *params, dbname=name))


def main() -> None:
    server = Server.start(available()[-1])
    try:
        for path, text in pages(prepared(server, "reference")).items():
            if not path.exists() or path.read_text() != text:
                path.write_text(text)
                print(path.relative_to(REPOSITORY))
    finally:
        server.close()


if __name__ == "__main__":
    main()
