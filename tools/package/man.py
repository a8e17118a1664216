"""The man pages: one of the program, and one of each command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from program import Command, Option, inner_commands

SUMMARY = "tracks every change of a PostgreSQL database, with who, where and how"
DESCRIPTION = """\
Bemi reads the Write-Ahead Log of a PostgreSQL database by logical replication, and stores each change as a row of the
table changes in a database that you own, with the context that the application passed: user, endpoint, worker, SQL.

Commands that read the history take the address of its database from BEMI_DESTINATION_URL, or from BEMI_SOURCE_URL if
both are the same."""
EXIT_STATUS = [
    ("0", "The command did what it was asked to."),
    ("1", "An error, which is printed with a hint; or all is not well, as the command says."),
    ("2", "Wrong usage: an unknown name, a value that cannot be read."),
]
FILES = [("bemi.toml", "The settings file of the working directory. Another one: --config FILE.")]


def escaped(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.MULTILINE)


def paragraph(text: str) -> Iterator[str]:
    for part in text.split("\n\n"):
        yield ".PP"
        yield escaped(" ".join(part.split()))


def label(option: Option) -> str:
    bold = ", ".join(f"\\fB{escaped(name)}\\fR" for name in option.flags or [option.name])
    value = f" \\fI{escaped(option.value)}\\fR" if option.value and not option.is_argument else ""
    return bold + value + (" ..." if option.is_list else "")


def entry(option: Option) -> Iterator[str]:
    yield ".TP"
    yield label(option)
    facts = [option.text.rstrip(".") + "."]
    if option.limits:
        facts.append(f"Values: {option.limits}.")
    if option.default and "[default:" not in option.text:
        facts.append(f"The default is {option.default}.")
    if option.variable:
        facts.append(f"In the environment: {option.variable}.")
    yield escaped(" ".join(facts))


def definitions(pairs: list[tuple[str, str]]) -> Iterator[str]:
    for name, text in pairs:
        yield ".TP"
        yield f"\\fB{escaped(name)}\\fR"
        yield escaped(text)


def options_of(command: Command) -> Iterator[str]:
    groups = list(dict.fromkeys(option.group for option in command.options))
    if command.arguments:
        yield ".SH ARGUMENTS"
        for option in command.arguments:
            yield from entry(option)
    yield ".SH OPTIONS"
    for group in groups:
        flags = [one for one in command.options if one.group == group and not one.is_argument]
        if group and flags:
            yield f".SS {escaped(group)}"
        for option in flags:
            yield from entry(option)


def header(name: str, text: str, version: str, date: str) -> Iterator[str]:
    yield f'.TH "{name.replace(" ", "-").upper()}" 1 "{date}" "Bemi {version}" "Bemi"'
    yield ".SH NAME"
    yield f"{escaped(name.replace(' ', '-'))} \\- {escaped(text[0].lower() + text[1:])}"


def command_page(command: Command, commands: list[Command], version: str, date: str) -> str:
    inner = inner_commands(commands, command.name)
    words = " ".join(
        (f"[\\fI{escaped(one.name)}\\fR]" if not one.is_required else f"\\fI{escaped(one.name)}\\fR")
        for one in command.arguments
    )
    lines = [*header(f"bemi {command.name}", command.text, version, date), ".SH SYNOPSIS"]
    tail = " \\fICOMMAND\\fR" if inner else f" {words}" if words else ""
    lines.append(f"\\fBbemi {escaped(command.name)}\\fR [\\fIOPTION\\fR ...]{tail}")
    lines += [".SH DESCRIPTION", escaped(command.text + ".")]
    if inner:
        lines.append(".SH COMMANDS")
        lines += definitions([(one.name.removeprefix(command.name + " "), one.text + ".") for one in inner])
    lines += options_of(command)
    lines.append(".SH EXIT STATUS")
    lines += definitions(EXIT_STATUS)
    lines += [".SH SEE ALSO", "\\fBbemi\\fR(1)"]
    return "\n".join(lines) + "\n"


def program_page(commands: list[Command], version: str, date: str) -> str:
    top = inner_commands(commands, "")
    lines = [*header("bemi", SUMMARY, version, date), ".SH SYNOPSIS"]
    lines.append("\\fBbemi\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR ...]")
    lines += [".SH DESCRIPTION", *paragraph(DESCRIPTION), ".SH COMMANDS"]
    lines += definitions([(one.name, one.text + ".") for one in top])
    lines.append(".SH EXIT STATUS")
    lines += definitions(EXIT_STATUS)
    lines.append(".SH FILES")
    lines += definitions(FILES)
    lines += [".SH SEE ALSO", ", ".join(f"\\fBbemi\\-{escaped(one.name)}\\fR(1)" for one in top)]
    return "\n".join(lines) + "\n"


def write_pages(folder: Path, commands: list[Command], version: str, date: str) -> None:
    """`date`: of the release, as YYYY-MM-DD."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bemi.1").write_text(program_page(commands, version, date))
    for command in commands:
        page = command_page(command, commands, version, date)
        (folder / f"bemi-{command.name.replace(' ', '-')}.1").write_text(page)
