"""Cuts a history that was made in seconds into many partitions, as if it had been made in years."""

from __future__ import annotations

import psycopg

from support.fixtures import Database

# Of a past that is within one partition or two: all its rows are taken out, and go back into the pieces.
CUT = """
do $$
declare
  name text;
  first timestamptz := (select min(effective_at) from changes);
  last timestamptz := (select greatest(max(effective_at), min(effective_at) + interval '1 ms') from changes);
  since timestamptz := (select min(from_time) from _bemi."window");
  until timestamptz := (select max(to_time) from _bemi."window");
  bound timestamptz := since;
begin
  create temp table kept on commit drop as select * from changes;
  for name in select w.name from _bemi."window" w loop
    execute format('alter table changes detach partition %I', name);
    execute format('drop table %I', name);
  end loop;
  for i in 1 .. {pieces} loop
    execute format('create table changes_piece_%s (like changes including defaults including constraints)', i);
    execute format('alter table changes attach partition changes_piece_%s for values from (%L) to (%L)', i, bound,
                   case when i = {pieces} then until else first + i * (last - first) / {pieces} end);
    bound := first + i * (last - first) / {pieces};
  end loop;
  insert into changes select * from kept;
end $$
"""


def cut(database: Database, pieces: int) -> None:
    database.sql(CUT.format(pieces=pieces))


def list_all_but(database: Database, last: int) -> None:
    """The keys of all partitions but the last ones, which nobody has listed yet."""
    names = [str(name) for (name,) in database.sql('select name from _bemi."window" order by from_time')]
    for name in names[:-last]:
        database.sql("select _bemi.list_keys(%s)", name)


def opened(connection: psycopg.Connection, query: str, *values: object) -> set[str]:
    """The partitions that a question opens: it locks them until its transaction ends."""
    with connection.transaction():
        connection.execute(query.encode(), values).fetchall()
        locks = connection.execute(
            "select c.relname from pg_locks l join pg_class c on c.oid = l.relation join pg_inherits i on"
            " i.inhrelid = c.oid where l.pid = pg_backend_pid() and i.inhparent = 'changes'::regclass"
        ).fetchall()
    return {str(name) for (name,) in locks}


def partitions_with(database: Database, condition: str, *values: object) -> set[str]:
    found = database.sql(f"select distinct tableoid::regclass::text from changes where {condition}", *values)
    return {str(name) for (name,) in found}
