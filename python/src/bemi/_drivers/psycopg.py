# SPDX-License-Identifier: LGPL-3.0-or-later
"""psycopg 3: a message shares the round trip of a statement in a pipeline, and of COMMIT in a text.

A pipeline around COMMIT would cost a round trip more: psycopg waits for COMMIT's answer before it ends
the pipeline. A text of several statements needs none, and psycopg then finds the transaction ended.

psycopg's own pipeline goes to the network at each step; ours waits until message and statement are both
there. A message goes through no cursor: psycopg counts the texts that it executes, to prepare frequent ones, and
those of messages would push out the application's.
"""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
from psycopg import generators
from psycopg.abc import PQGen
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, TransactionStatus

from .._failures import note_failure
from .._statement import fits_in_a_transaction, is_single
from . import Build, Execution, Message, Prepared, note_rows, preparing

# Releases whose internals the code below uses. With any other, messages go through psycopg's public interface alone,
# which costs more.
KNOWN_VERSIONS = ("3.1.", "3.2.", "3.3.")


def is_known_version() -> bool:
    return psycopg.__version__.startswith(KNOWN_VERSIONS)


class Psycopg:
    def in_transaction(self, connection: Any) -> bool:
        return _status(connection) != _IDLE

    def may_speak(self, connection: Any) -> bool:
        return _status(connection) == _INTRANS

    def execute_after(self, message: Message, execution: Execution) -> None:
        raw = execution.connection
        if not _can_pipeline(raw, execution.statement):
            self.emit(message, raw)
            execution.run(execution.statement)
        elif execution.many:
            answer = _Answer(raw)
            with raw.pipeline() as pipeline:
                _enqueue(pipeline, message, answer)
                execution.run(execution.statement)
            note_rows(answer.rows)
        else:
            _run_in_one_trip(message, execution)

    def execute_alone(self, build: Build, execution: Execution) -> None:
        message = build("previous") if _can_stand_alone(execution) else None
        if message is None:
            execution.run(execution.statement)
            return
        # Until it ends, a pipeline is one transaction.
        failed, answer = _Failed(), _Answer(execution.connection)
        with failed, execution.connection.pipeline() as pipeline:
            execution.run(execution.statement)
            _enqueue(pipeline, message, answer)
        failed.tell()
        note_rows(answer.rows)

    def commit_after(self, message: Message, connection: Any, commit: Callable[[], None]) -> None:
        if _is_plain(connection):
            with connection.lock:
                connection.wait(_send_gen(connection, message, b"; COMMIT"))
        else:
            self.emit(message, connection)
        commit()

    def emit(self, message: Message, connection: Any) -> None:
        if _is_plain(connection):
            with connection.lock:
                connection.wait(_send_gen(connection, message))
        else:
            connection.execute(message.sql(), prepare=False)

    def wants_backend_pid(self, connection: Any) -> bool:
        return _wants_backend_pid(connection)

    def learn_backend_pid(self, connection: Any, pid: int) -> None:
        _learn_backend_pid(connection, pid)


class AsyncPsycopg:
    def in_transaction(self, connection: Any) -> bool:
        return _status(connection.driver_connection) != _IDLE

    def may_speak(self, connection: Any) -> bool:
        return _status(connection.driver_connection) == _INTRANS

    def execute_after(self, message: Message, execution: Execution) -> None:
        if _can_pipeline(execution.connection.driver_connection, execution.statement):
            _run_piped(execution, message, is_before=True)
        else:
            self.emit(message, execution.connection)
            execution.run(execution.statement)

    def execute_alone(self, build: Build, execution: Execution) -> None:
        message = build("previous") if _can_stand_alone(execution) else None
        if message is None:
            execution.run(execution.statement)
        else:
            _run_piped(execution, message, is_before=False)

    def commit_after(self, message: Message, connection: Any, commit: Callable[[], None]) -> None:
        if _is_plain(connection.driver_connection):
            connection.run_async(functools.partial(self._send, message=message, end=b"; COMMIT"))
        else:
            self.emit(message, connection)
        commit()

    def emit(self, message: Message, connection: Any) -> None:
        connection.run_async(functools.partial(self._send, message=message))

    def wants_backend_pid(self, connection: Any) -> bool:
        return _wants_backend_pid(connection.driver_connection)

    def learn_backend_pid(self, connection: Any, pid: int) -> None:
        _learn_backend_pid(connection.driver_connection, pid)

    async def _send(self, raw: Any, message: Message, end: bytes = b"") -> None:
        if end or _is_plain(raw):
            async with raw.lock:
                await raw.wait(_send_gen(raw, message, end))
        else:
            await raw.execute(message.sql(), prepare=False)


# Plain numbers: `connection.info` and the comparison of enums take microseconds.
_IDLE, _INTRANS = int(TransactionStatus.IDLE), int(TransactionStatus.INTRANS)
_COMMAND_OK, _TUPLES_OK = int(ExecStatus.COMMAND_OK), int(ExecStatus.TUPLES_OK)


def _status(raw: Any) -> int:
    """Of the transaction; a closed connection has another one than these."""
    return int(raw.pgconn.transaction_status)


class _Failed:
    """Keeps the first error of a pipeline until its end.

    The error of a statement may be told to the message behind it. To leave the pipeline by it would have
    psycopg log that it ignored the message's own.
    """

    def __init__(self) -> None:
        self._first: psycopg.Error | None = None

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        if isinstance(error, psycopg.Error):
            self._first = self._first or error
            return True
        return False

    def tell(self) -> None:
        if self._first is not None:
            raise self._first.with_traceback(None)


def _is_plain(raw: Any) -> bool:
    """psycopg's own commit() would neither refuse nor wait for a pipeline of the application's."""
    return is_known_version() and not (raw._pipeline or raw._num_transactions or raw._tpc)


def _send_gen(raw: Any, message: Message, end: bytes = b"") -> PQGen[None]:
    """As psycopg's own commit() does it, without a cursor: that costs more than the message."""
    name = _prepared_name(raw) if message.may_be_prepared else None
    new = None if name or not message.may_be_prepared else _prepared(raw).next_name()
    if name:
        text = message.executing(name)
    elif new:
        text = f"{preparing(new)}; {message.executing(new)}"
    else:
        text = message.sql()
    raw.pgconn.send_query(text.encode() + end)
    results = yield from generators.execute(raw.pgconn)
    if results[-1].status != (_COMMAND_OK if end else _TUPLES_OK):  # what follows an error is not executed
        raise error_from_result(results[-1], encoding=raw.info.encoding)
    note_rows(results[1 if new else 0].ntuples)
    if new:
        raw._prepared._names[_KEY] = new.encode()


# ---- the message's statement, prepared

# Among the names that psycopg remembers: it forgets them all when it has the server forget them, as it does
# after ROLLBACK, DISCARD ALL and more, and closes the least used one when there are too many.
_KEY = (b"bemi", ())
_PREPARED = "_bemi_prepared"


def _prepared(raw: Any) -> Prepared:
    prepared: Prepared | None = raw.__dict__.get(_PREPARED)
    if prepared is None:
        prepared = raw.__dict__[_PREPARED] = Prepared()
        manager = getattr(raw, "_prepared", None)
        if raw.prepare_threshold is None or not isinstance(getattr(manager, "_names", None), OrderedDict):
            prepared.is_direct = False
    return prepared


def _prepared_name(raw: Any) -> str | None:
    if raw.prepare_threshold is None or _PREPARED not in raw.__dict__:
        return None
    names = raw._prepared._names
    name: bytes | None = names.get(_KEY)
    if name is None:
        return None
    names.move_to_end(_KEY)
    return name.decode()


def _wants_backend_pid(raw: Any) -> bool:
    prepared: Prepared | None = raw.__dict__.get(_PREPARED) if is_known_version() else None
    return prepared is not None and prepared.wants_backend_pid()


def _learn_backend_pid(raw: Any, pid: int) -> None:
    _prepared(raw).is_direct = pid == raw.pgconn.backend_pid


def _can_pipeline(raw: Any, statement: str) -> bool:
    return (
        is_known_version()
        and raw._pipeline is None
        and psycopg.Pipeline.is_supported()
        and is_single(statement)
    )


def _can_stand_alone(execution: Execution) -> bool:
    if not is_known_version():
        note_failure("AUTOCOMMIT: no context goes along", f"with psycopg {psycopg.__version__}")
        return False
    return psycopg.Pipeline.is_supported() and fits_in_a_transaction(execution.statement)


class _Answer:
    """Takes a message's answer out of a pipeline, as a cursor would."""

    def __init__(self, raw: Any) -> None:
        self._conn = raw
        self.rows: int | None = None

    def _check_results(self, results: list[Any]) -> None:
        # That it was passed over because of a failure is not to hide the failure.
        for result in results:
            if result.status == ExecStatus.FATAL_ERROR:
                raise error_from_result(result, encoding=self._conn.info.encoding)

    def _set_results(self, results: list[Any]) -> None:
        if results[0].status == _TUPLES_OK:
            self.rows = results[0].ntuples

    _set_results_from_pipeline = _set_results  # before psycopg 3.2


def _enqueue(pipeline: Any, message: Message, answer: _Answer) -> None:
    name = _prepared_name(pipeline._conn) if message.may_be_prepared else None
    if name:
        content = [message.text.encode()]
        send = functools.partial(pipeline.pgconn.send_query_prepared, name.encode(), content)
    else:
        send = functools.partial(pipeline.pgconn.send_query_params, message.sql().encode(), None)
    pipeline.command_queue.append(send)
    pipeline.result_queue.append((answer, None))


class _InOneTrip:
    """A pipeline that goes to the network once, when all is there."""

    command_queue: Any
    result_queue: Any
    pgconn: Any

    def _communicate_gen(self) -> PQGen[None]:
        return
        yield

    def exchange_gen(self) -> PQGen[None]:
        while self.command_queue:
            self.command_queue.popleft()()
        self.pgconn.pipeline_sync()
        self.result_queue.append(None)
        yield from generators.send(self.pgconn)
        first: psycopg.Error | None = None
        while self.result_queue:
            results = yield from generators.fetch_many(self.pgconn)
            if not results:
                break
            try:
                self._process_results(self.result_queue.popleft(), results)  # type: ignore[attr-defined]
            except psycopg.Error as error:
                first = first or error
        if first is not None:
            raise first

    def keep_first(self) -> None:
        """Of what waits, the message: the statement could not be made."""
        for queue in (self.command_queue, self.result_queue):
            while len(queue) > 1:
                queue.pop()


class _OneTrip(_InOneTrip, psycopg.Pipeline):
    pass


class _OneTripAsync(_InOneTrip, psycopg.AsyncPipeline):
    pass


def _enter(pipeline: Any) -> None:
    pipeline.pgconn.enter_pipeline_mode()
    pipeline.level = 1
    pipeline._conn._pipeline = pipeline


def _leave(pipeline: Any, first: BaseException | None, answer: _Answer) -> None:
    """With the first error of the statement, the message or the network, if there was one."""
    pipeline._conn._pipeline = None
    pipeline._exit(first)
    if first is not None:
        raise first
    note_rows(answer.rows)


def _run_in_one_trip(message: Message, execution: Execution) -> None:
    raw = execution.connection
    pipeline, answer = _OneTrip(raw), _Answer(raw)
    first: BaseException | None = None
    _enter(pipeline)
    try:
        _enqueue(pipeline, message, answer)
        try:
            execution.run(execution.statement)
        except BaseException as error:
            first = error
            pipeline.keep_first()
        with raw.lock:
            raw.wait(pipeline.exchange_gen())
    except BaseException as error:
        first = first or error
    _leave(pipeline, first, answer)


def _run_piped(execution: Execution, message: Message, *, is_before: bool) -> None:
    """Lets SQLAlchemy's adapter run its cursor inside a pipeline that it need not know of."""
    raw = execution.cursor._cursor
    execution.cursor._cursor = _PipedCursor(raw, message, is_before)
    try:
        execution.run(execution.statement)
    finally:
        execution.cursor._cursor = raw


class _PipedCursor:
    """An async cursor whose execution shares its round trip with a message."""

    def __init__(self, cursor: psycopg.AsyncCursor[Any], message: Message, is_before: bool) -> None:
        self._cursor = cursor
        self._message = message
        self._is_before = is_before

    async def execute(self, *args: Any, **kwargs: Any) -> Any:
        execute = functools.partial(self._cursor.execute, *args, **kwargs)
        return await (self._in_one_trip(execute) if self._is_before else self._piped(execute))

    async def executemany(self, *args: Any, **kwargs: Any) -> Any:
        return await self._piped(functools.partial(self._cursor.executemany, *args, **kwargs))

    async def _piped(self, execute: Callable[[], Awaitable[Any]]) -> Any:
        failed, answer = _Failed(), _Answer(self._cursor.connection)
        result: Any = None
        with failed:
            async with self._cursor.connection.pipeline() as pipeline:
                if self._is_before:
                    _enqueue(pipeline, self._message, answer)
                result = await execute()
                if not self._is_before:
                    _enqueue(pipeline, self._message, answer)
        failed.tell()
        note_rows(answer.rows)
        return result

    async def _in_one_trip(self, execute: Callable[[], Awaitable[Any]]) -> Any:
        raw = self._cursor.connection
        pipeline, answer = _OneTripAsync(raw), _Answer(raw)
        first: BaseException | None = None
        result = None
        _enter(pipeline)
        try:
            _enqueue(pipeline, self._message, answer)
            try:
                result = await execute()
            except BaseException as error:
                first = error
                pipeline.keep_first()
            async with raw.lock:
                await raw.wait(pipeline.exchange_gen())
        except BaseException as error:
            first = first or error
        _leave(pipeline, first, answer)
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)
