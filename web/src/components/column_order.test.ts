// SPDX-License-Identifier: LGPL-3.0-or-later
import { expect, test } from "vitest";
import { inTableOrder, tellingFirst } from "./column_order.ts";

const COLUMNS = ["id", "updated_at", "sku", "title", "price"];

test("columns stand in the table's order, and those of old rows behind", () => {
  expect(inTableOrder(["old", "id", "price", "sku", "title", "updated_at"], COLUMNS)).toEqual([
    ...COLUMNS,
    "old",
  ]);
  expect(inTableOrder(["price", "id"], COLUMNS)).toEqual(["id", "price"]);
  expect(inTableOrder(["b", "a"], [])).toEqual(["b", "a"]);
  expect(inTableOrder([], COLUMNS)).toEqual([]);
});

test("what changes with every write stands last in a summary", () => {
  expect(tellingFirst(["updated_at", "price", "old"], COLUMNS)).toEqual(["price", "old", "updated_at"]);
  for (const name of ["modified", "last_modified", "updatedAt", "lock_version", "changed_on"]) {
    expect(tellingFirst([name, "z"], [name, "z"])).toEqual(["z", name]);
  }
  for (const name of ["updated_by", "version", "changed_price", "date"]) {
    expect(tellingFirst([name, "z"], [name, "z"])).toEqual([name, "z"]);
  }
});
