// SPDX-License-Identifier: LGPL-3.0-or-later
// Downloads of the selected changes.

import { address } from "../../api.ts";
import { Icon } from "../../components/icons.tsx";
import { Menu } from "../../components/menu.tsx";

export function ExportMenu({ parameters }: { parameters: [string, string][] }) {
  return (
    <Menu
      kind="small"
      title="Export"
      label={
        <>
          <Icon name="download" size={14} />
          <span class="hide-phone">Export</span>
        </>
      }
    >
      <a download href={address("/api/export", [...parameters, ["format", "csv"]])}>
        CSV <span class="hint">all matches</span>
      </a>
      <a download href={address("/api/export", [...parameters, ["format", "jsonl"]])}>
        JSON lines <span class="hint">all matches</span>
      </a>
    </Menu>
  );
}
