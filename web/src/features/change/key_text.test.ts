// SPDX-License-Identifier: LGPL-3.0-or-later
import { expect, test } from "vitest";
import { keyText } from "./key_text.ts";

test("a key of several columns is shown without its brackets, any other as it is", () => {
  for (const [key, shown] of [
    ['["2756", "WAW-1"]', "2756 · WAW-1"],
    ['["a, b", "say \\"hi\\"", ""]', 'a, b · say "hi" · '],
    ["42", "42"],
    ["[1, 2]", "[1, 2]"],
    ['["alone"]', '["alone"]'],
    ['["a", 1]', '["a", 1]'],
    ['["broken', '["broken'],
    ['["…sha256:00"]', '["…sha256:00"]'],
  ] as const) {
    expect(keyText(key)).toBe(shown);
  }
});
