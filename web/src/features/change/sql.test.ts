// SPDX-License-Identifier: LGPL-3.0-or-later
import { expect, test } from "vitest";
import type { Change } from "../../api.ts";
import { Exact, pretty, type Row, same, write } from "../../json.ts";
import { asSql } from "./sql.ts";

const change = (operation: Change["operation"], before: Row, after: Row): Change =>
  ({ schema: "public", table: "Od d", operation, before, after }) as Change;

test("a change becomes the statement that does it again", () => {
  expect(
    asSql(change("UPDATE", { id: 1, task: "a", n: null }, { id: 1, task: "it's", n: null }), ["id"]),
  ).toBe("UPDATE public.\"Od d\"\nSET task = 'it''s'\nWHERE id = 1;");
  expect(asSql(change("DELETE", { a: null, b: true }, {}), null)).toBe(
    'DELETE FROM public."Od d"\nWHERE a IS NULL AND b = TRUE;',
  );
  expect(
    asSql(change("CREATE", {}, { id: new Exact("12345678901234567890"), j: { a: ["'"] } }), ["id"]),
  ).toBe('INSERT INTO public."Od d" (id, j)\nVALUES (12345678901234567890, \'{"a": ["\'\'"]}\');');
});

test("digits are kept and compared", () => {
  expect(write({ a: new Exact("1.50"), b: [] })).toBe('{"a": 1.50, "b": []}');
  expect(same(new Exact("1.50"), 1.5)).toBe(false);
  expect(pretty({ a: [1] })).toBe('{\n  "a": [\n    1\n  ]\n}');
});
