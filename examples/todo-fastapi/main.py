# SPDX-License-Identifier: LGPL-3.0-or-later
"""A to-do list. The three lines of Bemi are marked."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from bemi import BemiFastAPIMiddleware  # Bemi, line 1
from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

engine = create_engine(os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://", 1))


class Base(DeclarativeBase):
    pass


class Todo(Base):
    __tablename__ = "todo"

    id: Mapped[int] = mapped_column(primary_key=True)
    task: Mapped[str]
    is_completed: Mapped[bool] = mapped_column(default=False)


class NewTodo(BaseModel):
    task: str


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    Base.metadata.create_all(engine)
    yield


app = FastAPI(lifespan=lifespan)
app.add_middleware(  # Bemi, lines 2 and 3
    BemiFastAPIMiddleware,
    set_context={
        "user_id": lambda request: int(request.headers.get("x-user-id", 0)),
        "endpoint": lambda request: request.url.path,
        "method": lambda request: request.method,
    },
)


def session() -> Iterator[Session]:
    with Session(engine) as opened, opened.begin():
        yield opened


def find(db: Session, todo_id: int) -> Todo:
    todo = db.get(Todo, todo_id)
    if todo is None:
        raise HTTPException(404, "no such to-do")
    return todo


def as_json(todo: Todo) -> dict[str, object]:
    return {"id": todo.id, "task": todo.task, "is_completed": todo.is_completed}


@app.get("/todo")
def list_todos(db: Session = Depends(session)) -> list[dict[str, object]]:
    return [as_json(todo) for todo in db.scalars(select(Todo).order_by(Todo.id))]


@app.post("/todo")
def add_todo(new: NewTodo, db: Session = Depends(session)) -> dict[str, object]:
    todo = Todo(task=new.task)
    db.add(todo)
    db.flush()
    return as_json(todo)


@app.put("/todo/{todo_id}/complete")
def complete_todo(todo_id: int, db: Session = Depends(session)) -> dict[str, object]:
    todo = find(db, todo_id)
    todo.is_completed = True
    return as_json(todo)


@app.delete("/todo/{todo_id}")
def delete_todo(todo_id: int, db: Session = Depends(session)) -> None:
    db.delete(find(db, todo_id))
