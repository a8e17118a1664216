// SPDX-License-Identifier: LGPL-3.0-or-later
// A record's key for people: the history has the values of several columns as a JSON array.
export function keyText(key: string): string {
  if (!key.startsWith('["')) return key;
  try {
    const parts: unknown = JSON.parse(key);
    const isList = Array.isArray(parts) && parts.length > 1;
    return isList && parts.every((part) => typeof part === "string") ? parts.join(" · ") : key;
  } catch {
    return key;
  }
}
