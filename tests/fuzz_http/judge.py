"""Hooks of Schemathesis: who asks gets no more than contracts/openapi.json lets his role have.

BEMI_FUZZ_ROLE says who asks: nobody, viewer, operator, admin; BEMI_FUZZ_CREDENTIAL is what the server knows that by.
BEMI_FUZZ_SECRET is text of the history, which nobody else may see.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import schemathesis  # type: ignore[import-not-found]
from schemathesis.specs.openapi.checks import (  # type: ignore[import-not-found]
    negative_data_rejection,
    unsupported_method,
)

RANKS = ("nobody", "viewer", "operator", "admin")
ROLE = os.environ["BEMI_FUZZ_ROLE"]
CREDENTIAL = os.environ["BEMI_FUZZ_CREDENTIAL"]
SECRET = os.environ["BEMI_FUZZ_SECRET"].encode()
# Refused before anybody looks who asks: too large, to another host, too often, from too many.
BEFORE_ALL = {413, 421, 429, 431, 503}
CONTRACT = json.loads((Path(__file__).parents[2] / "contracts/openapi.json").read_text())


def operation_of(method: str, path: str) -> dict[str, Any] | None:
    """What the contract tells of the address that was really asked."""
    for template, methods in CONTRACT["paths"].items():
        start, varies, _ = template.partition("{")
        fits = path.startswith(start) and path != start and "/" not in path[len(start) :]
        known = "get" if method == "HEAD" else method.lower()
        if (fits if varies else path == template) and known in methods:
            operation: dict[str, Any] = methods[known]
            return operation
    return None


@schemathesis.check  # type: ignore[untyped-decorator, unused-ignore]
def gets_what_its_role_may(_context: Any, response: Any, _case: Any) -> None:
    request = response.request
    path = unquote(urlsplit(request.url).path)
    operation = operation_of(request.method, path)
    if operation is None or "x-role" not in operation:
        return
    # Schemathesis takes the credentials out of some requests, and makes others up.
    sent = request.headers.get("Authorization", "") + request.headers.get("Cookie", "")
    role = ROLE if CREDENTIAL and CREDENTIAL in sent else "nobody"
    if RANKS.index(role) >= RANKS.index(operation["x-role"]):
        return
    allowed = {401} if role == "nobody" else {401, 403}
    asked = f"{request.method} {path} as {role}: {response.status_code}"
    assert response.status_code in allowed | BEFORE_ALL, asked
    assert SECRET not in response.content, asked


@schemathesis.check  # type: ignore[untyped-decorator, unused-ignore]
def refuses_what_is_forbidden(context: Any, response: Any, case: Any) -> None:
    # An empty parameter counts as left out: the contract says so in words, where schemas cannot.
    given = parse_qsl(urlsplit(response.request.url).query, keep_blank_values=True)
    if all(value for _, value in given):
        negative_data_rejection(context, response, case)


@schemathesis.check  # type: ignore[untyped-decorator, unused-ignore]
def refuses_other_methods(context: Any, response: Any, case: Any) -> None:
    if response.status_code not in BEFORE_ALL:
        unsupported_method(context, response, case)
