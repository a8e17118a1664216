// SPDX-License-Identifier: LGPL-3.0-or-later
import { expect, test } from "vitest";
import { contextField, filterParameters, parseFilter, tableName, tokens, writeFilter } from "./filter.ts";

test("fields, contexts and texts are told apart", () => {
  const { filter, problems } = parseFilter('table:todo user_id:42 op:update "Sleep well" Eat');
  expect(problems).toEqual([]);
  expect(filter).toEqual({
    table: "todo",
    operation: "UPDATE",
    context: [["user_id", "42"]],
    without: [],
    texts: ["Sleep well", "Eat"],
  });
  expect(filterParameters(filter)).toEqual([
    ["table", "todo"],
    ["operation", "UPDATE"],
    ["context", "user_id=42"],
    ["q", "Sleep well"],
    ["q", "Eat"],
  ]);
});

test("a value may hold colons and quotes", () => {
  const { filter } = parseFilter('url:https://a/b endpoint:"/a b" say:"he said \\"no\\""');
  expect(filter.context).toEqual([
    ["url", "https://a/b"],
    ["endpoint", "/a b"],
    ["say", 'he said "no"'],
  ]);
});

test("a context key that looks like a field has a prefix", () => {
  expect(parseFilter("context.table:x").filter.context).toEqual([["table", "x"]]);
  expect(parseFilter(contextField("op", "a b")).filter.context).toEqual([["op", "a b"]]);
});

test("a filter with an error is refused, not guessed", () => {
  expect(parseFilter("op:jump").problems[0]).toContain("op: must be one of");
  expect(parseFilter("tx:abc").problems).toEqual(["tx: must be a number"]);
  expect(parseFilter("table:").problems).toEqual(["table: needs a value"]);
  expect(parseFilter("table:orders table:payment").problems).toEqual(["table: can be used only once"]);
  expect(parseFilter("-op:update").problems[0]).toContain("cannot exclude");
});

test("a written filter reads the same again, whatever it holds", () => {
  const odd = ["a", "", 'q"uote', "a b", "a:b", "\\", '\\"', "ü→x", "context.x", "table", "-no", "  ", "'"];
  for (const value of odd) {
    for (const key of odd.filter((text) => text !== "")) {
      const filter = {
        table: value || "t",
        key: value,
        context: [[key, value || "v"]] as [string, string][],
        without: [key],
        texts: value === "" ? [] : [value],
      };
      const text = writeFilter(filter);
      expect(parseFilter(text).filter, text).toEqual(filter);
    }
  }
});

test("unfinished text never hangs or throws", () => {
  for (const text of ['"', ':"', "a:", ":", '"a', 'a:"b\\', "::", "table::x", "\\", 'x"y"z']) {
    expect(() => tokens(text)).not.toThrow();
  }
});

test("a table's name is quoted where SQL would want it", () => {
  expect(tableName("public", "todo")).toBe("public.todo");
  expect(tableName("Other Schema", 'Od"d')).toBe('"Other Schema"."Od""d"');
});
