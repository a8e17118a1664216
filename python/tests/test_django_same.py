"""Django's own answers, with the package and without: rows, laziness, exceptions, on both drivers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from conftest import Tracked

PROGRAM = r"""
import json, os, sys

if os.environ["DRIVER"] == "psycopg2":
    sys.modules["psycopg"] = None  # Django takes psycopg 3 where it is there
import django
from django.conf import settings
from sqlalchemy import make_url

url = make_url(os.environ["URL"])
settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": url.database,
                           "USER": url.username, "HOST": url.host, "PORT": url.port}},
    INSTALLED_APPS=["bemi.django.BemiConfig"] if os.environ["BEMI"] == "1" else [],
    USE_TZ=True,
)
django.setup()
from django.db import Error, connection, models, transaction
from django.db.models import F, Value
from django.db.models.functions import Cast, LPad, Now, StrIndex

assert connection.Database.__name__ == os.environ["DRIVER"], connection.Database


class Item(models.Model):
    id = models.IntegerField(primary_key=True)
    name = models.TextField()

    class Meta:
        app_label = "shop"
        db_table = "item"


def fill():
    Item.objects.all().delete()
    Item.objects.bulk_create([Item(id=n, name=f"n{n}") for n in range(1, 8)])


padded = Item.objects.order_by("id").values_list(LPad("name", 5, Value("*")), flat=True)


def lazily():
    rows = Item.objects.annotate(at=StrIndex("name", Value("7"))).order_by("id").iterator(chunk_size=2)
    first = next(rows)
    Item.objects.filter(id=7).update(name="changed")
    return [first.name, *((r.name, r.at) for r in rows)]


def raw(sql, params=None, many=False):
    with connection.cursor() as cursor:
        cursor.executemany(sql, params) if many else cursor.execute(sql, params)
        return [cursor.rowcount, sorted(list(map(str, row)) for row in cursor.fetchall()) if cursor.description else None]


def caught_in_a_savepoint():
    try:
        with transaction.atomic():
            Item.objects.create(id=1, name="twice")
    except Error as error:
        return type(error).__name__, Item.objects.count()


OPERATIONS = {
    "iterator": lambda: list(padded.iterator()),
    "random order": lambda: len(list(Item.objects.order_by("?").iterator())),
    "now": lambda: len(list(Item.objects.annotate(at=Now()).iterator(chunk_size=3))),
    "lazily": lazily,
    "create": lambda: Item.objects.create(id=50, name="x").pk,
    "twice": lambda: Item.objects.create(id=1, name="x"),
    "bulk twice": lambda: Item.objects.bulk_create([Item(id=60, name="x"), Item(id=60, name="y")]),
    "update": lambda: Item.objects.update(name=F("name")),
    "divide": lambda: Item.objects.update(name=Cast(Value(1) / (F("id") - 1), models.TextField())),
    "missing": lambda: raw("UPDATE nowhere SET a = 1"),
    "syntax": lambda: raw("UPDATE item SET SET"),
    "type": lambda: raw("INSERT INTO item VALUES (%s, 'a')", ["abc"]),
    "type in text": lambda: raw("INSERT INTO item VALUES ('abc', 'a')"),
    "returning": lambda: raw("UPDATE item SET name = '100%%' WHERE id < %s RETURNING id", [3]),
    "function": lambda: raw("SELECT add_item(90)"),
    "many": lambda: raw("INSERT INTO item VALUES (%s, 'a')", [[70], [71]], many=True),
    "many twice": lambda: raw("INSERT INTO item VALUES (%s, 'a')", [[72], [72]], many=True),
    "savepoint": caught_in_a_savepoint,
    "get_or_create": lambda: Item.objects.get_or_create(id=1, defaults={"name": "x"})[1],
    "delete": lambda: Item.objects.filter(id__lt=3).delete(),
}


def outcome(operation):
    try:
        return repr(operation())
    except Exception as error:
        cause = error.__cause__
        return [f"{type(error).__module__}.{type(error).__name__}", str(error),
                f"{type(cause).__module__}.{type(cause).__name__}"]


def in_a_block(operation, write):
    def run():
        try:
            with transaction.atomic():
                for n in range(write):
                    Item.objects.filter(id=n + 1).update(name=f"before {n}")
                    Item.objects.create(id=80 + n, name="before")
                result = operation()
                transaction.set_rollback(True)
                return result
        finally:
            connection.needs_rollback = False
    return run


seen = {}
for name, operation in OPERATIONS.items():
    for way, how in (("autocommit", operation), ("after a write", in_a_block(operation, 1)),
                     ("after two", in_a_block(operation, 2)), ("at first", in_a_block(operation, 0))):
        fill()
        seen[f"{name}, {way}"] = outcome(how)
with connection.cursor() as cursor:
    cursor.execute("SELECT pg_backend_pid()")
    pid = cursor.fetchone()[0]
print(json.dumps(seen))
"""


def run(url: str, driver: str, *, bemi: bool) -> dict[str, Any]:
    environment = {**os.environ, "URL": url, "DRIVER": driver, "BEMI": str(int(bemi))}
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", PROGRAM],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_django_answers_as_without_the_package(newest: Tracked, driver: str) -> None:
    without = run(newest.url, driver, bemi=False)
    with_it = run(newest.url, driver, bemi=True)
    assert with_it == without
    assert without["iterator, after a write"].startswith("['befor', '***n2'")
    assert without["twice, autocommit"][0] == "django.db.utils.IntegrityError"
