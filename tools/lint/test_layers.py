"""The house rules hold here, and each rule catches what it is for."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpp_text import functions, without_comments_and_literals
from layers import SPDX, Finding, Layers, check_file, check_tree, read_layers

ROOT = Path(__file__).resolve().parent.parent.parent
LAYERS = Layers({"base": set(), "pg": {"base"}, "store": {"base"}, "query": {"base", "store/schema.hpp"}})


def messages(name: str, *lines: str) -> list[str]:
    text = "\n".join([SPDX, "// What it is for.", "#pragma once", *lines]) + "\n"
    return [finding.message for finding in check_file(LAYERS, name, text)]


def test_this_repository_keeps_its_rules() -> None:
    assert "\n".join(map(str, check_tree(ROOT))) == ""


@pytest.mark.parametrize(
    ("file", "header"),
    [
        ("store/copy.cpp", "base/result.hpp"),
        ("store/copy.cpp", "store/detail/row.hpp"),
        ("query/history.cpp", "store/schema.hpp"),
    ],
)
def test_an_include_of_the_table_passes(file: str, header: str) -> None:
    assert messages(file, f'#include "{header}"') == []


@pytest.mark.parametrize(
    ("file", "header", "message"),
    [
        ("base/log.cpp", "store/copy.hpp", "base may not include store/copy.hpp"),
        ("query/history.cpp", "store/copy.hpp", "query may not include store/copy.hpp"),
        ("pg/wait.cpp", "wait.hpp", "names no layer"),
        ("store/copy.cpp", "base/detail/buffer.hpp", "is private to base"),
    ],
)
def test_any_other_include_fails(file: str, header: str, message: str) -> None:
    (found,) = messages(file, f'#include "{header}"')
    assert message in found


def test_only_one_layer_knows_libpq() -> None:
    assert messages("pg/connection.cpp", "#include <libpq-fe.h>") == []
    assert messages("store/copy.cpp", "#include <libpq-fe.h>") == ["only src/pg includes libpq-fe.h"]


def test_a_layer_uses_only_what_stands_above_it(tmp_path: Path) -> None:
    table = tmp_path / "layers.txt"
    table.write_text("# in flow order\nbase:\npg: base store/schema.hpp\nstore: pg\n")
    findings: list[Finding] = []
    layers = read_layers(table, findings)
    assert layers.may_include("store", "pg/connection.hpp")
    assert [finding.line for finding in findings] == [3]


def test_a_header_says_what_it_is_for() -> None:
    text = f"{SPDX}\n\n#include <string>\n"
    found = {finding.message for finding in check_file(LAYERS, "base/clock.hpp", text)}
    assert found == {"a header has #pragma once", "a header begins by saying what it is for"}


@pytest.mark.parametrize(
    "line",
    [
        "int port = std::stoi(text);",
        'std::cerr << "lost";',
        'printf("lost");',
        "std::this_thread::sleep_for(delay);",
        "auto now = std::chrono::system_clock::now();",
        "auto* row = new Row;",
        "delete row;",
        "std::exit(2);",
        "assert(row);",
        'throw std::runtime_error("lost");',
        "using namespace std;",
    ],
)
def test_a_banned_call_is_found(line: str) -> None:
    assert len(messages("store/copy.hpp", line)) == 1


@pytest.mark.parametrize(
    "line",
    [
        "Copy(const Copy&) = delete;",
        "auto now = std::chrono::steady_clock::now();",
        "ASSERT(row);  // not assert(row)",
        'log::info("assert(row) new Row");',
        'constexpr auto query = R"(delete from changes)";',
        "Timestamp time(row.committed_at);",
        "double d = std::stod(text);  // lint-ok: the text is our own and well-formed",
        "static_assert(sizeof(Lsn) == 8);",
    ],
)
def test_code_that_only_looks_banned_passes(line: str) -> None:
    assert messages("store/copy.cpp", line) == []


def test_a_long_function_is_found_by_name() -> None:
    body = ["  work();"] * 59
    assert messages("store/copy.cpp", "void Copy::run() {", *body[1:], "}") == []
    assert messages("store/copy.cpp", "void Copy::run() {", *body, "}") == [
        "Copy::run has 61 lines: at most 60"
    ]
    assert messages("store/copy_test.cpp", "TEST(Copy, runs) {", *body, "}") == []


def test_a_long_file_is_found() -> None:
    assert messages("store/copy.cpp", *["int x;"] * 498) == ["501 lines in one file: at most 500"]


def test_functions_are_told_from_other_braces() -> None:
    code = without_comments_and_literals("""
#define SEND(x) do { if (x) { y(); } } while (false)
namespace store {
struct Row { int size() const { return 1'000; } };
enum class Kind { one, two };
template <class T> requires std::is_class_v<T>
T make(T from) {
  auto lambda = [&](int x) { if (x) { return "}"; } };
  return T{from};
}
Copy::Copy(int fd) : fd_(fd) {}
constexpr std::array<int, 2> sizes = {1, 2};
}
""")
    found = [(function.name, function.length) for function in functions(code)]
    assert found == [("size", 1), ("make", 5), ("Copy::Copy", 1)]
