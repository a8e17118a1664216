"""Changes one line at a time and says which changes no unit test of the layer notices.

usage: ./dev mutate [FILE...] [--seed N] [--count N] [--jobs N]

Without files: those of files.txt, which decide. Exit code 1 when more than 10 % survive.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from mutations import Mutant, mutants
from unit_build import ROOT, Outcome, UnitBuild

HERE = Path(__file__).resolve().parent
SURVIVORS_MAX = 0.10


@dataclass
class Result:
    counts: Counter[str] = field(default_factory=Counter)
    survivors: list[Mutant] = field(default_factory=list)

    def add(self, mutant: Mutant, outcome: Outcome, equivalent: set[str]) -> None:
        is_equivalent = outcome.kind == "survived" and key_of(mutant) in equivalent
        kind = "equivalent" if is_equivalent else outcome.kind
        self.counts[kind] += 1
        if kind == "survived":
            self.survivors.append(mutant)

    @property
    def judged(self) -> int:
        return self.counts["killed"] + self.counts["survived"]

    @property
    def is_good(self) -> bool:
        return self.judged > 0 and self.counts["survived"] <= SURVIVORS_MAX * self.judged


def key_of(mutant: Mutant) -> str:
    """By the text, as line numbers change."""
    return f"{mutant.path}: {mutant.before.strip()} => {mutant.after.strip()}".rstrip()


def read_equivalent(text: str) -> set[str]:
    """Mutants that no test can tell from the original. Each has its reason in the indented lines below."""
    keys: set[str] = set()
    last = ""
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if not line.startswith(" "):
            if last:
                raise ValueError(f"equivalent.txt gives no reason: {last}")
            last = line.rstrip()
            keys.add(last)
        else:
            last = ""
    if last:
        raise ValueError(f"equivalent.txt gives no reason: {last}")
    return keys


def choose(all_mutants: list[Mutant], seed: int, count: int) -> dict[str, tuple[int, list[Mutant]]]:
    """By file: how many to judge, and all of it in a random order, since some do not compile."""
    shuffled = list(all_mutants)
    random.Random(seed).shuffle(shuffled)
    quota = Counter(mutant.path for mutant in shuffled[:count])
    return {path: (quota[path], [m for m in shuffled if m.path == path]) for path in sorted(quota)}


def judge(
    build: UnitBuild, path: str, candidates: list[Mutant], quota: int, jobs: int
) -> Iterator[tuple[Mutant, Outcome]]:
    text = (ROOT / path).read_text()
    with tempfile.TemporaryDirectory(prefix="bemi-mutate-") as name, ThreadPoolExecutor(jobs) as pool:
        folder = Path(name)
        compiler = build.prepare(path, folder)
        if build.try_source(compiler, path, text, folder / "itself").kind != "survived":
            raise RuntimeError(f"the tests of {path} fail without any change")

        def one(number: int) -> Outcome:
            own = folder / str(number)
            outcome = build.try_source(compiler, path, candidates[number].apply(text), own)
            shutil.rmtree(own, ignore_errors=True)
            return outcome

        judged = at = 0
        while judged < quota and at < len(candidates):
            batch = range(at, min(at + quota - judged, len(candidates)))
            at = batch.stop
            for number, outcome in zip(batch, pool.map(one, batch), strict=True):
                judged += outcome.kind != "does not compile"
                yield candidates[number], outcome


def say(line: str, is_passing: bool = False) -> None:
    """A passing line is overwritten by the next, and only said on a terminal."""
    if sys.stderr.isatty():
        print("\r\033[K" + line, end="" if is_passing else "\n", file=sys.stderr, flush=True)
    elif not is_passing:
        print(line, file=sys.stderr, flush=True)


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev mutate", description=__doc__)
    parser.add_argument("files", nargs="*", metavar="FILE")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--jobs", type=int, default=2)
    return parser.parse_args(arguments)


def chosen_files(files: list[str]) -> list[str]:
    if files:
        return [str(Path(name).resolve().relative_to(ROOT)) for name in files]
    lines = (HERE / "files.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def main(arguments: list[str]) -> int:
    asked = parse(arguments)
    equivalent = read_equivalent((HERE / "equivalent.txt").read_text())
    found = [m for path in chosen_files(asked.files) for m in mutants(path, (ROOT / path).read_text())]
    plan = choose(found, asked.seed, asked.count)
    say(f"seed {asked.seed}: {min(asked.count, len(found))} of {len(found)} mutants in {len(plan)} files")
    build = UnitBuild(plan)
    result = Result()
    for path, (quota, candidates) in plan.items():
        before = Counter(result.counts)
        for mutant, outcome in judge(build, path, candidates, quota, asked.jobs):
            result.add(mutant, outcome, equivalent)
            say(f"{path}: {dict(result.counts - before)}", is_passing=True)
        say(f"{path}: " + ", ".join(f"{n} {kind}" for kind, n in sorted((result.counts - before).items())))
    for mutant in sorted(result.survivors, key=lambda m: (m.path, m.line)):
        print(f"survived: {mutant}")
    share = 100 * result.counts["survived"] / max(result.judged, 1)
    print(
        f"seed {asked.seed}: {result.judged} mutants judged, {result.counts['survived']} survived "
        f"({share:.1f} %); {result.counts['equivalent']} equivalent, "
        f"{result.counts['does not compile']} did not compile"
    )
    return 0 if result.is_good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
