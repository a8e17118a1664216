"""A history that grows: partitions are made ahead, sealed, archived, dropped and restored. The source's clock
was set back for its first months, so that what is old is old by its own commit times."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from e2e.oracle import COMMIT_ORDER, history, live_rows, replayed_rows, sync
from support.bemi import BemiError, bemi
from support.clock import at
from support.fixtures import StartWorker
from support.postgres import Server, available

SCHEMA = "create table item (id int primary key, name text); create table log (id int primary key, line text)"


@dataclass
class Old:
    """A history whose months are long ago, two months ago, and now."""

    source: Server
    destination: Server

    @property
    def source_url(self) -> str:
        return self.source.url("app")

    @property
    def url(self) -> str:
        return self.destination.url("history")

    @property
    def env(self) -> dict[str, str]:
        return {"BEMI_SOURCE_URL": self.source_url, "BEMI_DESTINATION_URL": self.url}

    def sql(self, statement: str, *params: object) -> list[tuple[object, ...]]:
        return self.destination.sql(statement, *params, dbname="history")

    def do(self, statement: str) -> None:
        self.source.sql(statement, dbname="app")

    def move_clock(self, offset: str) -> None:
        sync(self.source_url, self.url)
        self.source.stop()
        self.source.env = at(offset)
        self.source.launch()

    def maintain(self, *flags: str) -> str:
        return bemi("maintain", *flags, env=self.env).stdout

    def windows(self, which: str = "true") -> list[str]:
        return [str(name) for (name,) in self.sql(f"select name from _bemi.window where {which}")]

    def rows(self, table: str = "changes") -> list[str]:
        with psycopg.connect(self.url) as connection:
            found = connection.execute(f"select t::text from {table} t {COMMIT_ORDER}".encode())
            return [row for (row,) in found]


@contextmanager
def aged(major: int, start_worker: StartWorker, rounds: int = 1) -> Iterator[Old]:
    with Server.start(major) as source, Server.start(major) as destination:
        source.create_database("app")
        destination.create_database("history")
        old = Old(source, destination)
        source.stop()
        source.env = at("-100d")
        source.launch()
        old.do(SCHEMA)
        worker = start_worker(env=old.env).wait_ready()
        old.do("insert into item select i, 'first' from generate_series(1, 50) i")
        old.do("insert into log select i, 'line' from generate_series(1, 500) i")
        old.do("update item set name = 'second' where id <= 40")
        old.move_clock("-40d")
        for number in range(rounds):
            old.do(f"update item set name = 'third {number}' where id <= 20")
        old.do("delete from item where id in (5, 45)")
        old.move_clock("+0d")
        old.do("update item set name = E'fo\\turth\\\\' where id <= 10")
        sync(old.source_url, old.url)
        assert worker.is_running
        yield old


OLDEST_AND_NEWEST = [available()[0], available()[-1]]


@pytest.fixture(params=OLDEST_AND_NEWEST)
def old(request: pytest.FixtureRequest, start_worker: StartWorker) -> Iterator[Old]:
    with aged(request.param, start_worker) as old:
        yield old


def test_windows_are_made_ahead_and_closed_ones_sealed(old: Old) -> None:
    closed = old.windows("closed")
    assert len(closed) == 2 and old.windows("sealed") == []
    said = old.maintain("--dry-run")
    assert "would make" in said and "would seal" in said and old.windows("sealed") == []
    old.maintain()
    assert old.windows("sealed") == closed
    assert old.sql('select "window" from _bemi.listed_window order by from_time') == [
        (name,) for name in closed
    ]
    [[ahead]] = old.sql("select count(*) from _bemi.window where from_time > now()")
    assert ahead == 1
    plan = old.sql("explain (costs off) select * from changes where committed_at > '2100-01-01'")
    assert not any(name in str(line) for name in closed for line in plan), "the commit time prunes too"
    assert old.maintain().strip() == "nothing to do"


INDEX_SIZES = """
select i.indexrelid::regclass::text, i.indexrelid::bigint, pg_relation_size(i.indexrelid), i.indisvalid
from pg_index i where i.indrelid = %s::regclass order by 1
"""


@pytest.mark.parametrize("major", OLDEST_AND_NEWEST)
def test_indexes_of_a_closed_window_are_packed(major: int, start_worker: StartWorker) -> None:
    """What was inserted by chance into half empty pages is built anew, once; and what a killed try left goes."""
    with aged(major, start_worker, rounds=400) as old:
        busy = old.windows("closed")[1]
        before = old.sql(INDEX_SIZES, busy)
        rows = old.rows(busy)
        assert f"would pack {busy}" in " ".join(old.maintain("--dry-run").split())
        assert old.sql(INDEX_SIZES, busy) == before
        cut_short = f"{busy}_context_idx_ccnew"
        old.sql(f"create index {cut_short} on {busy} using gin (context jsonb_path_ops)")
        old.sql("update pg_index set indisvalid = false where indexrelid = %s::regclass", cut_short)
        assert "pack" in old.maintain()
        after = old.sql(INDEX_SIZES, busy)
        assert [name for name, *_ in after] == [name for name, *_ in before] and all(row[3] for row in after)
        shrunk = [
            str(loose[0])
            for loose, packed in zip(before, after, strict=True)
            if packed[1] != loose[1] and int(str(packed[2])) < int(str(loose[2]))
        ]
        assert any("primary_key" in name for name in shrunk)
        assert old.rows(busy) == rows and old.maintain().strip() == "nothing to do"
        [[record]] = old.sql(
            f"select count(*) from {busy} where \"table\" = 'item' and primary_key = '7' and operation = 'UPDATE'"
        )
        assert record == 400
        plan = str(old.sql("explain select * from changes where \"table\" = 'item' and primary_key = '7'"))
        assert f"{busy}_table_primary_key" in plan


@pytest.mark.parametrize("major", OLDEST_AND_NEWEST)
def test_a_busy_table_gets_a_checkpoint(major: int, start_worker: StartWorker) -> None:
    """Later questions begin there, and look into no older partition."""
    with aged(major, start_worker, rounds=100) as old:
        moment = str(now(old))
        old.do("insert into log values (501, 'later')")
        sync(old.source_url, old.url)
        old.sql("select bemi.refresh_time_travel()")
        ask = "'item', %s, null, true, true"
        assert old.sql(f"select way from _bemi.plan_rows(_bemi.find_place({ask}))", moment) == [("keys",)]
        older, busy = old.windows("closed")
        assert f"would checkpoint {busy}" in " ".join(old.maintain("--dry-run").split())
        said = old.maintain()
        assert "checkpoint" in said and "public.item" in said and "public.log" not in said
        assert old.maintain().strip() == "nothing to do"
        explained = str(old.sql(f"select * from bemi.explain_as_of({ask})", moment))
        assert "a checkpoint of" in explained and "forward over all its changes" in explained
        for window in (older, busy):  # neither is needed for it
            old.sql(f"alter table changes detach partition {window}")
        found = bemi("as-of", moment, "item", "--format", "json", "--allow-stale", env=old.env).stdout
        assert sorted(canonical_lines(found)) == live_rows(old.source_url, "item")


def test_a_closed_window_is_archived_and_can_be_read_without_bemi(old: Old, tmp_path: Path) -> None:
    before = {name: old.rows(name) for name in old.windows("closed")}
    old.maintain("--archive", str(tmp_path))
    files = sorted(tmp_path.glob("changes*"))
    assert [file.name for file in files] == [f"{name}.copy.zst" for name in before]
    for file, (name, rows) in zip(files, before.items(), strict=True):
        text = subprocess.run(["zstd", "-dc", file], check=True, capture_output=True).stdout
        header, copied = text.split(b"\n", 1)
        said = json.loads(header)
        assert said["rows"] == len(rows) and said["window"] == name
        with psycopg.connect(old.url) as connection:
            connection.execute("create temp table again (like changes)")
            with connection.cursor().copy(f"copy again ({said['columns']}) from stdin".encode()) as copy:
                copy.write(copied)
            again = connection.execute(f"select t::text from again t {COMMIT_ORDER}".encode()).fetchall()
            assert [row for (row,) in again] == rows
    listed = bemi("archive", "list", str(tmp_path), "--format", "json", env=old.env).stdout.splitlines()
    assert [json.loads(line)["rows"] for line in listed] == [len(rows) for rows in before.values()]
    assert old.maintain("--archive", str(tmp_path)).strip() == "nothing to do"
    found = bemi(
        *("changes", "--archive", str(files[0]), "--table", "item", "--primary-key", "7", "--format", "json"),
        env=old.env,
    ).stdout.splitlines()
    assert [json.loads(line)["after"]["name"] for line in found] == ["first", "second"]


def test_a_dropped_partition_leaves_each_rows_last_version(old: Old, tmp_path: Path) -> None:
    archive = ("--archive", str(tmp_path))
    oldest = old.windows("closed")[0]
    old.sql(f"update {oldest} set context_verified = sequence % 2 = 0 where sequence < 2")
    rows = old.rows(oldest)
    said = old.maintain("--retention", "60 days", *archive)
    assert f"drop     {oldest}" in said
    assert oldest not in old.windows()
    for table in ("item", "log"):
        found = bemi("as-of", str(now(old)), table, "--format", "json", "--allow-stale", env=old.env).stdout
        assert sorted(canonical_lines(found)) == live_rows(old.source_url, table)
    [[untouched]] = old.sql("select count(*) from bemi.history('item', '50')")
    assert untouched == 1, "it was not changed since, and is still known"
    with pytest.raises(BemiError, match=r"begins|known|before"):
        bemi("as-of", "2000-01-01", "item", env=old.env)
    [file] = tmp_path.glob(f"{oldest}*")
    bemi("archive", "restore", str(file), env=old.env)
    old.maintain("--retention", "60 days", *archive)
    assert old.rows(oldest) == rows, "what was restored is kept"
    assert old.maintain("--retention", "60 days", *archive).strip() == "nothing to do"
    bemi("archive", "drop", oldest, env=old.env)
    assert oldest not in old.windows()
    old.do("update item set name = 'fifth' where id = 50")
    sync(old.source_url, old.url)
    [[name]] = old.sql(
        "select before ->> 'name' from changes where primary_key = '50' and operation = 'UPDATE'"
    )
    assert name == "first"


# In the month after the oldest one: a change and, once sealed, nothing before it.
NEIGHBOUR = """
insert into changes (id, source, database, schema, "table", primary_key, operation, before, after, context,
                     committed_at, effective_at, queued_at, transaction_id, position, epoch, commit_position, sequence)
select gen_random_uuid(), source, database, schema, "table", primary_key, 'UPDATE', after, after, '{}', t, t, t,
       transaction_id, position, epoch, commit_position, 1000
from (select c.*, w.to_time + interval '3 days' as t from changes c join _bemi.window w on w.name = %s
      where c."table" = 'item' and c.operation = 'UPDATE' and c.effective_at < w.to_time
      order by c.effective_at desc, c.sequence desc limit 1) c
"""


def test_a_sealed_partition_takes_the_rows_of_the_one_before_it(old: Old) -> None:
    oldest = old.windows("closed")[0]
    old.sql("select _bemi.make_partition(to_time) from _bemi.window where name = %s", oldest)
    old.sql(NEIGHBOUR, oldest)
    old.maintain()
    neighbour = old.windows("sealed")[1]
    [[due]] = old.sql(
        "select (now() - to_time - interval '1 day')::text from _bemi.window where name = %s", oldest
    )
    said = old.maintain("--retention", str(due))
    assert f"drop     {oldest}" in said
    assert old.windows("sealed")[0] != neighbour
    old.maintain("--retention", str(due))
    assert old.windows("sealed")[0] == neighbour
    assert (neighbour,) in old.sql('select "window" from _bemi.listed_window')
    found = bemi("as-of", str(now(old)), "log", "--format", "json", "--allow-stale", env=old.env).stdout
    assert sorted(canonical_lines(found)) == live_rows(old.source_url, "log")
    assert old.sql("select operation from bemi.history('log', '7')") == [("SNAPSHOT",)]


def test_a_drop_that_was_cut_short_is_ended(old: Old) -> None:
    """After the note, and after the detaching; by hand, as a killed one leaves them."""
    oldest = old.windows("closed")[0]
    note = (
        'insert into _bemi.dropped_window ("window", from_time, to_time) select name, from_time, to_time from'
    )
    old.sql(f"{note} _bemi.window where name = %s", oldest)
    old.maintain()
    assert oldest in old.windows(), "only noted: nothing was done yet"
    old.sql(f"alter table changes detach partition {oldest} concurrently")
    assert f"drop     {oldest}" in old.maintain()
    assert old.sql("select to_regclass(%s)", oldest) == [(None,)]
    assert old.maintain().strip() == "nothing to do"


def test_one_table_is_kept_less_long(old: Old) -> None:
    count = "select count(*) from changes where \"table\" = %s and operation = 'CREATE'"
    [[items]] = old.sql(count, "item")
    old.maintain("--retention", "log=60d")
    assert old.sql(count, "log") == [(0,)]
    assert old.sql(count, "item") == [(items,)]
    found = bemi("as-of", str(now(old)), "log", "--format", "json", "--allow-stale", env=old.env).stdout
    assert sorted(canonical_lines(found)) == live_rows(old.source_url, "log")


def test_a_damaged_archive_is_refused(old: Old, tmp_path: Path) -> None:
    old.maintain("--archive", str(tmp_path))
    file = min(tmp_path.glob("changes*"))
    window = file.name.removesuffix(".copy.zst")
    old.sql(f"alter table changes detach partition {window}")
    old.sql(f"drop table {window}")
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])
    with pytest.raises(BemiError, match="damaged"):
        bemi("archive", "restore", str(file), env=old.env)
    file.write_bytes(
        whole[: len(whole) // 2] + bytes([whole[len(whole) // 2] ^ 1]) + whole[len(whole) // 2 + 1 :]
    )
    with pytest.raises(BemiError):
        bemi("archive", "restore", str(file), env=old.env)
    file.write_text("a letter")
    with pytest.raises(BemiError, match="archive"):
        bemi("archive", "restore", str(file), env=old.env)
    assert window not in old.windows()
    file.write_bytes(whole)
    bemi("archive", "restore", str(file), env=old.env)
    with pytest.raises(BemiError, match="already"):
        bemi("archive", "restore", str(file), env=old.env)
    assert replayed_rows(history(old.url), "item") == live_rows(old.source_url, "item")


def test_a_wrong_retention_is_refused(old: Old) -> None:
    with pytest.raises(BemiError, match="soon"):
        old.maintain("--retention", "soon")
    with pytest.raises(BemiError, match="Directory"):
        old.maintain("--archive", "/nowhere")


def now(old: Old) -> object:
    return old.sql("select clock_timestamp()")[0][0]


def canonical_lines(text: str) -> list[str]:
    return [json.dumps(json.loads(line), sort_keys=True) for line in text.splitlines()]
