// SPDX-License-Identifier: LGPL-3.0-or-later
// The form for a new webhook.
import { useState } from "preact/hooks";
import type { Body } from "../../api.ts";
import { Field } from "../../components/field.tsx";
import { query } from "../../router.ts";
import { filterBody, filterParameters, parseFilter } from "../filter/filter.ts";

type NewWebhookBody = Body<"/api/webhooks">;

export function NewWebhook(props: { isBusy: boolean; onCreate: (body: NewWebhookBody) => Promise<boolean> }) {
  const [words, setWords] = useState(query.value.get("filter") ?? "");
  const { filter, problems } = parseFilter(words);
  const onSubmit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const text = (name: string) => String(new FormData(form).get(name) ?? "").trim();
    const body = { name: text("name"), url: text("url"), filter: filterBody(filterParameters(filter)) };
    if (!(await props.onCreate(body))) return;
    form.reset();
    setWords("");
  };
  return (
    <form class="card confirm" aria-label="New webhook" onSubmit={(event) => void onSubmit(event)}>
      <div class="row wrap confirm-fields">
        <Field label="Name" name="name" required maxLength={200} />
        <Field
          label="URL"
          grows
          class="mono"
          name="url"
          type="url"
          required
          placeholder="https://example.org/hook"
        />
        <Field
          label="Filter (empty = all changes)"
          grows
          class="mono"
          name="words"
          value={words}
          aria-invalid={problems.length > 0}
          placeholder="table:payment op:delete"
          onInput={(event) => setWords(event.currentTarget.value)}
        />
        <button type="submit" class="button primary" disabled={props.isBusy || problems.length > 0}>
          Add webhook
        </button>
      </div>
      {problems.length > 0 && <p class="filter-problem">{problems.join("; ")}</p>}
    </form>
  );
}
