"""A plan shows what becomes of values, and which rows it leaves behind."""

from __future__ import annotations

import json

from e2e.oracle import sync
from support.bemi import bemi
from support.fixtures import Database, StartWorker, oldest_and_newest

SCHEMA = """
create table orders (id int primary key, number text);
create table order_item (id int primary key, of_order int references orders on delete cascade, price numeric);
create table payment (id int primary key, of_order int references orders on delete cascade);
insert into orders values (17500, 'A-17500'), (17501, 'A-17501');
insert into order_item values (1, 17500, 9.5), (2, 17500, 7), (3, 17501, 1);
insert into payment values (1, 17500);
"""


def newest_transaction(database: Database) -> int:
    [(found,)] = database.sql("select transaction_id from changes order by effective_at desc limit 1")
    return int(found)


@oldest_and_newest
def test_a_row_that_is_restored_without_its_children_says_so(
    database: Database, start_worker: StartWorker
) -> None:
    database.sql(SCHEMA)
    start_worker().wait_ready()
    sync(database.url)
    database.sql("delete from orders where id = 17500")
    sync(database.url)
    env = {"BEMI_SOURCE_URL": database.url}
    whole = newest_transaction(database)
    alone = ["revert", "--table", "orders", "--primary-key", "17500", "--operation", "DELETE"]
    said = bemi(*alone, env=env).stdout
    assert "public.orders  1 to put back\n      restored 17500: id 17500, number A-17500\n" in said
    assert (
        "rows that were deleted in the same transaction stay deleted: 2 of public.order_item, 1 of "
        f"public.payment; to restore them too, undo the whole transaction {whole}" in said
    )
    everything = bemi("revert", "--transaction", str(whole), "--apply", env=env).stdout
    assert "stay deleted" not in everything
    assert database.sql("select count(*) from order_item") == [(3,)]
    assert database.sql("select count(*) from payment") == [(1,)]


@oldest_and_newest
def test_a_plan_shows_values_before_and_after(database: Database, start_worker: StartWorker) -> None:
    database.sql(SCHEMA)
    start_worker().wait_ready()
    sync(database.url)
    database.sql("update order_item set price = null where id = 2")
    database.sql("insert into order_item select i, 17501, i from generate_series(21, 27) i")
    sync(database.url)
    env = {"BEMI_SOURCE_URL": database.url}
    said = bemi("revert", "--table", "order_item", env=env).stdout
    assert "      reverted 2: price null → 7\n" in said
    assert "      removed 21: id 21, of_order 17501, price 21\n" in said and "... and 3 more rows" in said
    plan = json.loads(bemi("revert", "--table", "order_item", "--format", "json", env=env).stdout)
    [table] = plan["tables"]
    assert len(table["examples"]) == 5
    assert table["examples"][0] == {
        "effect": "reverted",
        "primary_key": "2",
        "columns": [{"column": "price", "live": None, "target": "7"}],
    }
