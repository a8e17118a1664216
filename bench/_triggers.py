# SPDX-License-Identifier: LGPL-3.0-or-later
"""What others track with: trigger functions, without the triggers."""

# The usual generic audit trigger: old and new row as jsonb.
AUDIT = """
create table audit (id bigint generated always as identity primary key, at timestamptz default now(),
  "table" text, operation text, before jsonb, after jsonb);
create function audit() returns trigger language plpgsql as $$ begin
  insert into audit ("table", operation, before, after)
  values (tg_table_name, tg_op, to_jsonb(old), to_jsonb(new)); return null; end $$;
"""

# The migration of the existing package makes this: a row trigger that reads the statement's comment.
READ_COMMENT = """
create function read_comment() returns trigger language plpgsql as $$ declare said text; begin
  said := split_part(split_part(current_query(), '/*Bemi ', 2), ' Bemi*/', 1);
  if said <> '' then perform pg_logical_emit_message(true, '_bemi', said); end if;
  if tg_op = 'DELETE' then return old; end if; return new; end $$;
"""


def audit_trigger(table: str) -> str:
    return (
        f"create trigger audit after insert or update or delete on {table}"
        " for each row execute function audit();"
    )


def comment_trigger(table: str) -> str:
    return (
        f"create trigger read_comment before insert or update or delete on {table}"
        " for each row execute function read_comment();"
    )
