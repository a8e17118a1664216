"""What a line may become, and what is left alone."""

from __future__ import annotations

from mutations import mutants


def changed(text: str) -> list[str]:
    return [mutant.after.strip() for mutant in mutants("src/x/x.cpp", text)]


def test_a_comparison_and_its_bound_are_changed() -> None:
    assert changed("  if (count < 10) return x;") == [
        "if (count <= 10) return x;",
        "if (count < 11) return x;",
        "if (!(count < 10)) return x;",
        "if (count < 10) return {};",
        "",
    ]


def test_an_operator_of_two_operands_is_changed_and_a_template_is_not() -> None:
    assert changed("  std::vector<int> a = b && c;") == ["std::vector<int> a = b || c;"]
    assert changed("  auto&& a = b + c;") == ["auto&& a = b - c;"]


def test_an_operator_at_the_end_of_a_line_is_one() -> None:
    assert changed("  return a &&\n         b;") == ["return a ||"]


def test_truth_values_and_negations_are_turned_round() -> None:
    assert changed("  bool a = !b;") == ["bool a = b;"]
    assert changed("  return true;") == ["return false;"]


def test_whole_statements_are_removed_and_declarations_are_not() -> None:
    text = "{\n  first(a);\n  int b = c;\n  d = e;\n  ++f;\n}"
    assert [m.after for m in mutants("src/x/x.cpp", text) if m.kind == "removed statement"] == ["", "", ""]


def test_the_rest_of_a_statement_is_not_removed() -> None:
    assert changed("  int a =\n      call(b);") == []


def test_arguments_are_swapped() -> None:
    assert changed("  int x = call(a, b->c);") == ["int x = call(b->c, a);"]


def test_a_returned_value_becomes_none() -> None:
    assert changed("  return answer(1, x);") == [
        "return answer(2, x);",
        "return answer(x, 1);",
        "return {};",
    ]


def test_nothing_in_comments_or_literals_is_changed() -> None:
    assert changed('  // a < b\n  /* a && b */\n  std::string a("x == 1 && true");') == []
    assert changed('constexpr const char* sql = R"(\nselect 1 where a < b and true\n)";') == []


def test_directives_logs_and_assertions_are_left_alone() -> None:
    text = '#if A == 1\n  ASSERT(a == b);\n  base::log::warning("{}",\n    a + b);\n  static_assert(a < 1);'
    assert changed(text) == []


def test_after_a_log_there_is_code_again() -> None:
    assert changed('  base::log::warning("{}",\n    a + b);\n  int c = a + b;') == ["int c = a - b;"]


def test_a_mutant_changes_its_line_alone() -> None:
    text = "int a() {\n  return 1;\n}\n"
    mutant = next(m for m in mutants("src/x/x.cpp", text) if m.after == "  return 2;")
    assert (mutant.line, mutant.apply(text)) == (2, "int a() {\n  return 2;\n}\n")
    assert str(mutant) == "src/x/x.cpp:2: return 1;  =>  return 2;"
