"""The harness itself, on a script in the place of the binary."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.bemi import BemiError, Worker, bemi

SCRIPT = """#!/bin/sh
case $1 in
  run) echo "info streaming shop from 0/1" >&2; trap 'echo bye >&2; exit 0' TERM
    while :; do sleep 0.05; done ;;
  env) env ;;
  *) echo "bemi: no such command" >&2; exit 2 ;;
esac
"""


@pytest.fixture(autouse=True)
def _script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "bemi"
    script.write_text(SCRIPT)
    script.chmod(0o755)
    monkeypatch.setenv("BEMI_BINARY", str(script))


def test_a_worker_is_awaited_measured_and_asked_to_end(tmp_path: Path) -> None:
    with Worker.start(log_file=tmp_path / "worker.log") as worker:
        worker.wait_ready()
        assert worker.rss_peak_kb() > 0
        assert worker.cpu_seconds() >= 0
        assert worker.terminate(timeout=10) == 0
    assert worker.lines() == ["info streaming shop from 0/1", "bye"]


def test_a_worker_is_not_taken_for_the_one_before_it(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    with Worker.start(log_file=log) as first:
        first.wait_ready()
    second = Worker.start(command="nonsense", log_file=log)
    with pytest.raises(BemiError, match="no such command"):
        second.wait_ready()


def test_a_worker_that_ends_early_tells_its_last_words(tmp_path: Path) -> None:
    worker = Worker.start(command="nonsense", log_file=tmp_path / "worker.log")
    with pytest.raises(BemiError, match="no such command"):
        worker.wait_ready()


def test_a_killed_worker_is_gone(tmp_path: Path) -> None:
    worker = Worker.start(log_file=tmp_path / "worker.log").wait_ready()
    worker.kill9()
    assert not worker.is_running


def test_a_failed_command_fails_the_test_unless_expected() -> None:
    with pytest.raises(BemiError, match="no such command"):
        bemi("nonsense")
    assert bemi("nonsense", check=False).returncode == 2


def test_a_command_sees_only_the_environment_it_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BEMI_SOURCE_URL", "the developer's own")
    monkeypatch.setenv("PGPASSWORD", "secret")
    seen = bemi("env", env={"BEMI_SOURCE": "shop"}).stdout
    assert "BEMI_SOURCE=shop" in seen
    assert "developer" not in seen
    assert "secret" not in seen
