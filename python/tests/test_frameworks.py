"""Flask, Django and Celery as their users run them: whose request or task made each change."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import celery
import django
import flask
import pytest
from celery.contrib.testing.worker import start_worker
from conftest import Tracked, insert_item
from sqlalchemy import Engine, make_url

import bemi
import bemi.celery
from bemi.flask import BemiFlask

Context = dict[str, Any]
TRACE = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "x-request-id": "r-1"}
TRACED = {"trace_id": "a" * 32, "span_id": "b" * 16, "request_id": "r-1"}


# ---- Flask


def test_flask(newest: Tracked, engine: Engine) -> None:
    app = flask.Flask(__name__)
    BemiFlask(app, set_context=lambda request: {"user_id": flask.g.user, "path": request.path})

    @app.before_request
    def authenticate() -> None:
        flask.g.user = int(flask.request.headers["x-user"])

    @app.post("/<int:id>")
    def add(id: int) -> str:
        insert_item(engine, id)
        if id == 2:
            raise RuntimeError("the request fails after its write")
        return ""

    @app.post("/async/<int:id>")
    async def add_async(id: int) -> str:
        insert_item(engine, id)
        return ""

    client = app.test_client()
    assert client.post("/1", headers={"x-user": "42", **TRACE}).status_code == 200
    assert client.post("/2", headers={"x-user": "43"}).status_code == 500
    assert client.post("/async/3", headers={"x-user": "44"}).status_code == 200
    insert_item(engine, 4)
    assert newest.by_key() == {
        "1": {"user_id": 42, "path": "/1", **TRACED},
        "2": {"user_id": 43, "path": "/2"},
        "3": {"user_id": 44, "path": "/async/3"},
        "4": {},
    }


# ---- Django


def of_django_request(request: Any) -> Context:
    return {"user_id": int(request.headers["x-user"]), "path": request.path}


urlpatterns: list[Any] = []


@pytest.fixture
def shop(newest: Tracked) -> Iterator[Any]:
    """A Django application with one model on `item`, and its views."""
    from django.conf import settings
    from django.db import connection, models, transaction
    from django.http import HttpResponse
    from django.urls import path

    url = make_url(newest.url)
    if not settings.configured:
        settings.configure(
            DATABASES={"default": {
                "ENGINE": "django.db.backends.postgresql", "NAME": url.database, "USER": url.username,
                "HOST": url.host, "PORT": url.port,
            }},
            INSTALLED_APPS=["bemi.django.BemiConfig"], MIDDLEWARE=["bemi.django.BemiMiddleware"],
            ROOT_URLCONF=__name__, BEMI_SET_CONTEXT=f"{__name__}.of_django_request",
            ALLOWED_HOSTS=["*"], DEBUG_PROPAGATE_EXCEPTIONS=False, SECRET_KEY="test",
        )  # fmt: skip
        django.setup()

        class Item(models.Model):  # type: ignore[misc]
            id = models.IntegerField(primary_key=True)
            name = models.TextField()

            class Meta:
                app_label = "bemi"
                db_table = "item"

        globals()["DjangoItem"] = Item
    item = globals()["DjangoItem"]

    def add(_: Any, id: int) -> HttpResponse:
        item.objects.create(id=id, name="autocommit")
        return HttpResponse()

    @transaction.atomic  # type: ignore[untyped-decorator]
    def edit(_: Any, id: int) -> HttpResponse:
        item.objects.create(id=id, name="atomic")
        try:
            with transaction.atomic():
                item.objects.create(id=id + 1, name="gone")
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass
        item.objects.filter(id=id).update(name="edited")
        item.objects.bulk_create([item(id=id + n, name="bulk") for n in (2, 3)])
        return HttpResponse()

    async def add_async(_: Any, id: int) -> HttpResponse:
        await item.objects.acreate(id=id, name="async")
        return HttpResponse()

    urlpatterns[:] = [
        path("add/<int:id>", add),
        path("edit/<int:id>", edit),
        path("async/<int:id>", add_async),
    ]
    yield item
    connection.close()


def test_django(newest: Tracked, shop: Any) -> None:
    from django.test import AsyncClient, Client

    client = Client()
    client.post("/add/1", headers={"x-user": "1", **TRACE})
    client.post("/edit/10", headers={"x-user": "2"})
    asyncio.run(AsyncClient().post("/async/20", headers={"x-user": "3"}))
    shop.objects.create(id=30, name="outside")
    assert [(o, key) for o, key, _ in newest.changes()] == [
        ("CREATE", "1"), ("CREATE", "10"), ("UPDATE", "10"), ("CREATE", "12"), ("CREATE", "13"),
        ("CREATE", "20"), ("CREATE", "30"),
    ]  # fmt: skip
    edited = {"user_id": 2, "path": "/edit/10"}
    assert newest.by_key() == {
        "1": {"user_id": 1, "path": "/add/1", **TRACED},
        "10": edited, "12": edited, "13": edited,
        "20": {"user_id": 3, "path": "/async/20"},
        "30": {},
    }  # fmt: skip
    sql = [context["SQL"] for _, _, context in newest.changes()]
    assert sql[2].startswith('UPDATE "item" SET') and "edited" not in sql[2]


# ---- Celery


def test_celery(newest: Tracked, engine: Engine) -> None:
    bemi.celery.install()
    app = celery.Celery("test", broker="memory://", backend="cache+memory://")

    @app.task(name="add")  # type: ignore[untyped-decorator]
    def add(id: int) -> None:
        insert_item(engine, id)

    @app.task(name="retry", bind=True, max_retries=2, default_retry_delay=0)  # type: ignore[untyped-decorator]
    def retry(self: Any, id: int) -> None:
        insert_item(engine, id + self.request.retries)
        if self.request.retries < 1:
            raise self.retry(countdown=0)
        add.delay(id + 10)

    with start_worker(app, perform_ping_check=False, pool="solo"):
        with bemi.context(user_id=42):
            results = [add.delay(1), retry.delay(2)]
        results.append(add.delay(4))
        for result in results:
            result.get(timeout=30)
        _wait_for(newest, rows=5)
    seen = newest.by_key()
    ids = {key: context.pop("task_id") for key, context in seen.items()}
    assert seen == {
        "1": {"user_id": 42, "task": "add"},
        "2": {"user_id": 42, "task": "retry"},
        "3": {"user_id": 42, "task": "retry"},
        "4": {"task": "add"},
        "12": {"user_id": 42, "task": "add"},
    }
    assert ids["2"] == ids["3"] == results[1].id
    assert bemi.current_context() == {}


def _wait_for(tracked: Tracked, rows: int) -> None:
    import time

    deadline = time.monotonic() + 30
    while tracked.sql("select count(*) from item") != [(rows,)]:
        assert time.monotonic() < deadline, "the tasks did not write"
        time.sleep(0.02)
