"""Undoing: which rows and values go back, and what is in the way."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import psycopg
import pytest

from e2e.oracle import sync
from e2e.undo import Undo, conflicts
from support.bemi import Worker, bemi
from support.fixtures import Database, StartWorker, oldest_and_newest

USER = ("--context", "user_id=42")


@pytest.fixture
def undo(database: Database, start_worker: StartWorker) -> Undo:
    database.sql("create table todo (id int primary key, task text, done bool default false)")
    start_worker().wait_ready()
    return Undo(database)


@oldest_and_newest
def test_inserts_updates_and_deletes_of_a_user_are_undone(undo: Undo) -> None:
    undo.as_user(1, "insert into todo values (1, 'Walk'), (2, 'Sleep'), (3, 'Eat')")
    before = undo.rows("todo")
    undo.as_user(42, "update todo set task = 'Run' where id = 1", "delete from todo where id = 2")
    undo.as_user(42, "insert into todo values (4, 'Fly')")
    plan = undo.plan(*USER)
    assert plan["applicable"] and plan["conflicts"] == []
    [table] = plan["tables"]
    assert (table["inserts"], table["updates"], table["deletes"]) == (1, 1, 1)
    assert undo.rows("todo") != before, "a plan changes nothing"
    done = undo.apply(*USER, "--actor", "ann", "--reason", "a slip")
    assert undo.rows("todo") == before
    sync(undo.database.url)
    [(context,)] = undo.database.sql(
        "select distinct context from changes where transaction_id = %s", done["transaction_id"]
    )
    assert context == {"revert_of": plan["transactions"], "actor": "ann", "reason": "a slip"}


def test_a_filter_is_required(undo: Undo) -> None:
    done = undo.run("revert")
    assert done.returncode == 2 and "nothing says which changes" in done.stderr


def test_more_rows_than_allowed_are_refused(undo: Undo) -> None:
    undo.as_user(42, "insert into todo select i, 't' from generate_series(1, 20) i")
    done = undo.run("revert", *USER, "--max-rows", "19")
    assert done.returncode == 1 and "more than 19 rows" in done.stderr
    assert undo.plan(*USER, "--max-rows", "20")["tables"][0]["deletes"] == 20


def test_the_same_column_changed_later_is_a_conflict_with_both_sides(undo: Undo) -> None:
    undo.as_user(1, "insert into todo values (1, 'Walk')")
    undo.as_user(42, "update todo set task = 'Run', done = true")
    later = undo.as_user(7, "update todo set task = 'Swim'")
    plan = undo.plan(*USER)
    [conflict] = plan["conflicts"]
    assert (conflict["kind"], conflict["primary_key"]) == ("overwritten", "1")
    assert conflict["columns"] == [{"column": "task", "ours": "Run", "live": "Swim", "target": "Walk"}]
    assert conflict["later"]["transaction_id"] == later
    assert conflict["later"]["context"] == {"user_id": 7}
    before = undo.rows("todo")
    assert "error" in undo.apply(*USER, expect=1) and undo.rows("todo") == before
    undo.apply(*USER, "--on-conflict", "skip", expect=1)
    assert undo.rows("todo") == before, "the whole row is left out"
    done = undo.apply(*USER, "--on-conflict", "force")
    assert undo.rows("todo") == ["(1,Walk,f)"] and done["applied"]


def test_cascade_undoes_what_others_built_on_it(undo: Undo) -> None:
    undo.as_user(1, "insert into todo values (1, 'Walk')")
    undo.as_user(42, "update todo set task = 'Run'", "insert into todo values (2, 'Mine')")
    undo.as_user(7, "update todo set task = task || '!'")
    undo.as_user(8, "update todo set task = task || '?', done = true where id = 2")
    assert conflicts(undo.plan(*USER)) == [("built_on", "2"), ("overwritten", "1")]
    plan = undo.plan(*USER, "--cascade")
    assert plan["extended"] == 3 and plan["conflicts"] == []
    undo.apply(*USER, "--cascade")
    assert undo.rows("todo") == ["(1,Walk,f)"]


def test_another_column_changed_later_is_kept(undo: Undo) -> None:
    undo.as_user(1, "insert into todo values (1, 'Walk')")
    undo.as_user(42, "update todo set task = 'Run'")
    undo.as_user(7, "update todo set done = true")
    undo.apply(*USER)
    assert undo.rows("todo") == ["(1,Walk,t)"]


def test_a_value_that_others_wrote_between_two_of_ours_comes_back(undo: Undo) -> None:
    undo.as_user(1, "insert into todo values (1, 'a')")
    undo.as_user(42, "update todo set task = 'b'")
    undo.as_user(7, "update todo set task = 'c'")
    undo.as_user(42, "update todo set task = 'd'")
    undo.apply(*USER)
    assert undo.rows("todo") == ["(1,c,f)"]


def test_changes_that_are_undone_already_are_reported_and_left(undo: Undo) -> None:
    undo.as_user(1, "insert into todo values (1, 'Walk'), (2, 'Sleep')")
    undo.as_user(42, "update todo set task = 'Run' where id = 1", "delete from todo where id = 2")
    undo.as_user(42, "insert into todo values (3, 'x')")
    undo.as_user(7, "update todo set task = 'Walk' where id = 1", "insert into todo values (2, 'Sleep')")
    undo.as_user(7, "delete from todo where id = 3")
    plan = undo.plan(*USER)
    assert plan["conflicts"] == [] and plan["tables"][0]["already_undone"] == 3
    assert undo.apply(*USER)["applied"] is False


def test_a_row_deleted_later_or_with_its_key_reused_is_a_conflict(undo: Undo) -> None:
    undo.as_user(1, "insert into todo values (1, 'a'), (2, 'b'), (3, 'c')")
    undo.as_user(42, "update todo set task = 'x' where id in (1, 2)", "delete from todo where id = 3")
    undo.as_user(
        7, "delete from todo where id in (1, 2)", "insert into todo values (2, 'other'), (3, 'other')"
    )
    plan = undo.plan(*USER)
    assert conflicts(plan) == [("deleted", "1"), ("deleted", "2"), ("taken", "3")]
    undo.apply(*USER, "--on-conflict", "force", expect=1)
    assert undo.rows("todo") == ["(2,other,f)", "(3,c,f)"]


def test_insert_and_delete_of_one_row_need_no_statement(undo: Undo) -> None:
    undo.as_user(42, "insert into todo values (1, 'a')", "update todo set task = 'b'", "delete from todo")
    undo.as_user(42, "insert into todo values (2, 'a')")
    undo.as_user(42, "delete from todo")
    plan = undo.plan(*USER)
    assert plan["changes"] == 5
    assert [t["inserts"] + t["updates"] + t["deletes"] for t in plan["tables"]] == [0]


def test_a_hundred_changes_of_one_row_are_one(undo: Undo) -> None:
    undo.as_user(1, "insert into todo values (1, '0')")
    undo.as_user(42, *[f"update todo set task = '{i}'" for i in range(1, 101)])
    assert undo.plan(*USER)["tables"][0]["updates"] == 1
    undo.apply(*USER)
    assert undo.rows("todo") == ["(1,0,f)"]


@oldest_and_newest
def test_the_revert_of_a_revert_restores_and_redo_finds_it(undo: Undo) -> None:
    undo.as_user(1, "insert into todo values (1, 'Walk'), (2, 'Sleep')")
    undo.as_user(42, "update todo set task = 'Run' where id = 1", "delete from todo where id = 2")
    undo.as_user(42, "insert into todo values (3, 'Fly')")
    after = undo.rows("todo")
    undo.apply(*USER)
    before = undo.rows("todo")
    assert undo.apply(*USER)["applied"] is False, "an undone request has nothing left to undo"
    plan = undo.run("redo")
    assert plan.returncode == 0, plan.stderr
    shown = bemi("redo", env={"BEMI_SOURCE_URL": undo.database.url}).stdout
    assert shown.startswith("Redo 3 changes of 1 transaction in ")
    done = undo.run("redo", "--apply")
    assert done.returncode == 0 and undo.rows("todo") == after
    assert "no revert" in undo.run("redo").stderr, "a redo is not to be redone"
    again = undo.apply(*USER)
    assert again["applied"] and undo.rows("todo") == before


@pytest.mark.parametrize("by_script", [False, True], ids=["apply", "script"])
def test_a_part_of_what_is_undone_already_has_nothing_left_to_undo(undo: Undo, by_script: bool) -> None:
    undo.database.sql("create table loose (v int)")
    undo.as_user(1, "insert into todo values (1, 'Walk'), (2, 'Sleep')", "insert into loose values (1)")
    undo.as_user(
        42,
        "update todo set task = 'Run' where id = 1",
        "delete from todo where id = 2",
        "insert into todo values (3, 'Fly')",
        "insert into loose values (2)",
        "delete from loose where v = 1",
    )
    undo.apply(*USER)
    before = [undo.rows("todo"), undo.rows("loose")]
    for part in (
        "operation => 'CREATE'",
        "operation => 'UPDATE'",
        "table_name => 'loose'",
        "operation => 'DELETE'",
    ):
        name, value = part.replace("'", "").split(" => ")
        if by_script:
            sync(undo.database.url)
            [(script,)] = undo.database.sql(
                f"select bemi.revert_sql(context => '{{\"user_id\": 42}}', {part})"
            )
            undo.database.sql(script)
        else:
            assert undo.apply(*USER, f"--{name.removesuffix('_name')}", value)["applied"] is False
        assert [undo.rows("todo"), undo.rows("loose")] == before


def test_a_changed_key_goes_back_and_a_chain_of_them(undo: Undo) -> None:
    undo.as_user(1, "insert into todo values (1, 'a'), (10, 'b')")
    before = undo.rows("todo")
    undo.as_user(42, "update todo set id = 2 where id = 1", "update todo set id = 1 where id = 10")
    undo.as_user(42, "update todo set id = 3 where id = 2")
    undo.as_user(7, "update todo set done = true where id = 3")
    plan = undo.plan(*USER)
    assert plan["conflicts"] == [] and plan["tables"][0]["updates"] == 2
    undo.apply(*USER)
    assert undo.rows("todo") == sorted([before[0].replace("f)", "t)"), before[1]])


@oldest_and_newest
def test_a_truncate_is_undone_from_the_history(undo: Undo) -> None:
    undo.database.sql("create table log (v int, w text)")
    undo.database.sql("create table part (id int references todo, n int, primary key (id, n))")
    undo.as_user(1, "insert into todo select i, 't' || i from generate_series(1, 50) i")
    undo.as_user(1, "insert into part select i, 0 from generate_series(1, 50) i")
    undo.as_user(1, "insert into log values (1, 'a'), (1, 'a'), (2, null)")
    undo.as_user(7, "update todo set task = 'seven' where id = 7", "delete from todo where id = 51")
    tables = ("todo", "part", "log")
    before = [undo.rows(table) for table in tables]
    undo.as_user(42, "truncate todo cascade", "truncate log")
    undo.apply(*USER)
    assert [undo.rows(table) for table in tables] == before


def test_a_truncate_of_others_since_is_a_conflict(undo: Undo) -> None:
    undo.as_user(1, "insert into todo values (1, 'a'), (2, 'b')")
    undo.as_user(42, "update todo set task = 'x' where id = 1", "insert into todo values (3, 'mine')")
    undo.as_user(7, "truncate todo")
    assert conflicts(undo.plan(*USER)) == [("deleted", "1")]


@oldest_and_newest
def test_exactly_one_of_several_equal_rows_without_a_key_is_deleted(undo: Undo) -> None:
    undo.database.sql("create table loose (v int, w text)")
    undo.as_user(1, "insert into loose values (1, 'x'), (1, 'x'), (2, null)")
    before = undo.rows("loose")
    undo.as_user(42, "insert into loose values (1, 'x')", "delete from loose where v = 2")
    undo.as_user(42, "update loose set w = 'y' where ctid = (select min(ctid) from loose where v = 1)")
    plan = undo.plan(*USER)
    assert plan["conflicts"] == []
    undo.apply(*USER)
    assert undo.rows("loose") == before
    undo.as_user(42, "insert into loose values (9, 'z')")
    undo.as_user(7, "update loose set w = 'changed' where v = 9")
    assert conflicts(undo.plan(*USER)) == [("missing", None)]


def test_a_writer_between_plan_and_apply_is_noticed(undo: Undo) -> None:
    undo.as_user(1, "insert into todo values (1, 'Walk')")
    undo.as_user(42, "update todo set task = 'Run'")
    plan = undo.plan(*USER)
    undo.as_user(7, "update todo set task = 'Swim'")
    done = undo.run("revert", *USER, "--apply", plan["digest"])
    assert done.returncode == 1 and "the plan has changed since" in done.stderr
    assert undo.rows("todo") == ["(1,Swim,f)"]


def test_an_open_writer_is_waited_for_and_never_overwritten(undo: Undo) -> None:
    undo.as_user(1, "insert into todo values (1, 'Walk')")
    undo.as_user(42, "update todo set task = 'Run'")
    with psycopg.connect(undo.database.url) as writer:
        writer.execute("update todo set task = 'Swim'")
        results = []
        reverter = threading.Thread(target=lambda: results.append(undo.run("revert", *USER, "--apply")))
        reverter.start()
        waits = (
            "select count(*) from pg_stat_activity"
            " where wait_event_type = 'Lock' and application_name = 'bemi/revert'"
        )
        while undo.database.sql(waits) == [(0,)]:
            time.sleep(0.01)
        writer.commit()
        reverter.join()
    assert results[0].returncode == 1 and "in conflict" in results[0].stderr
    assert undo.rows("todo") == ["(1,Swim,f)"]


def test_two_who_undo_the_same_at_once_undo_it_once(undo: Undo) -> None:
    undo.as_user(1, "insert into todo select i, 'a' from generate_series(1, 200) i")
    undo.as_user(42, "update todo set task = 'b'", "insert into todo values (500, 'x')")
    results: list[int] = []
    threads = [
        threading.Thread(target=lambda: results.append(undo.run("revert", *USER, "--apply").returncode))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results.count(0) >= 1
    assert undo.rows("todo") == sorted(f"({i},a,f)" for i in range(1, 201))


def test_the_script_does_the_same_and_stops_where_a_row_has_changed(undo: Undo, tmp_path: Path) -> None:
    undo.database.sql('create table "Od""d $bemi$" ("n" int primary key, "a\'b\\c" text, "select" json)')
    undo.as_user(1, "insert into todo values (1, E'back\\\\slash \\'quoted\\''), (2, null)")
    undo.as_user(1, "insert into \"Od\"\"d $bemi$\" values (1, 'x', '{\"a\": 1.50}'), (2, null, 'null')")
    tables = ("todo", '"Od""d $bemi$"')
    before = [undo.rows(table) for table in tables]
    undo.as_user(42, "update todo set task = 'x'", 'delete from "Od""d $bemi$" where n = 2')
    undo.as_user(42, 'update "Od""d $bemi$" set "a\'b\\c" = null, "select" = null')
    file = tmp_path / "undo.sql"
    env = {"BEMI_SOURCE_URL": undo.database.url}
    bemi("revert", *USER, "--sql", str(file), env=env)
    after = [undo.rows(table) for table in tables]
    script = file.read_text()
    undo.database.sql("update todo set task = 'later' where id = 2")
    with pytest.raises(psycopg.errors.RaiseException, match="not as they were"):
        undo.database.sql(script)
    undo.database.sql("update todo set task = 'x' where id = 2")
    assert [undo.rows(table) for table in tables] == after
    undo.database.sql(script)
    assert [undo.rows(table) for table in tables] == before


def test_a_killed_revert_leaves_nothing(undo: Undo) -> None:
    undo.as_user(42, "insert into todo select i, 'a' from generate_series(1, 1000) i")
    undo.database.sql(
        "create function slow() returns trigger language plpgsql as $$ begin perform "
        "pg_sleep(0.05); return old; end $$;"
        "create trigger slow before delete on todo for each row execute function slow()"
    )
    worker = Worker.start(
        "--context", "user_id=42", "--apply", command="revert", env={"BEMI_SOURCE_URL": undo.database.url}
    )
    busy = "select pid from pg_stat_activity where application_name = 'bemi/revert' and query like 'with%%'"
    while not undo.database.sql(busy.replace("%%", "%")):
        assert worker.is_running, worker.lines()
        time.sleep(0.01)
    worker.terminate()
    while undo.database.sql("select pid from pg_stat_activity where application_name = 'bemi/revert'"):
        time.sleep(0.01)
    assert len(undo.rows("todo")) == 1000
