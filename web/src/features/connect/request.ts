// SPDX-License-Identifier: LGPL-3.0-or-later
// The connect form as typed, and as the API takes it.
import type { NewSource } from "../../api.ts";

/** The fields of the form. */
export interface Asked {
  url: string;
  name: string;
  admin_url: string;
  revert_url: string;
  retention: string;
  destination_url: string;
  new_admin_url: string;
  new_database: string;
  new_role: string;
}

/** The database that stores the history: this server's, another one, or a new one. */
export type Destination = "here" | "other" | "new";

/** The whole form. */
export interface Form {
  asked: Asked;
  destination: Destination;
  takesOver: boolean;
}

export const EMPTY: Form = {
  asked: {
    url: "",
    name: "",
    admin_url: "",
    revert_url: "",
    retention: "",
    destination_url: "",
    new_admin_url: "",
    new_database: "",
    new_role: "",
  },
  destination: "here",
  takesOver: false,
};

export const isAddress = (url: string) => /^postgres(ql)?:\/\/.+|.*\bhost\s*=/.test(url.trim());

/** The form as the API takes it, without the empty fields. */
export function bodyOf({ asked, destination, takesOver }: Form): NewSource {
  const filled = (names: (keyof Asked)[]) =>
    Object.fromEntries(names.map((name) => [name, asked[name].trim()]).filter(([, text]) => text !== ""));
  return {
    url: asked.url.trim(),
    ...filled(["name", "admin_url", "revert_url"]),
    ...(asked.retention.trim() !== "" && { retention: asked.retention.split(",").map((one) => one.trim()) }),
    ...(destination === "other" && filled(["destination_url"])),
    ...(destination === "new" && {
      new_destination: {
        admin_url: asked.new_admin_url.trim(),
        database: asked.new_database.trim(),
        role: asked.new_role.trim(),
        take_over: takesOver,
      },
    }),
  };
}

/** Whether the form has enough for a check. */
export function canCheck({ asked, destination }: Form): boolean {
  if (!isAddress(asked.url) || (asked.admin_url !== "" && !isAddress(asked.admin_url))) return false;
  if (destination === "other") return isAddress(asked.destination_url);
  return destination === "here" || (isAddress(asked.new_admin_url) && asked.new_database.trim() !== "");
}
