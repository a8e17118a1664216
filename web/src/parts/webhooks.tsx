// SPDX-License-Identifier: LGPL-3.0-or-later
// Webhooks: saved filters whose new changes are sent to an address.
import { useState } from "preact/hooks";
import { get, post, remove, type Webhook } from "../api.ts";
import { filterBody, filterParameters, filterText, parseFilter } from "../filter.ts";
import { Icon } from "../icons.tsx";
import { link, query } from "../router.ts";
import { count, shortTime } from "../time.ts";
import { copy, Empty, Failed, FailedNotice, Notice, Skeleton, useAction, useLoad } from "./basics.tsx";

interface Tried {
  taken: boolean;
  status: number;
  problem: string;
}

export function Webhooks() {
  const [version, setVersion] = useState(0);
  const { value, error, retry } = useLoad(`webhooks ${version}`, (signal) =>
    get<{ webhooks: Webhook[] }>("/api/webhooks", {}, signal),
  );
  const [secret, setSecret] = useState<{ name: string; secret: string } | null>(null);
  const [tried, setTried] = useState<(Tried & { name: string }) | null>(null);
  const { failed, isBusy, run } = useAction(() => setVersion((number) => number + 1));
  const set = (body: Partial<Webhook> & { renew_secret?: boolean }) =>
    run(async () => {
      const made = await post<{ secret: string | null }>("/api/webhooks", body);
      if (made.secret !== null) setSecret({ name: body.name!, secret: made.secret });
    });
  return (
    <div class="stack">
      {failed !== undefined && <FailedNotice error={failed} />}
      {secret && (
        <Notice kind="good">
          <p>
            What <strong>{secret.name}</strong> sends is signed with this secret. It is shown this once:
          </p>
          <p class="row wrap">
            <code>{secret.secret}</code>
            <button type="button" class="button small" onClick={() => copy(secret.secret, "Secret")}>
              <Icon name="copy" size={14} /> Copy
            </button>
          </p>
        </Notice>
      )}
      {tried && (
        <Notice kind={tried.taken ? "good" : "error"}>
          {tried.taken
            ? `${tried.name} took the test (${tried.status}).`
            : `${tried.name} did not take the test: ${tried.problem}`}
        </Notice>
      )}
      <NewWebhook isBusy={isBusy} onCreate={set} />
      {error !== undefined ? (
        <Failed error={error} retry={retry} />
      ) : !value ? (
        <Skeleton lines={4} height={26} />
      ) : value.webhooks.length === 0 ? (
        <Empty icon="link" title="Nothing is sent anywhere yet">
          <p>
            A webhook sends the changes that a filter selects to an address, as they come: to a chat, a queue,
            an alarm. Signed, in order, and again until they are taken.
          </p>
        </Empty>
      ) : (
        <section class="card" aria-label="Webhooks">
          {value.webhooks.map((webhook) => (
            <WebhookLine
              key={webhook.name}
              webhook={webhook}
              isBusy={isBusy}
              onSet={set}
              onTest={() =>
                run(async () =>
                  setTried({
                    name: webhook.name,
                    ...(await post<Tried>("/api/webhooks/test", { name: webhook.name })),
                  }),
                )
              }
              onRemove={() => run(() => remove(`/api/webhooks/${encodeURIComponent(webhook.name)}`))}
            />
          ))}
        </section>
      )}
    </div>
  );
}

function stateOf(webhook: Webhook): [string, string] {
  if (!webhook.enabled) return ["none", "Off"];
  if (webhook.failures > 0) return ["bad", "Failing"];
  return ["good", webhook.last_success_at === null ? "Waiting" : "Delivering"];
}

function WebhookLine(props: {
  webhook: Webhook;
  isBusy: boolean;
  onSet: (body: Partial<Webhook>) => void;
  onTest: () => void;
  onRemove: () => void;
}) {
  const { webhook, isBusy } = props;
  const [isSure, setSure] = useState(false);
  const [tone, name] = stateOf(webhook);
  const words = filterText(webhook.filter);
  return (
    <div class="mark-line">
      <span class={`badge ${tone}`}>{name}</span>
      <span class="mark-name webhook-name">
        <strong class="ellipsis">{webhook.name}</strong>
        <span class="muted ellipsis mono" title={webhook.url}>
          {webhook.url}
        </span>
      </span>
      <a
        class="text-link mono ellipsis"
        href={link("/changes", { filter: words })}
        title="The changes that it sends"
      >
        {words === "" ? "all changes" : words}
      </a>
      <span class="spacer" />
      <span class="muted number">
        {count(webhook.delivered)} sent
        {webhook.last_success_at !== null && `, last ${shortTime(webhook.last_success_at)}`}
      </span>
      <button type="button" class="button small" disabled={isBusy} onClick={props.onTest}>
        Test
      </button>
      <button
        type="button"
        class="button small"
        disabled={isBusy}
        onClick={() =>
          props.onSet({
            name: webhook.name,
            url: webhook.url,
            filter: webhook.filter,
            enabled: !webhook.enabled,
          })
        }
      >
        {webhook.enabled ? "Turn off" : "Turn on"}
      </button>
      <button
        type="button"
        class={`button small ${isSure ? "danger" : "quiet"}`}
        disabled={isBusy}
        onClick={() => (isSure ? props.onRemove() : setSure(true))}
      >
        {isSure ? `Remove ${webhook.name}` : "Remove…"}
      </button>
      {webhook.last_error !== null && (
        <p class="webhook-problem">
          {webhook.last_error}
          {webhook.next_attempt_at !== null &&
            `; tried ${count(webhook.failures)} times, again at ${shortTime(webhook.next_attempt_at)}`}
        </p>
      )}
    </div>
  );
}

function NewWebhook({
  isBusy,
  onCreate,
}: {
  isBusy: boolean;
  onCreate: (body: Partial<Webhook>) => Promise<boolean>;
}) {
  const [words, setWords] = useState(query.value.get("filter") ?? "");
  const { filter, problems } = parseFilter(words);
  return (
    <form
      class="card confirm"
      onSubmit={(event) => {
        event.preventDefault();
        const form = event.currentTarget;
        const given = new FormData(form);
        const body = {
          name: String(given.get("name")).trim(),
          url: String(given.get("url")).trim(),
          filter: filterBody(filterParameters(filter)),
        };
        void onCreate(body).then((isDone) => {
          if (isDone) form.reset();
          if (isDone) setWords("");
        });
      }}
    >
      <div class="row wrap confirm-fields">
        <label>
          <span>Name</span>
          <input class="input" name="name" required maxLength={200} autocomplete="off" />
        </label>
        <label class="reason">
          <span>Address</span>
          <input
            class="input mono"
            name="url"
            type="url"
            required
            placeholder="https://example.org/hook"
            autocomplete="off"
          />
        </label>
        <label class="reason">
          <span>Which changes; none for all</span>
          <input
            class="input mono"
            name="words"
            value={words}
            aria-invalid={problems.length > 0}
            placeholder="table:payment op:delete"
            autocomplete="off"
            onInput={(event) => setWords(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="button primary" disabled={isBusy || problems.length > 0}>
          Add
        </button>
      </div>
      {problems.length > 0 && <p class="filter-problem">{problems.join("; ")}</p>}
    </form>
  );
}
