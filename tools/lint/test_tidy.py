"""What makes clang-tidy look at a source again."""

from __future__ import annotations

from pathlib import Path

from tidy import key_of, output_of


def test_the_key_changes_with_command_and_contents(tmp_path: Path) -> None:
    header = tmp_path / "lsn.hpp"
    header.write_text("struct Lsn;")
    before = key_of("g++ -c lsn.cpp", [header])
    assert key_of("g++ -c lsn.cpp", [header]) == before
    assert key_of("g++ -O2 -c lsn.cpp", [header]) != before
    header.write_text("struct Lsn {};")
    assert key_of("g++ -c lsn.cpp", [header]) != before


def test_the_object_file_is_read_from_the_command() -> None:
    assert output_of("g++ -O1 -o src/change/lsn.cpp.o -c /x/lsn.cpp") == "src/change/lsn.cpp.o"
