"""Which mutants are tried, and what is said of them in the end."""

from __future__ import annotations

import pytest

from mutation_run import Result, choose, key_of, main, read_equivalent
from mutations import Mutant
from unit_build import Outcome


def mutant(number: int, path: str = "src/x/x.cpp") -> Mutant:
    return Mutant(path, number, "constant", f"  a = {number};", f"  a = {number + 1};")


MANY = [mutant(n) for n in range(50)] + [mutant(n, "src/y/y.cpp") for n in range(50)]


def test_the_same_seed_chooses_the_same() -> None:
    assert choose(MANY, 7, 20) == choose(MANY, 7, 20)
    assert choose(MANY, 7, 20) != choose(MANY, 8, 20)


def test_the_requested_number_of_mutants_is_chosen() -> None:
    plan = choose(MANY, 7, 20)
    assert sum(quota for quota, _ in plan.values()) == 20
    assert all(len(candidates) == 50 for _, candidates in plan.values())
    assert sum(quota for quota, _ in choose(MANY, 7, 1000).values()) == 100


def result_of(killed: int, survived: int) -> Result:
    result = Result()
    for number in range(killed):
        result.add(mutant(number), Outcome("killed"), set())
    for number in range(survived):
        result.add(mutant(number), Outcome("survived"), set())
    return result


def test_one_in_ten_may_survive_and_no_more() -> None:
    assert result_of(90, 10).is_good
    assert not result_of(89, 11).is_good


def test_nothing_judged_is_not_good() -> None:
    assert not result_of(0, 0).is_good


def test_mutants_that_do_not_compile_or_are_equivalent_are_not_judged() -> None:
    result = result_of(9, 1)
    result.add(mutant(3), Outcome("does not compile"), set())
    result.add(mutant(4), Outcome("survived"), {key_of(mutant(4))})
    assert (result.judged, result.counts["equivalent"], len(result.survivors)) == (10, 1, 1)


def test_a_killed_mutant_is_killed_whatever_is_written_of_it() -> None:
    result = Result()
    result.add(mutant(4), Outcome("killed"), {key_of(mutant(4))})
    assert result.counts == {"killed": 1}


def test_each_equivalent_mutant_has_a_reason() -> None:
    text = "# comment\n\nsrc/x/x.cpp: a = 4; => a = 5;\n    nobody reads a\n"
    assert read_equivalent(text) == {key_of(mutant(4))}
    with pytest.raises(ValueError, match="no reason"):
        read_equivalent("src/x/x.cpp: a = 4; => a = 5;\n")
    with pytest.raises(ValueError, match="no reason"):
        read_equivalent("src/x/x.cpp: a; =>\nsrc/x/x.cpp: b; =>\n    why\n")


def test_an_unknown_option_is_wrong_usage() -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--sed", "x"])
    assert ended.value.code == 2
