"""A short history to ask for."""

from __future__ import annotations

from support.bemi import bemi
from support.postgres import Server

KEY = "a key that is long enough to be one, and secret"
SCHEMA = "create table todo (id int primary key, task text, is_completed bool default false)"


def fill(server: Server, database: str, url: str) -> None:
    for number in range(20):
        message = f'{{"user_id": {number % 3}, "endpoint": "/todo"}}'
        server.sql(
            f"select pg_logical_emit_message(true, '_bemi', '{message}'); "
            f"insert into todo values ({number}, 'task {number}'); update todo set task = 'done' where id = {number}",
            dbname=database,
        )
    bemi("sync", env={"BEMI_SOURCE_URL": url})
