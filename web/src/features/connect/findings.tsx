// SPDX-License-Identifier: LGPL-3.0-or-later
// The findings of a check, each with its fix, and the SQL of the start.
import { useState } from "preact/hooks";
import type { CheckedSource, Finding } from "../../api.ts";
import { copy } from "../../components/copy.ts";
import { Icon } from "../../components/icons.tsx";
import { SqlText } from "../../components/sql_text.tsx";
import { count, plural } from "../../time.ts";

const TONES = { ok: "good", info: "none", warning: "warn", error: "bad" } as const;
const ORDER = ["error", "warning", "info", "ok"];

export function Steps({ steps }: { steps: CheckedSource["steps"] }) {
  return (
    <details class="steps">
      <summary class="row">
        <Icon name="right" size={14} />
        <h3>On start, Bemi runs {plural(steps.length, "statement")} on the source</h3>
      </summary>
      <SqlText>{steps.map(({ what, sql }) => `-- ${what}\n${sql};`).join("\n\n")}</SqlText>
    </details>
  );
}

const isFine = ({ severity, prepared }: Finding) => severity === "ok" || prepared;

export function Findings({ title, findings }: { title: string; findings: Finding[] }) {
  const [isAll, setAll] = useState(false);
  const sorted = [...findings].sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
  const fine = sorted.filter(isFine).length;
  const shown = isAll ? sorted : sorted.filter((finding) => !isFine(finding));
  return (
    <div>
      <h3>{title}</h3>
      <ul class="findings">
        {shown.map((finding) => (
          <FindingLine key={`${finding.subject}/${finding.what}`} finding={finding} />
        ))}
      </ul>
      {fine > 0 && (
        <button type="button" class="text-link" aria-expanded={isAll} onClick={() => setAll(!isAll)}>
          {isAll
            ? "Show problems only"
            : `${count(fine)} ${fine === 1 ? "check" : "checks"} passed, or fixed on start`}
        </button>
      )}
    </div>
  );
}

function FindingLine({ finding }: { finding: Finding }) {
  const { severity, subject, what, fix, prepared } = finding;
  return (
    <li>
      <span class={`badge ${prepared ? "none" : TONES[severity]}`}>{prepared ? "on start" : severity}</span>
      <div class="stack">
        <p>
          <strong>{subject}</strong>: {what}
        </p>
        {fix !== "" && !prepared && (
          <div class="row fix">
            <SqlText>{fix}</SqlText>
            <button
              type="button"
              class="button quiet icon small"
              aria-label={`Copy the fix for ${subject}`}
              title="Copy"
              onClick={() => copy(fix, "Fix")}
            >
              <Icon name="copy" size={14} />
            </button>
          </div>
        )}
      </div>
    </li>
  );
}
