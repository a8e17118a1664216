// SPDX-License-Identifier: LGPL-3.0-or-later
// Webhooks: each sends the new changes of a filter to an address.
import { useState } from "preact/hooks";
import { type Answer, type Body, get, post, remove, type Webhook } from "../../api.ts";
import { copy } from "../../components/copy.ts";
import { Icon } from "../../components/icons.tsx";
import { Empty, Failed, FailedNotice, Notice, Skeleton } from "../../components/states.tsx";
import { useAction } from "../../components/use_action.ts";
import { useLoad } from "../../components/use_load.ts";
import { NewWebhook } from "./new_webhook.tsx";
import { WebhookLine } from "./webhook_line.tsx";

type Trial = Answer<"/api/webhooks/test", "post"> & { name: string };

/** The actions on webhooks. */
interface Actions {
  isBusy: boolean;
  set: (body: Body<"/api/webhooks">) => Promise<boolean>;
  test: (name: string) => void;
  remove: (name: string) => void;
}

export function Webhooks() {
  const [version, setVersion] = useState(0);
  const found = useLoad(`webhooks ${version}`, (signal) => get("/api/webhooks", {}, signal));
  const [secret, setSecret] = useState<{ name: string; secret: string } | null>(null);
  const [trial, setTrial] = useState<Trial | null>(null);
  const { failed, isBusy, run } = useAction(() => setVersion((number) => number + 1));
  const actions: Actions = {
    isBusy,
    set: (body) =>
      run(async () => {
        const { secret: made } = await post("/api/webhooks", body);
        if (made !== null) setSecret({ name: body.name, secret: made });
      }),
    test: (name) => void run(async () => setTrial({ name, ...(await post("/api/webhooks/test", { name })) })),
    remove: (name) => void run(() => remove("/api/webhooks/{name}", { name })),
  };
  return (
    <div class="stack">
      {failed !== undefined && <FailedNotice error={failed} />}
      {secret && <Secret {...secret} />}
      {trial && (
        <Notice kind={trial.taken ? "good" : "error"}>
          {trial.taken
            ? `${trial.name}: test delivered (${trial.status}).`
            : `${trial.name}: test failed. ${trial.problem}`}
        </Notice>
      )}
      <NewWebhook isBusy={isBusy} onCreate={actions.set} />
      {found.error !== undefined ? (
        <Failed error={found.error} retry={found.retry} />
      ) : !found.value ? (
        <Skeleton lines={4} height={26} />
      ) : (
        <WebhookList webhooks={found.value.webhooks} actions={actions} />
      )}
    </div>
  );
}

function Secret({ name, secret }: { name: string; secret: string }) {
  return (
    <Notice kind="good">
      <p>
        <strong>{name}</strong> signs its requests with this secret. It is shown only once:
      </p>
      <p class="row wrap">
        <code>{secret}</code>
        <button type="button" class="button small" onClick={() => copy(secret, "Secret")}>
          <Icon name="copy" size={14} /> Copy
        </button>
      </p>
    </Notice>
  );
}

function WebhookList({ webhooks, actions }: { webhooks: Webhook[]; actions: Actions }) {
  if (webhooks.length === 0) {
    return (
      <Empty icon="link" title="No webhooks yet">
        <p>
          A webhook sends each new change that matches its filter to a URL: a chat, a queue, an alarm.
          Requests are signed, come in order, and are retried until they succeed.
        </p>
      </Empty>
    );
  }
  return (
    <section class="card" aria-label="Webhooks">
      {webhooks.map((webhook) => (
        <WebhookLine
          key={webhook.name}
          webhook={webhook}
          isBusy={actions.isBusy}
          onSet={(body) => void actions.set(body)}
          onTest={() => actions.test(webhook.name)}
          onRemove={() => actions.remove(webhook.name)}
        />
      ))}
    </section>
  );
}
