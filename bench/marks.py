# SPDX-License-Identifier: LGPL-3.0-or-later
"""What it costs to give each test of a suite the database that it began with, by three ways.

A shop of some tables with seed data, and a suite of small tests, each of which writes a few rows:

  marks       `bemi mark create` once, `bemi mark rollback` after each test (what the fixture bemi_mark does)
  reload      TRUNCATE of all tables and the seed data loaded again
  template    CREATE DATABASE ... TEMPLATE for each test, and DROP DATABASE

After each test the data is compared with what it was, sequences included.

    ./dev bench marks [--rows N] [--tests N]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import psycopg
from _report import save

from support.bemi import Worker, bemi
from support.postgres import Server, available

TABLES = ["customer", "product", "purchase", "line"]
SCHEMA = """
create table customer (id serial primary key, email text unique, name text);
create table product (id serial primary key, name text, price numeric, stock int);
create table purchase (id serial primary key, customer int references customer, at timestamptz default now());
create table line (purchase int references purchase on delete cascade, product int references product,
  quantity int, primary key (purchase, product));
create index on purchase (customer); create index on line (product);
"""
SEED = """
insert into customer (email, name)
  select 'c' || i || '@shop', 'Customer ' || i from generate_series(1, {rows}) i;
insert into product (name, price, stock)
  select 'Product ' || i, i % 100, 50 from generate_series(1, {rows}) i;
insert into purchase (customer, at) select 1 + i % {rows}, '2026-01-01' from generate_series(1, {rows}) i;
insert into line select 1 + i % {rows}, 1 + (i * 7) % {rows}, 1 + i % 3 from generate_series(1, {rows} * 2) i
  on conflict do nothing;
"""
TEST = """
insert into customer (email, name) values ('new@shop', 'New');
insert into purchase (customer) select max(id) from customer;
insert into line select max(purchase.id), p.id, 2 from purchase, product p where p.id <= 5 group by p.id;
update product set stock = stock - 2 where id <= 5;
delete from purchase where id = (select min(id) from purchase);
"""


def contents(url: str) -> list[object]:
    with psycopg.connect(url) as connection:
        hashes = " union all ".join(
            f"select '{t}', count(*), sum(hashtextextended(x::text, 0)::numeric) from {t} x" for t in TABLES
        )
        rows = connection.execute(f"{hashes} order by 1".encode()).fetchall()
        return rows + [
            connection.execute(f"select last_value, is_called from {t}_id_seq".encode()).fetchone()
            for t in TABLES[:3]
        ]


def time_each(name: str, tests: int, before: Callable[[], str], after: Callable[[str], None]) -> list[float]:
    """The cost of isolation alone: what is done before and after a test."""
    taken = []
    for _ in range(tests):
        began = time.perf_counter()
        url = before()
        cost = time.perf_counter() - began
        with psycopg.connect(url) as connection:
            connection.execute(TEST.encode())
        began = time.perf_counter()
        after(url)
        taken.append(cost + time.perf_counter() - began)
    middle = statistics.median(taken) * 1000
    print(f"{name:<12}{middle:>9.0f} ms a test {sum(taken):>9.2f} s for {tests} tests", flush=True)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 100_000])
    parser.add_argument("--tests", type=int, default=10)
    options = parser.parse_args()
    results = {}
    with Server.start(available()[-1], {"shared_buffers": "256MB", "max_wal_size": "4GB"}) as server:
        for rows in options.rows:
            name = f"shop_{rows}"
            seed = SEED.format(rows=rows)
            url = server.create_database(name)
            server.sql(SCHEMA + seed, dbname=name)
            print(f"{rows:,} rows a table, and a little in each test")
            pristine = contents(url)
            taken = {}

            def reload(url: str, seed: str = seed) -> None:
                with psycopg.connect(url) as connection:
                    connection.execute("truncate customer, product, purchase, line restart identity cascade")
                    connection.execute(seed.encode())

            def copy_template(name: str = name) -> str:
                server.sql(f"create database copy template {name}")
                return server.url("copy")

            taken["reload"] = time_each("reload", options.tests, lambda url=url: url, reload)
            taken["template"] = time_each(
                "template", options.tests, copy_template, lambda _: server.sql("drop database copy")
            )
            with Worker.start("--source", url) as worker:
                worker.wait_ready()
                bemi("mark", "create", "fresh", "--source", url)
                taken["marks"] = time_each(
                    "marks",
                    options.tests,
                    lambda url=url: url,
                    lambda url: bemi("mark", "rollback", "fresh", "--source", url),
                )
                assert contents(url) == pristine, "the last rollback left something"
            results[rows] = {way: statistics.median(each) for way, each in taken.items()}
    save("marks", results)


if __name__ == "__main__":
    main()
