"""bemi.revert_sql: the script that SQL alone makes of the history, run by psql on the source."""

from __future__ import annotations

import os
import subprocess

import psycopg
import pytest

from e2e.oracle import sync
from e2e.test_revert_model import Story
from e2e.test_revert_values import ROWS, TYPES
from e2e.undo import Undo
from support.fixtures import Database, StartWorker
from support.seeds import printed_seed

oldest_and_newest = pytest.mark.parametrize("server", [14, 18], indirect=True, ids=["pg14", "pg18"])
USER = "context => '{\"user_id\": 42}'"


@pytest.fixture
def undo(database: Database, start_worker: StartWorker) -> Undo:
    start_worker().wait_ready()
    return Undo(database)


def script(undo: Undo, arguments: str = USER) -> str:
    sync(undo.database.url)
    [(text,)] = undo.database.sql(f"select bemi.revert_sql({arguments})")
    return str(text)


def run(undo: Undo, sql: str) -> subprocess.CompletedProcess[str]:
    command = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", undo.database.url, "-f", "-"]
    env = {"PATH": os.environ["PATH"]}
    return subprocess.run(command, input=sql, capture_output=True, text=True, check=False, env=env)


def undone_by_both(undo: Undo, tables: tuple[str, ...], arguments: str = USER, *flags: str) -> None:
    """The script and `bemi revert --apply` leave the same, and each can be taken back."""
    after = [undo.rows(t) for t in tables]
    done = run(undo, script(undo, arguments))
    assert done.returncode == 0, done.stderr
    by_script = [undo.rows(t) for t in tables]
    redone = undo.run("redo", "--apply")
    assert redone.returncode == 0, redone.stderr
    assert [undo.rows(t) for t in tables] == after
    undo.apply(*(flags or ("--context", "user_id=42")))
    assert [undo.rows(t) for t in tables] == by_script


@oldest_and_newest
def test_it_does_what_revert_does(undo: Undo) -> None:
    undo.database.sql(
        "create table parent (id int primary key, name text, next int references parent);"
        "create table child (id int primary key, parent_id int references parent on delete cascade, n int);"
        "create table loose (v int, w text);"
        'create table "Od""d $bemi_undo$" ("n" int primary key, "a\'b\\c" text, "select" json, "r" int)'
    )
    odd = '"Od""d $bemi_undo$"'
    undo.as_user(1, "insert into parent values (1, 'a', null), (2, 'b', 1), (3, 'c', 2)")
    undo.as_user(1, "insert into child values (1, 1, 1), (2, 2, 2), (3, 3, 3)")
    undo.as_user(1, "insert into loose values (1, 'x'), (1, 'x'), (2, null)")
    undo.as_user(
        1,
        f"insert into {odd} values (1, E'back\\\\slash \\'q\\'', '{{\"a\": 1.50}}', 1), (2, null, 'null', 2)",
    )
    tables = ("parent", "child", "loose", odd)
    before = [undo.rows(t) for t in tables]
    undo.as_user(42, "insert into parent values (9, 'z', 9)", "insert into child values (9, 9, 9)")
    undo.as_user(42, "delete from parent where id = 3", "update child set n = 20 where id = 2")
    undo.as_user(42, "insert into loose values (1, 'x')", "delete from loose where v = 2")
    undo.as_user(42, f'update {odd} set "a\'b\\c" = null, "select" = null', f"delete from {odd} where n = 2")
    undo.as_user(7, "update parent set name = 'by seven' where id = 1")
    before[0] = [row.replace("(1,a,", '(1,"by seven",') for row in before[0]]
    undone_by_both(undo, tables)
    assert [undo.rows(t) for t in tables] == sorted(before[:1]) + before[1:]


@oldest_and_newest
def test_every_type_comes_back_to_the_last_letter(undo: Undo) -> None:
    undo.database.sql(TYPES)
    undo.as_user(1, *[f"insert into val values {row}" for row in ROWS[:2]], "insert into val (id) values (3)")
    before = undo.rows("val")
    [(columns,)] = undo.database.sql(
        "select string_agg(format('%I = null', attname), ', ') from pg_attribute"
        " where attrelid = 'val'::regclass and attnum > 1"
    )
    undo.as_user(42, f"update val set {columns} where id = 1", "delete from val where id = 2")
    undo.as_user(42, "update val set v_json = '1', v_hstore = 'x=>y', v_ints = '{1}' where id = 3")
    undone_by_both(undo, ("val",))
    assert undo.rows("val") == before


def test_others_columns_are_kept_and_their_later_ones_stop_it(undo: Undo) -> None:
    undo.database.sql("create table todo (id int primary key, task text, done bool default false, n int)")
    undo.as_user(1, "insert into todo values (1, 'a'), (2, 'b'), (3, 'c')")
    undo.as_user(42, "update todo set task = 'x'")
    undo.as_user(7, "update todo set done = true where id = 1", "update todo set task = 'y' where id = 2")
    undo.as_user(42, "update todo set task = 'z' where id = 2", "update todo set n = 1 where id = 3")
    undo.as_user(42, "delete from todo where id = 1")
    undone_by_both(undo, ("todo",))
    assert undo.rows("todo") == ["(1,a,t,)", "(2,y,f,)", "(3,c,f,)"]
    undo.as_user(42, "update todo set task = 'again' where id = 1")
    undo.as_user(7, "update todo set task = 'later' where id = 1")
    with pytest.raises(
        psycopg.errors.ObjectNotInPrerequisiteState, match=r"row 1 of public.todo is in conflict"
    ):
        script(undo)


@oldest_and_newest
@pytest.mark.parametrize(
    ("meanwhile", "words"),
    [
        ("update todo set task = 'later' where id = 1", "row 1 of public.todo is not as it was in task"),
        ("delete from todo where id = 1", "row 1 of public.todo is not as it was"),
        ("insert into todo values (2, 'other')", "row 2 of public.todo is there already"),
        (
            "insert into note values (1, 3)",
            "rows of only public.note refer to row 3, which would go (note_todo_fkey)",
        ),
        ("alter table todo rename task to title", "has no column task any more"),
        ("drop table note; drop table todo", "the table public.todo is not there"),
    ],
)
def test_it_stops_where_a_row_was_changed_since(undo: Undo, meanwhile: str, words: str) -> None:
    undo.database.sql(
        "create table todo (id int primary key, task text);"
        "create table note (id int primary key, todo int references todo on delete cascade)"
    )
    undo.as_user(1, "insert into todo values (1, 'a'), (2, 'b')")
    undo.as_user(42, "update todo set task = 'x' where id = 1", "delete from todo where id = 2")
    undo.as_user(42, "insert into todo values (3, 'mine')")
    made = script(undo)
    undo.database.sql(meanwhile)
    gone = "drop" in meanwhile
    after = [] if gone else undo.rows("todo")
    done = run(undo, made)
    assert done.returncode != 0 and words in done.stderr, done.stderr
    assert gone or undo.rows("todo") == after


def test_filters_and_refusals(undo: Undo) -> None:
    undo.database.sql(
        "create table todo (id int primary key, task text); create table other (id int primary key)"
    )
    undo.as_user(1, "insert into todo select i, 'a' from generate_series(1, 9) i")
    before = undo.rows("todo")
    transaction = undo.as_user(42, "update todo set task = 'b' where id < 5", "insert into other values (1)")
    sync(undo.database.url)
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="nothing says which"):
        undo.database.sql("select bemi.revert_sql()")
    with pytest.raises(psycopg.errors.ProgramLimitExceeded, match="more than 3 rows"):
        undo.database.sql(f"select bemi.revert_sql(transaction => {transaction}, max_rows => 3)")
    made = script(
        undo, f"transaction => {transaction}, table_name => 'todo', actor => 'ann', reason => 'a slip'"
    )
    assert run(undo, made).returncode == 0
    assert undo.rows("todo") == before and undo.rows("other") == ["(1)"]
    sync(undo.database.url)
    [(context,)] = undo.database.sql("select distinct context from changes where context ? 'revert_of'")
    assert context == {"revert_of": [transaction], "actor": "ann", "reason": "a slip"}
    assert "insert into pg_temp._bemi_undo" not in script(
        undo, f"transaction => {transaction}, table_name => 'todo'"
    )
    undo.as_user(42, "update todo set id = 100 where id = 1")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="changed their keys"):
        script(undo)


@oldest_and_newest
def test_a_truncate_is_undone_from_the_history(undo: Undo) -> None:
    undo.database.sql("create table todo (id int primary key, task text); create table loose (v int)")
    undo.as_user(
        1, "insert into todo select i, 'a' from generate_series(1, 20) i", "insert into loose values (1), (1)"
    )
    before = [undo.rows("todo"), undo.rows("loose")]
    undo.as_user(42, "truncate todo, loose")
    undone_by_both(undo, ("todo", "loose"))
    assert [undo.rows("todo"), undo.rows("loose")] == before


def check(undo: Undo, story: Story, batch: int) -> str:
    """One selection of the model: a script does what is right, or it stops and does nothing."""
    real, real_loose = story.world(), story.loose_rows()
    try:
        made = script(undo, f'context => \'{{"user_id": 42, "batch": {batch}}}\'')
    except psycopg.errors.ObjectNotInPrerequisiteState:
        return "refused"
    flags = ["--context", "user_id=42", "--context", f"batch={batch}"]
    plan = undo.plan(*flags)
    done = run(undo, made)
    if done.returncode != 0:
        assert (story.world(), story.loose_rows()) == (real, real_loose)
        return "stopped"
    assert plan["applicable"], (plan["conflicts"], made)
    assert story.world() == story.world_without(42, batch), made
    assert story.loose_rows() == story.loose_without(42, batch, real_loose.copy())
    if (story.world(), story.loose_rows()) == (real, real_loose):
        return "nothing"
    assert undo.run("redo", "--apply").returncode == 0
    assert (story.world(), story.loose_rows()) == (real, real_loose)
    return "undone"


@oldest_and_newest
@pytest.mark.parametrize("round_", range(int(os.environ.get("BEMI_TEST_ROUNDS", "2"))))
def test_random_work_is_undone_rightly_or_not_at_all(
    database: Database, start_worker: StartWorker, round_: int
) -> None:
    seed = printed_seed() + round_
    story = Story(database, seed)
    start_worker().wait_ready()
    undo = Undo(database)
    story.run(20)
    print([check(undo, story, batch) for batch in (1, 2, 3)])
