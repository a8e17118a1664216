"""Several source databases in one destination: one trace leads through all of them."""

from __future__ import annotations

import json

import psycopg
import pytest

from e2e.oracle import sync
from support.bemi import Worker, bemi
from support.fixtures import Database, StartWorker

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_a_trace_leads_through_all_sources(database: Database, start_worker: StartWorker) -> None:
    names = [f"{database.name}_{which}" for which in ("shop", "billing")]
    workers: list[Worker] = []
    urls = [database.server.create_database(name) for name in names]
    try:
        for url in urls:
            with psycopg.connect(url) as connection:
                connection.execute("create table todo (id int primary key, task text)")
            env = {"BEMI_SOURCE_URL": url, "BEMI_DESTINATION_URL": database.url}
            workers.append(start_worker(env=env).wait_ready())
        for number, url in enumerate(urls):
            for trace in (TRACE, "another"):
                context = json.dumps({"trace_id": trace, "user_id": number})
                with psycopg.connect(url) as connection:
                    connection.execute("select pg_logical_emit_message(true, '_bemi', %s)", (context,))
                    connection.execute("insert into todo values (%s, 'x')", (1 if trace == TRACE else 2,))
        for url in urls:
            sync(url, database.url)
        env = {"BEMI_DESTINATION_URL": database.url}
        arguments = ["transactions", "--context", f"trace_id={TRACE}", "--format", "json"]
        found = [json.loads(line) for line in bemi(*arguments, env=env).stdout.splitlines()]
        # The newest first; whose clock: the servers' own.
        assert sorted((t["source"], t["context"]["user_id"]) for t in found) == sorted(
            zip(names, range(2), strict=True)
        )
        assert all(t["tables"] == {"public.todo": 1} and t["changes"] == 1 for t in found)
        query = "select transaction_source, changes from bemi.transactions(with_context => %s)"
        context = json.dumps({"trace_id": TRACE})
        assert sorted(database.sql(query, context)) == sorted((name, 1) for name in names)
        lines = bemi("trends", "--by", "trace_id", "--every", "1 day", "--format", "json", env=env)
        counted = {t["group"]: t["changes"] for t in map(json.loads, lines.stdout.splitlines())}
        assert counted == {TRACE: 2, "another": 2}
        the_table_of_one_source_is_asked_for_by_its_name(database, names)
    finally:
        for worker in workers:
            worker.kill9()
        for name in names:
            database.server.drop_database(name)


def the_table_of_one_source_is_asked_for_by_its_name(database: Database, names: list[str]) -> None:
    [(moment,)] = database.sql("select (min(effective_at) - interval '1 us')::text from _bemi.source")
    with pytest.raises(psycopg.Error, match="several sources have a table"):
        database.sql("select * from bemi.rows_as_of('todo', %s)", moment)
    env = {"BEMI_DESTINATION_URL": database.url}
    for name in names:
        arguments = ["as-of", moment, "todo", "--source-name", name, "--format", "json"]
        assert len(bemi(*arguments, env=env).stdout.splitlines()) <= 2
