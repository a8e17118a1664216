// SPDX-License-Identifier: LGPL-3.0-or-later
// The form that connects a database: it checks both ends while a person types, then starts a worker.
import { useState } from "preact/hooks";
import { type CheckedSource, post } from "../../api.ts";
import { Field } from "../../components/field.tsx";
import { Icon } from "../../components/icons.tsx";
import { FailedNotice } from "../../components/states.tsx";
import { useAction } from "../../components/use_action.ts";
import { ALL_TABLES, ChooseTables, type Selected } from "./choose_tables.tsx";
import { DestinationFields, type FieldOf } from "./destination_fields.tsx";
import { Findings, Steps } from "./findings.tsx";
import { bodyOf, canCheck, EMPTY, type Form, isAddress } from "./request.ts";
import { useCheck } from "./use_check.ts";

export function Connect({ onDone, onClose }: { onDone: () => void; onClose: () => void }) {
  const [form, setForm] = useState<Form>(EMPTY);
  const [attempt, setAttempt] = useState(0);
  const [selected, setSelected] = useState<Selected>(ALL_TABLES);
  const { failed, isBusy, run } = useAction(onDone);
  const body = bodyOf(form);
  const isReady = canCheck(form);
  const { found, error, isChecking } = useCheck(body, isReady, attempt);
  const start = () =>
    post("/api/managed", {
      ...body,
      exclude: [...selected.exclude],
      ignore_columns: [...selected.ignore_columns],
      redact_columns: [...selected.redact_columns],
    });
  const canStart = isReady && error === undefined && !isChecking && found?.good === true;
  return (
    <section class="card" aria-label="Connect a database">
      <header>
        <h2>Connect a database</h2>
        <span class="spacer" />
        <button type="button" class="button quiet icon small" aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <div class="body stack connect">
        <SourceFields form={form} name={found?.name} onChange={setForm} />
        {!isAddress(form.asked.url) && (
          <p class="muted">
            Bemi checks the database while you type and lists every problem. It changes nothing before you
            start.
          </p>
        )}
        {isChecking && <p class="muted">Checking…</p>}
        {!isChecking && error !== undefined && <FailedNotice error={error} />}
        {found && error === undefined && (
          <CheckResult found={found} isOld={isChecking} selected={selected} onSelect={setSelected} />
        )}
        {failed !== undefined && <FailedNotice error={failed} />}
        <Buttons
          canStart={canStart}
          isBusy={isBusy}
          isChecking={isChecking}
          found={found}
          onStart={() => void run(start)}
          onCheck={() => setAttempt(attempt + 1)}
        />
      </div>
    </section>
  );
}

function Buttons(props: {
  canStart: boolean;
  isBusy: boolean;
  isChecking: boolean;
  found: CheckedSource | undefined;
  onStart: () => void;
  onCheck: () => void;
}) {
  const { found, isBusy } = props;
  return (
    <div class="row wrap">
      <button
        type="button"
        class="button primary"
        disabled={!props.canStart || isBusy}
        onClick={props.onStart}
      >
        {isBusy ? "Starting…" : "Start tracking"}
      </button>
      {found && (
        <button type="button" class="button" disabled={props.isChecking} onClick={props.onCheck}>
          Check again
        </button>
      )}
      {found?.good === false && (
        <span class="muted">Fix the errors first, or enter an owner URL so that Bemi can fix them.</span>
      )}
    </div>
  );
}

function SourceFields(props: { form: Form; name: string | undefined; onChange: (form: Form) => void }) {
  const { form, onChange } = props;
  const field: FieldOf = (name) => ({
    class: "mono",
    name,
    spellcheck: false,
    value: form.asked[name],
    onInput: ({ currentTarget }) =>
      onChange({ ...form, asked: { ...form.asked, [name]: currentTarget.value } }),
  });
  return (
    <>
      <Field
        label="Connection URL (read role)"
        {...field("url")}
        placeholder="postgresql://bemi:password@db.example.org/shop"
        autofocus
      />
      <div class="connect-more">
        <Field
          label="Display name"
          {...field("name")}
          placeholder={props.name ?? "defaults to the database name"}
        />
        <Field
          label="Owner URL (used once for setup, never stored)"
          {...field("admin_url")}
          placeholder="leave empty if the read role can prepare it"
        />
        <Field
          label="Write URL for undo"
          {...field("revert_url")}
          placeholder="leave empty to disable undo"
        />
      </div>
      <DestinationFields form={form} field={field} onChange={onChange} />
    </>
  );
}

function CheckResult(props: {
  found: CheckedSource;
  isOld: boolean;
  selected: Selected;
  onSelect: (selected: Selected) => void;
}) {
  const { found } = props;
  return (
    <div class={`stack ${props.isOld ? "is-stale" : ""}`}>
      <Findings title={`Source: ${found.place}`} findings={found.source} />
      <Findings title="Destination" findings={found.destination} />
      {found.steps.length > 0 && <Steps steps={found.steps} />}
      <ChooseTables tables={found.tables} selected={props.selected} onChange={props.onSelect} />
    </div>
  );
}
