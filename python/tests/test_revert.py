"""Undoing from Python, by the real program."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conftest import Tracked, insert_item
from sqlalchemy import Engine, text
from support.bemi import binary

import bemi
from bemi.revert import create_mark, delete_mark, roll_back_to_mark


@pytest.fixture(autouse=True)
def program(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("BEMI_BINARY", str(binary()))
    yield


def test_a_request_is_undone_and_done_again(engine: Engine, newest: Tracked) -> None:
    with bemi.context(request_id="r-1"):
        insert_item(engine, 1)
        with engine.begin() as connection:
            connection.execute(text("UPDATE item SET name = 'b'"))
    plan = bemi.plan_revert(context={"request_id": "r-1"}, source=newest.url)
    assert plan.applicable and plan.rows == 1 and plan.conflicts == []
    assert "delete from" in plan.sql()
    transaction = plan.apply()
    assert newest.sql("select * from item") == []
    again = bemi.plan_revert(transaction=transaction, source=str(newest.url))
    assert again.apply() is not None and newest.sql("select * from item") == [(1, "b")]


def test_a_conflict_is_in_the_plan_and_keeps_it_from_being_applied(engine: Engine, newest: Tracked) -> None:
    insert_item(engine, 1)
    [(since,)] = newest.sql("select clock_timestamp()::text")  # other tests have a user 42 as well
    with bemi.context(user_id=42), engine.begin() as connection:
        connection.execute(text("UPDATE item SET name = 'b'"))
    with bemi.context(user_id=7), engine.begin() as connection:
        connection.execute(text("UPDATE item SET name = 'c'"))
    plan = bemi.plan_revert(context={"user_id": 42}, table="item", since=since, source=newest.url)
    assert not plan.applicable
    assert plan.conflicts[0]["later"]["context"]["user_id"] == 7
    with pytest.raises(bemi.RevertError, match="in conflict"):
        plan.apply()


def test_the_program_s_words_are_the_error_s(newest: Tracked, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(bemi.RevertError, match="nothing says which changes"):
        bemi.plan_revert(source=newest.url)
    monkeypatch.delenv("BEMI_BINARY")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(bemi.RevertError, match="no program bemi"):
        bemi.plan_revert(transaction=1)


def test_a_mark_and_back(engine: Engine, newest: Tracked) -> None:
    create_mark("here", source=newest.url)
    insert_item(engine, 1)
    roll_back_to_mark("here", source=newest.url)
    assert newest.sql("select * from item") == []
    delete_mark("here", source=newest.url)
