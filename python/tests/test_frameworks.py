"""Flask, Django and Celery as their users run them: whose request or task made each change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
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


def test_writes_of_a_flask_stream_have_the_requests_context(newest: Tracked, engine: Engine) -> None:
    app = flask.Flask(__name__)
    BemiFlask(app, set_context={"user_id": lambda _: flask.g.user, "path": lambda request: request.path})
    steps: list[str] = []

    @app.before_request
    def authenticate() -> None:
        flask.g.user = int(flask.request.headers["x-user"])

    def body(id: int) -> Iterator[str]:
        try:
            steps.append(f"first {id}")
            insert_item(engine, id)
            yield "a"
            insert_item(engine, id + 1)
            yield "b"
        finally:
            insert_item(engine, id + 2)

    @app.get("/plain/<int:id>")
    def plain(id: int) -> flask.Response:
        return flask.Response(body(id))

    @app.get("/kept/<int:id>")
    def kept(id: int) -> flask.Response:
        return flask.Response(flask.stream_with_context(body(id)))

    client = app.test_client()
    assert client.get("/plain/1", headers={"x-user": "1"}).text == "ab"
    assert client.get("/kept/11", headers={"x-user": "2"}).text == "ab"
    response = client.get("/plain/21", headers={"x-user": "3"}, buffered=False)
    response.close()  # a client that goes away at once: werkzeug had begun to read
    response = client.get("/plain/31", headers={"x-user": "4"}, buffered=False)
    assert next(response.iter_encoded()) == b"a"
    response.close()
    assert newest.by_key() == {
        **{str(key): {"user_id": 1, "path": "/plain/1"} for key in (1, 2, 3)},
        **{str(key): {"user_id": 2, "path": "/kept/11"} for key in (11, 12, 13)},
        **{str(key): {"user_id": 4, "path": "/plain/31"} for key in (31, 33)},
        **{str(key): {"user_id": 3, "path": "/plain/21"} for key in (21, 23)},
    }
    assert bemi.current_context() == {}


# ---- Django


def of_django_request(request: Any) -> Context:
    return {"user_id": int(request.headers["x-user"]), "path": request.path}


urlpatterns: list[Any] = []


@pytest.fixture
def shop(newest: Tracked) -> Iterator[Any]:
    """A Django application with one model on `item`, and its views."""
    from django.conf import settings
    from django.db import connection, models, transaction
    from django.http import HttpResponse, StreamingHttpResponse
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

    def stream(_: Any, id: int) -> StreamingHttpResponse:
        def body() -> Iterator[bytes]:
            try:
                item.objects.create(id=id, name="stream")
                yield b"a"
            finally:
                item.objects.create(id=id + 1, name="stream")

        return StreamingHttpResponse(body())

    async def stream_async(_: Any, id: int) -> StreamingHttpResponse:
        async def body() -> AsyncIterator[bytes]:
            await item.objects.acreate(id=id, name="stream")
            yield b"a"
            await item.objects.acreate(id=id + 1, name="stream")

        return StreamingHttpResponse(body())

    urlpatterns[:] = [
        path("stream/<int:id>", stream),
        path("stream-async/<int:id>", stream_async),
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


def test_writes_of_a_django_stream_have_the_requests_context(newest: Tracked, shop: Any) -> None:
    from django.test import AsyncClient, Client

    async def read() -> bytes:
        response = await AsyncClient().get("/stream-async/20", headers={"x-user": "2"})
        return b"".join([part async for part in response.streaming_content])

    client = Client()
    assert b"".join(client.get("/stream/10", headers={"x-user": "1"}).streaming_content) == b"a"
    assert asyncio.run(read()) == b"a"
    response = client.get("/stream/30", headers={"x-user": "3"})
    assert next(iter(response.streaming_content)) == b"a"
    response.close()
    assert newest.by_key() == {
        **{str(key): {"user_id": 1, "path": "/stream/10"} for key in (10, 11)},
        **{str(key): {"user_id": 2, "path": "/stream-async/20"} for key in (20, 21)},
        **{str(key): {"user_id": 3, "path": "/stream/30"} for key in (30, 31)},
    }
    assert bemi.current_context() == {}


# ---- Celery


def test_a_task_that_runs_at_once_has_its_callers_context(newest: Tracked, engine: Engine) -> None:
    bemi.celery.install()
    app = celery.Celery("eager", broker="memory://", backend="cache+memory://")
    app.conf.task_always_eager = True

    @app.task(name="eager-add")  # type: ignore[untyped-decorator]
    def add(id: int) -> None:
        insert_item(engine, id)

    @app.task(name="outer", bind=True, max_retries=1, default_retry_delay=0)  # type: ignore[untyped-decorator]
    def outer(self: Any, id: int) -> None:
        insert_item(engine, id + self.request.retries)
        if self.request.retries < 1:
            raise self.retry(countdown=0)
        add.delay(id + 10)

    with bemi.context(user_id=42):
        add.delay(1)
        add.apply((2,))
        add(3)
        outer.delay(11)
        insert_item(engine, 4)
    seen = newest.by_key()
    for context in seen.values():
        context.pop("task_id", None)
    assert seen == {
        "1": {"user_id": 42, "task": "eager-add"},
        "2": {"user_id": 42, "task": "eager-add"},
        "3": {"user_id": 42},
        "4": {"user_id": 42},
        "11": {"user_id": 42, "task": "outer"},
        "12": {"user_id": 42, "task": "outer"},
        "21": {"user_id": 42, "task": "eager-add"},
    }
    assert bemi.current_context() == {}


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
