"""What makes clang-tidy look at a source again."""

from __future__ import annotations

from pathlib import Path

import pytest

import tidy
from tidy import key_of


def test_the_key_changes_with_command_and_contents(tmp_path: Path) -> None:
    header = tmp_path / "lsn.hpp"
    header.write_text("struct Lsn;")
    before = key_of("g++ -c lsn.cpp", [header])
    assert key_of("g++ -c lsn.cpp", [header]) == before
    assert key_of("g++ -O2 -c lsn.cpp", [header]) != before
    header.write_text("struct Lsn {};")
    assert key_of("g++ -c lsn.cpp", [header]) != before


def test_what_a_source_includes_is_found_through_headers_and_statements(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tidy, "SOURCES", tmp_path)
    files = {
        "wal/slot.cpp": '#include "wal/slot.hpp"\n#include <string>\n#include "wal/sql.hpp"\n',
        "wal/slot.hpp": '#include "base/lsn.hpp"\n#include "wal/slot.hpp"\n',
        "wal/sql/slots.sql": "select 1",
        "base/lsn.hpp": "",
        "base/other.hpp": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    wanted = {tmp_path / name for name in files if name != "base/other.hpp"}
    assert set(tidy.included(tmp_path / "wal/slot.cpp")) == wanted
