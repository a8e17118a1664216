# SPDX-License-Identifier: LGPL-3.0-or-later
"""The to-do app as the measurement of context passing runs it: WAY and DRIVER come by the environment.

plain      no context
bemi       bemi-sqlalchemy of this repository
existing   the existing package with SQL comments and row triggers
audit      no context; a trigger writes each change into an audit table
"""

import os
from typing import Any

from fastapi import FastAPI, Request
from sqlalchemy import Text, create_engine
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

WAY = os.environ["WAY"]
DRIVER = os.environ["DRIVER"]
URL = os.environ["DATABASE_URL"].replace("postgresql:", f"postgresql+{DRIVER.removesuffix('-async')}:")
IS_ASYNC = DRIVER in ("asyncpg", "psycopg-async")


class Base(DeclarativeBase):
    pass


class Todo(Base):
    __tablename__ = "todo"
    id: Mapped[int] = mapped_column(primary_key=True)
    task: Mapped[str] = mapped_column(Text)
    is_completed: Mapped[bool] = mapped_column(default=False)


def context(request: Request) -> dict[str, Any]:
    return {"user_id": request.headers["x-user"], "endpoint": request.url.path, "method": request.method}


app = FastAPI()
if WAY in ("bemi", "existing"):
    from bemi import BemiFastAPIMiddleware

    app.add_middleware(BemiFastAPIMiddleware, set_context=context)


if IS_ASYNC:
    async_engine = create_async_engine(URL)

    @app.put("/todo/{id}")
    async def edit_async(id: int, task: str) -> None:
        async with AsyncSession(async_engine) as session, session.begin():
            (await session.get_one(Todo, id)).task = task

    @app.put("/both/{id}")
    async def edit_both_async(id: int, task: str) -> None:
        async with AsyncSession(async_engine) as session, session.begin():
            todo = await session.get_one(Todo, id)
            todo.task = task
            await session.flush()
            todo.is_completed = not todo.is_completed

    @app.get("/todo/{id}")
    async def read_async(id: int) -> str:
        async with AsyncSession(async_engine) as session, session.begin():
            return (await session.get_one(Todo, id)).task
else:
    engine = create_engine(URL)

    @app.put("/todo/{id}")
    def edit(id: int, task: str) -> None:
        with Session(engine) as session, session.begin():
            session.get_one(Todo, id).task = task

    @app.put("/both/{id}")
    def edit_both(id: int, task: str) -> None:
        with Session(engine) as session, session.begin():
            todo = session.get_one(Todo, id)
            todo.task = task
            session.flush()
            todo.is_completed = not todo.is_completed

    @app.get("/todo/{id}")
    def read(id: int) -> str:
        with Session(engine) as session, session.begin():
            return session.get_one(Todo, id).task
