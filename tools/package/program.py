"""The program as data, as `bemi --describe` tells it."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Option:
    """A flag such as ``-h, --help``, or an argument such as ``TABLE``."""

    name: str
    value: str  # what follows it: "URL", "table|json|csv"; empty for a switch
    limits: str
    default: str
    variable: str  # of the environment; empty for none
    text: str
    group: str
    is_argument: bool
    is_list: bool
    is_required: bool

    @property
    def flags(self) -> list[str]:
        return [] if self.is_argument else [name.strip() for name in self.name.split(",")]

    @property
    def words(self) -> list[str]:
        """The values it takes, if they are known."""
        return self.value.split("|") if "|" in self.value else []


@dataclass(frozen=True)
class Command:
    name: str  # "mark create"
    text: str
    options: list[Option]

    @property
    def arguments(self) -> list[Option]:
        return [option for option in self.options if option.is_argument]


def commands_of(binary: Path) -> list[Command]:
    done = subprocess.run([binary, "--describe"], capture_output=True, text=True, check=True, cwd="/")
    described: dict[str, Any] = json.loads(done.stdout)
    return [
        Command(
            command["name"],
            command["text"].rstrip("."),
            [
                Option(
                    option["name"],
                    option["value"],
                    option["limits"],
                    option["default"],
                    option["variable"],
                    option["text"],
                    option["group"],
                    option["argument"],
                    option["list"],
                    option["required"],
                )
                for option in command["options"]
            ],
        )
        for command in described["commands"]
    ]


def version_of(binary: Path) -> str:
    done = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True, cwd="/")
    return done.stdout.split()[-1]


def inner_commands(commands: list[Command], name: str) -> list[Command]:
    """Those of `name`: of "mark" create, back, forward …; of "" the program's own."""
    prefix = f"{name} " if name else ""
    return [one for one in commands if one.name.startswith(prefix) and " " not in one.name[len(prefix) :]]
