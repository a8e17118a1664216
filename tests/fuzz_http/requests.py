"""Random requests made of contracts/openapi.json by Schemathesis, against a running server.

What counts: the server goes on and answers; no 5xx; no status, type or shape that the contract does not tell of; what
the contract forbids is refused; nobody gets more than his role may (`judge`); and nothing unforeseen is in the server's
log.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from fuzz_http.place import SECRET, Caller
from support.bemi import REPOSITORY

PACKAGES = REPOSITORY / "build/http-fuzz"
# The stream has no end, and is asked for by tests of its own.
LEFT_OUT = ("/api/stream",)
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "refuses_what_is_forbidden",
    "refuses_other_methods",
    "gets_what_its_role_may",
)
GRACE_SECONDS = 120
# In less time, what is systematic would take all of it.
SHORT_SECONDS = 40
# A request that is too large is told so before anybody looks into it.
SETTINGS = """
[checks]
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 409, 413, 415, 421, 429]
"""


@dataclass
class Result:
    """What came of one run."""

    code: int
    output: str
    statuses: dict[str, int] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        return sum(self.statuses.values())

    def __str__(self) -> str:
        told = ", ".join(f"{status}: {count}" for status, count in sorted(self.statuses.items()))
        return f"{self.requests} requests ({told})"


def ask_at_random(url: str, seconds: int, caller: Caller, *, seed: int) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "schemathesis.toml").write_text(SETTINGS)
        events = Path(folder) / "events.ndjson"
        command = [
            sys.executable,
            "-m",
            "schemathesis.cli",
            "run",
            str(REPOSITORY / "contracts/openapi.json"),
        ]
        command += [
            "--url",
            url,
            "--checks",
            ",".join(CHECKS),
            "--max-time",
            str(seconds),
            "--seed",
            str(seed),
        ]
        command += [
            "--generation-database",
            "none",
            "--suppress-health-check",
            "all",
            "--continue-on-failure",
        ]
        command += ["--request-timeout", "30", "--no-color", "--report-ndjson-path", str(events)]
        if seconds < SHORT_SECONDS:
            command += ["--phases", "fuzzing", "--max-examples", "10"]
        for path in (*LEFT_OUT, *caller.skip):
            command += ["--exclude-path", path]
        # Credentials that are made up take the place of the caller's own.
        if caller.headers:
            command += ["--generation-with-security-parameters", "false"]
        for name, value in caller.headers.items():
            command += ["--header", f"{name}: {value}"]
        judged = {
            "SCHEMATHESIS_HOOKS": str(Path(__file__).with_name("judge.py")),
            "BEMI_FUZZ_ROLE": caller.role,
            "BEMI_FUZZ_CREDENTIAL": caller.credential,
            "BEMI_FUZZ_SECRET": SECRET,
        }
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **judged, "PYTHONPATH": str(PACKAGES)},
            capture_output=True,
            text=True,
            timeout=seconds + GRACE_SECONDS,
        )
        return Result(done.returncode, done.stdout + done.stderr, _statuses(events))


def unforeseen(log: str) -> list[str]:
    """Lines of a server's log that should not be there, whatever is asked."""
    return re.findall(r".*(?:unforeseen|ended in an exception|AddressSanitizer|runtime error:).*", log)


def _statuses(events: Path) -> dict[str, int]:
    counted: dict[str, int] = {}
    text = events.read_text() if events.exists() else ""
    for status in re.findall(r'"status_code":\s*(\d+)', text):
        counted[status] = counted.get(status, 0) + 1
    return counted
