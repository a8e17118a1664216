"""The Debian package: what is in it, and what a shell and `man` make of it. `./dev package --check` installs it."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from support.bemi import bemi

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package's files."""
    folder = tmp_path_factory.mktemp("package")
    made = [build(folder / name) for name in ("one", "two")]
    assert made[0].read_bytes() == made[1].read_bytes(), "two builds are equal to the byte"
    subprocess.run(["dpkg-deb", "-x", made[0], folder / "parts"], check=True)
    return folder / "parts"


def build(folder: Path) -> Path:
    env = os.environ | {"SOURCE_DATE_EPOCH": "1700000000"}
    command = [sys.executable, str(ROOT / "tools/package/deb.py"), "--output", str(folder)]
    subprocess.run(command, env=env, check=True, capture_output=True)
    [package] = folder.glob("*.deb")
    return package


def completed(parts: Path, *words: str) -> list[str]:
    words_set = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))'
    script = words_set + """; _bemi; printf '%s\\n' "${COMPREPLY[@]}\""""
    file = parts / "usr/share/bash-completion/completions/bemi"
    done = subprocess.run(
        ["bash", "-c", script, "-", file, *words], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_bash_completes_commands_flags_and_values(parts: Path) -> None:
    assert completed(parts, "bemi", "ch") == ["check", "changes", "checkout"]
    assert completed(parts, "bemi", "mark", "") == ["create", "list", "rollback", "forward", "delete"]
    assert completed(parts, "bemi", "changes", "--fo") == ["--follow", "--format"]
    assert completed(parts, "bemi", "changes", "--format", "") == ["table", "json", "csv"]
    assert completed(parts, "bemi", "revert", "--on-conflict", "") == ["fail", "skip", "force"]
    assert completed(parts, "bemi", "revert", "--format", "") == ["table", "json"]
    assert completed(parts, "bemi", "changes", "--table", "") == [], (
        "a table's name is not known to the shell"
    )
    assert completed(parts, "bemi", "changes", "--table", "todo", "--op") == ["--operation"]
    assert set(completed(parts, "bemi", "--")) == {"--help", "--version"}


def test_each_command_has_a_page_with_each_of_its_flags(parts: Path) -> None:
    described: Mapping[str, list[dict[str, object]]] = json.loads(bemi("--describe").stdout)
    pages = parts / "usr/share/man/man1"
    assert len(list(pages.iterdir())) == len(described["commands"]) + 1
    overview = gzip.decompress((pages / "bemi.1.gz").read_bytes()).decode()
    for command in described["commands"]:
        name = str(command["name"])
        page = gzip.decompress((pages / f"bemi-{name.replace(' ', '-')}.1.gz").read_bytes()).decode()
        for option in json.loads(json.dumps(command["options"])):
            for flag in option["name"].split(", "):
                assert flag.replace("-", "\\-") in page, (name, flag)
            assert not option["variable"] or option["variable"] in page
        listed = name.replace("-", "\\-")
        assert " " in name or f"\\fB{listed}\\fR" in overview


def test_the_units_run_the_program_as_its_own_user(parts: Path) -> None:
    for unit, command in (("bemi@.service", "run --config /etc/bemi/%i.toml"),
                          ("bemi-serve.service", "serve --config /etc/bemi/serve.toml")):  # fmt: skip
        text = (parts / "lib/systemd/system" / unit).read_text()
        assert f"ExecStart=/usr/bin/bemi {command}" in text and "User=bemi" in text
        assert "NoNewPrivileges=yes" in text and "ProtectSystem=strict" in text
    assert (parts / "etc/bemi").is_dir()
    done = subprocess.run([parts / "usr/bin/bemi", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == bemi("--version").stdout
