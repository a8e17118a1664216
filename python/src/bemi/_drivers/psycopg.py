# SPDX-License-Identifier: LGPL-3.0-or-later
"""psycopg 3: a message shares the round trip of a statement in a pipeline, and of COMMIT in a text.

A pipeline around COMMIT would cost a round trip more: psycopg waits for COMMIT's answer before it ends
the pipeline. A text of several statements needs none, and psycopg then finds the transaction ended.

psycopg's own pipeline goes to the network at each step, and waits for an answer of its own at its end; ours goes once,
with message and statement. A message goes through no cursor: psycopg counts the texts that it executes, to prepare frequent ones, and
those of messages would push out the application's.
"""

from __future__ import annotations

import contextlib
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
from . import Build, Execution, Message, Prepared, copies, note_rows, preparing

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

    def has_copied(self, connection: Any) -> bool:
        return copies.were_made_on(connection)

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
            _run_in_one_trip(raw, message, execution, self.emit)

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

    def has_copied(self, connection: Any) -> bool:
        return copies.were_made_on(connection.driver_connection)

    def execute_after(self, message: Message, execution: Execution) -> None:
        raw = execution.connection.driver_connection
        if not _can_pipeline(raw, execution.statement):
            self.emit(message, execution.connection)
            execution.run(execution.statement)
        elif execution.many:
            _run_piped(execution, message, is_before=True)
        else:
            _run_in_one_trip(raw, message, execution, self.emit)

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


copies.watch(psycopg.Cursor, "copy", of=lambda cursor: cursor.connection)
copies.watch(psycopg.AsyncCursor, "copy", of=lambda cursor: cursor.connection)

# Plain numbers: `connection.info` and the comparison of enums take microseconds.
_IDLE, _INTRANS = int(TransactionStatus.IDLE), int(TransactionStatus.INTRANS)
_COMMAND_OK, _TUPLES_OK = int(ExecStatus.COMMAND_OK), int(ExecStatus.TUPLES_OK)
_FATAL_ERROR = int(ExecStatus.FATAL_ERROR)


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
        text = message.executing(name.decode())
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


def _prepared_name(raw: Any) -> bytes | None:
    if raw.prepare_threshold is None or _PREPARED not in raw.__dict__:
        return None
    names = raw._prepared._names
    name: bytes | None = names.get(_KEY)
    if name is None:
        return None
    names.move_to_end(_KEY)
    return name


def _wants_backend_pid(raw: Any) -> bool:
    prepared: Prepared | None = raw.__dict__.get(_PREPARED) if is_known_version() else None
    return prepared is not None and prepared.wants_backend_pid()


def _learn_backend_pid(raw: Any, pid: int) -> None:
    _prepared(raw).is_direct = pid == raw.pgconn.backend_pid


def _can_pipeline(raw: Any, statement: str) -> bool:
    return (
        is_known_version()
        and raw._pipeline is None
        and not raw.lock.locked()  # somebody else is at work on it
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
        send = functools.partial(pipeline.pgconn.send_query_prepared, name, content)
    else:
        send = functools.partial(pipeline.pgconn.send_query_params, message.sql().encode(), None)
    pipeline.command_queue.append(send)
    pipeline.result_queue.append((answer, None))


class _OneTrip(psycopg.Pipeline):
    """A pipeline for one statement, with a message in front of it, that goes to the network once.

    psycopg's cursor has the pipeline communicate as soon as its statement is in the queue. Here this is all there is: it
    takes every answer, and leaves the pipeline. What the cursor does before and behind it, it does as without us.
    """

    def __init__(self, raw: Any, message: Message) -> None:
        self._conn = raw
        self._message = message
        self.pgconn = raw.pgconn
        self.command_queue: Any = []
        self.result_queue: Any = []
        self.level = 1
        self.rows: int | None = None

    def _communicate_gen(self) -> PQGen[None]:
        pgconn = self.pgconn
        first: BaseException | None = None
        pgconn.enter_pipeline_mode()
        try:
            self._send_message()
            sent = 0
            try:
                for command in self.command_queue:
                    command()
                    sent += 1
            except Exception as error:  # such as too many parameters
                first = error
            pgconn.pipeline_sync()
            yield from generators.send(pgconn)
            [answer] = yield from generators.fetch_many(pgconn)
            if answer.status == _TUPLES_OK:
                self.rows = answer.ntuples
            elif answer.status == _FATAL_ERROR:
                first = error_from_result(answer, encoding=self._conn.info.encoding)
            for queued in self.result_queue[:sent]:
                results = yield from generators.fetch_many(pgconn)
                try:
                    self._process_results(queued, results)
                except psycopg.Error as error:
                    first = first or error
            yield from generators.fetch_many(pgconn)  # the end of the pipeline
        except BaseException as error:
            first = error
        self._conn._pipeline = None
        self._exit(first)
        if first is not None:
            raise first

    def _send_message(self) -> None:
        name = _prepared_name(self._conn) if self._message.may_be_prepared else None
        if name is None:
            self.pgconn.send_query_params(self._message.sql().encode(), None)
        else:
            self.pgconn.send_query_prepared(name, [self._message.text.encode()])


def _run_in_one_trip(raw: Any, message: Message, execution: Execution, emit: Callable[..., None]) -> None:
    """Sync or async: SQLAlchemy's adapter need not know of it."""
    trip = raw._pipeline = _OneTrip(raw, message)
    try:
        execution.run(execution.statement)
    except Exception:
        if raw._pipeline is trip:  # the statement could not be made, and the message is still here
            raw._pipeline = None
            with contextlib.suppress(psycopg.Error):  # the application's error is the one to be seen
                emit(message, execution.connection)
        raise
    finally:
        raw._pipeline = None
    note_rows(trip.rows)


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
        return await self._piped(functools.partial(self._cursor.execute, *args, **kwargs))

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

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)
