"""What tests of the HTTP API share: its description, and what their sources look like."""

from __future__ import annotations

import json
from typing import Any

import httpx
import jsonschema
import pytest

from support.bemi import REPOSITORY
from support.fixtures import Database

DESCRIPTION: dict[str, Any] = json.loads((REPOSITORY / "contracts/openapi.json").read_text())
SCHEMA = """
create table todo (id int primary key, task text, is_completed bool default false, amount numeric);
create table plain (a text, b json);
create schema "Odd S";
create table "Odd S"."<b>" (k text primary key, v text);
"""
oldest_and_newest = pytest.mark.parametrize("server", [14, 18], indirect=True, ids=["pg14", "pg18"])


def write(database: Database, context: dict[str, Any], *statements: str) -> None:
    message = json.dumps(context).replace("'", "''")
    database.sql(f"select pg_logical_emit_message(true, '_bemi', '{message}'); " + ";".join(statements))


def schema_of(path: str, method: str = "get") -> dict[str, Any]:
    answer = DESCRIPTION["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"]
    return {**answer, "components": DESCRIPTION["components"]}


def problem_of(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    schema = {"$ref": "#/components/schemas/Problem", "components": DESCRIPTION["components"]}
    jsonschema.validate(problem, schema)
    assert problem["status"] == status
    return problem
