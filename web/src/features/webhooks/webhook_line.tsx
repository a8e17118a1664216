// SPDX-License-Identifier: LGPL-3.0-or-later
// One webhook.
import type { Body, Webhook } from "../../api.ts";
import { RemoveButton } from "../../components/remove_button.tsx";
import { link } from "../../router.ts";
import { count, plural, shortTime } from "../../time.ts";
import { filterText } from "../filter/filter.ts";

function stateOf(webhook: Webhook): [string, string] {
  if (!webhook.enabled) return ["none", "Off"];
  if (webhook.failures > 0) return ["bad", "Failing"];
  return ["good", webhook.last_success_at === null ? "Waiting" : "Delivering"];
}

export function WebhookLine(props: {
  webhook: Webhook;
  isBusy: boolean;
  onSet: (body: Body<"/api/webhooks">) => void;
  onTest: () => void;
  onRemove: () => void;
}) {
  const { webhook, isBusy } = props;
  const { name, url, filter, enabled } = webhook;
  const [tone, state] = stateOf(webhook);
  const words = filterText(filter);
  return (
    <div class="mark-line">
      <span class={`badge ${tone}`}>{state}</span>
      <span class="mark-name webhook-name">
        <strong class="ellipsis">{name}</strong>
        <span class="muted ellipsis mono" title={url}>
          {url}
        </span>
      </span>
      <a class="text-link mono ellipsis" href={link("/changes", { filter: words })} title="Matching changes">
        {words === "" ? "all changes" : words}
      </a>
      <span class="spacer" />
      <span class="muted number">
        {count(webhook.delivered)} delivered
        {webhook.last_success_at !== null && `, last ${shortTime(webhook.last_success_at)}`}
      </span>
      <button type="button" class="button small" disabled={isBusy} onClick={props.onTest}>
        Test
      </button>
      <button
        type="button"
        class="button small"
        disabled={isBusy}
        onClick={() => props.onSet({ name, url, filter, enabled: !enabled })}
      >
        {enabled ? "Turn off" : "Turn on"}
      </button>
      <RemoveButton name={name} disabled={isBusy} onRemove={props.onRemove} />
      {webhook.last_error !== null && (
        <p class="problem">
          {webhook.last_error}
          {webhook.next_attempt_at !== null &&
            `; ${plural(webhook.failures, "failed attempt")}, next at ${shortTime(webhook.next_attempt_at)}`}
        </p>
      )}
    </div>
  );
}
