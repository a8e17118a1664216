// SPDX-License-Identifier: LGPL-3.0-or-later
import { describe, expect, test } from "vitest";
import { contextField, filterParameters, parseFilter, tableName, tokens, writeFilter } from "./filter.ts";

describe("the filter bar's language", () => {
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

  test("a context key that looks like ours is said outright", () => {
    expect(parseFilter("context.table:x").filter.context).toEqual([["table", "x"]]);
    expect(parseFilter(contextField("op", "a b")).filter.context).toEqual([["op", "a b"]]);
  });

  test("what cannot be meant is said, not guessed", () => {
    expect(parseFilter("op:jump").problems[0]).toContain("op: is one of");
    expect(parseFilter("tx:abc").problems).toEqual(["tx: is a number"]);
    expect(parseFilter("table:").problems).toEqual(["table: needs a value"]);
  });

  test("what is written is read again as the same, whatever it holds", () => {
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
});
