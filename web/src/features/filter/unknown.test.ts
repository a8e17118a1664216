// SPDX-License-Identifier: LGPL-3.0-or-later
import { expect, test } from "vitest";
import { parseFilter } from "./filter.ts";
import { closest, unknownNames } from "./unknown.ts";

const KNOWN = {
  tables: [
    { schema: "public", table: "product" },
    { schema: "Odd S", table: "t" },
  ],
  keys: ["user_id", "endpoint"],
  sources: ["shop", "billing"],
};
const unknown = (text: string) => unknownNames(parseFilter(text).filter, KNOWN);

test("a slip of the finger is told from another word", () => {
  expect(closest("usr_id", ["endpoint", "user_id"])).toBe("user_id");
  expect(closest("prodct", ["product", "payment"])).toBe("product");
  expect(closest("zebra", ["product", "payment"])).toBeUndefined();
});

test("names that are there are no mistake", () => {
  expect(unknown("table:product user_id:42 source:shop")).toEqual([]);
  expect(unknown('table:public.product table:"\\"Odd S\\".t"')).toEqual([]);
  expect(unknown("no:usr_id some text")).toEqual([]);
});

test("unknown names are said, each with what may have been meant", () => {
  expect(unknown("table:prodct usr_id:42 source:shopp")).toEqual([
    "No table prodct is tracked; did you mean product?",
    "There is no source shopp; did you mean shop?",
    "No recent context has the key usr_id; did you mean user_id?",
  ]);
  expect(unknown("table:zebra")).toEqual(["No table zebra is tracked"]);
});

test("nothing is judged before the names are loaded", () => {
  const { filter } = parseFilter("table:prodct usr_id:42 source:shopp");
  expect(unknownNames(filter, { tables: null, keys: null, sources: null })).toEqual([]);
  expect(unknownNames(filter, { tables: null, keys: [], sources: null })).toEqual([]);
});
