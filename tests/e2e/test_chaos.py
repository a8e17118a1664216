"""A short run of `./dev chaos` on each server."""

from __future__ import annotations

from pathlib import Path

import pytest
from chaos.run import run_round

from support.postgres import available
from support.seeds import printed_seed


@pytest.mark.parametrize("major", available())
def test_nothing_is_lost_doubled_or_wrong(major: int, tmp_path: Path) -> None:
    seed = printed_seed()
    one, verdict = run_round(major, seed, seconds=12, home=tmp_path)
    print(verdict.transactions, "transactions,", dict(one.faults))
    assert verdict.good, str(verdict)
    assert verdict.transactions > 20 and one.faults["gave up"] == 0
    assert one.rss_peak_kb < 128 * 1024
