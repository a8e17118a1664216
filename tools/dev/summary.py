"""Adds up the suites' JUnit XML: names what failed and ends with `N passed, N failed`.

usage: summary.py FOLDER SUITE=EXIT_CODE...

A suite that failed without a failed test (it crashed, or wrote nothing) counts as one failure.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree


@dataclass
class Tally:
    passed: int = 0
    skipped: int = 0
    failures: list[str] = field(default_factory=list)

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.passed + other.passed,
            self.skipped + other.skipped,
            self.failures + other.failures,
        )

    def __str__(self) -> str:
        line = f"{self.passed} passed, {len(self.failures)} failed"
        return line + (f", {self.skipped} skipped" if self.skipped else "")


def read_suite(folder: Path, suite: str, exit_code: int) -> Tally:
    tally = Tally()
    # A suite that runs several times writes SUITE-VARIANT.xml too.
    for path in sorted([*folder.glob(f"{suite}.xml"), *folder.glob(f"{suite}-*.xml")]):
        for case in ElementTree.parse(path).iter("testcase"):
            count_case(tally, path.stem, case)
    if exit_code != 0 and not tally.failures:
        tally.failures.append(f"{suite}: ended with exit code {exit_code}")
    return tally


def count_case(tally: Tally, suite: str, case: ElementTree.Element) -> None:
    if case.find("failure") is not None or case.find("error") is not None:
        names = (suite, case.get("classname"), case.get("name"))
        tally.failures.append(": ".join(dict.fromkeys(name for name in names if name)))
    elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
        tally.skipped += 1
    else:
        tally.passed += 1


def main(arguments: list[str]) -> int:
    folder, *suites = arguments
    total = Tally()
    for word in suites:
        suite, code = word.split("=")
        total += read_suite(Path(folder), suite, int(code))
    for failure in total.failures:
        print(f"failed: {failure}")
    if not (total.passed or total.failures or total.skipped):
        print("no test has that name")
        return 1
    print(total)
    return 1 if total.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
