"""What a statement may do, told by its first words: in doubt, it writes."""

from __future__ import annotations

import pytest

from bemi._statement import Kind, fits_in_a_transaction, kind_of

KINDS = {
    Kind.READ: [
        "", ";", "SELECT 1", "select * from t where a in (1, 2) for update of t", "(SELECT 1) UNION (SELECT 2)",
        "SELECT count(*), max(a) FROM t WHERE EXISTS (SELECT 1)", "with x as (select 1) select count(*) from x",
        "SHOW all", "SET LOCAL x = 1", "BEGIN", "COMMIT PREPARED 'x'", "RELEASE SAVEPOINT s", "-- a\n  /* b */ SELECT 1",
        "SELECT pg_catalog.version()", "FETCH 5 FROM c", "ROLLBACK PREPARED 'x'", "SELECT CAST(a AS VARCHAR(5)) FROM t",
    ],
    Kind.CALL: [
        "SELECT f(1)", "select s.add_item(2)", 'SELECT "F"(1)', "SELECT count(*) FROM f(1)",
        "WITH x(a) AS (SELECT 1) SELECT nextval('s') FROM x", "EXPLAIN ANALYZE SELECT f(1)",
    ],
    Kind.WRITE: [
        "INSERT INTO t VALUES (1)", "update t set a = 1", "DELETE FROM t", "MERGE INTO t USING s ON true",
        "TRUNCATE t", "COPY t FROM STDIN", "CALL p()", "DO $$ $$", "CREATE TABLE t ()", "SELECT 1; DELETE FROM t",
        "WITH n AS (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM n", "SELECT * INTO t2 FROM t",
        "/* c */ -- d\nINSERT INTO t VALUES (1)", "EXPLAIN ANALYZE DELETE FROM t", "EXECUTE p(1)", "$1",
    ],
    Kind.BARRIER: ["SAVEPOINT s", "savepoint s"],
    Kind.END: ["PREPARE TRANSACTION 'x'", "COMMIT", "end;"],
    Kind.FORGET: ["DISCARD ALL", "deallocate prepare x"],
    Kind.UNDO: ["ROLLBACK TO SAVEPOINT s", "rollback to s", "ROLLBACK", "abort"],
}  # fmt: skip


@pytest.mark.parametrize(("statement", "kind"), [(s, kind) for kind, some in KINDS.items() for s in some])
def test_kinds(statement: str, kind: Kind) -> None:
    assert kind_of(statement) is kind


def test_statements_that_refuse_a_transaction_run_alone() -> None:
    for statement in (
        "VACUUM t",
        "CALL p()",
        "CREATE INDEX CONCURRENTLY i ON t (a)",
        "INSERT INTO t; VACUUM",
    ):
        assert not fits_in_a_transaction(statement)
    assert fits_in_a_transaction("UPDATE t SET a = 1")
