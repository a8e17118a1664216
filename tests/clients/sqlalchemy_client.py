"""An application that uses the existing bemi-sqlalchemy: migration, middleware, ORM writes."""

import sys

import bemi
from alembic.migration import MigrationContext
from alembic.operations import Operations
from bemi import Bemi, BemiFastAPIMiddleware
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Column, Integer, Text, create_engine
from sqlalchemy.orm import Session, declarative_base

assert not hasattr(bemi, "install"), "this is not the package that was meant"

engine = create_engine(sys.argv[1])
Base = declarative_base()


class Item(Base):
    __tablename__ = "item"
    id = Column(Integer, primary_key=True)
    name = Column(Text)


app = FastAPI()
app.add_middleware(
    BemiFastAPIMiddleware, set_context=lambda request: {"user_id": 42, "path": request.url.path}
)


@app.post("/item/{id}")
async def add(id: int) -> None:
    with Session(engine) as session, session.begin():
        session.add(Item(id=id, name="a"))
    with Session(engine) as session, session.begin():
        session.get(Item, id).name = "b"


if sys.argv[2] == "migrate":
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        Bemi.migration_upgrade()
else:
    TestClient(app).post("/item/1")
    Bemi.set_context({"worker": "nightly"})
    with Session(engine) as session, session.begin():
        session.delete(session.get(Item, 1))
