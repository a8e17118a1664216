// SPDX-License-Identifier: LGPL-3.0-or-later
// The destination of a new source, and the retention of its changes.
import { Choice, type Option } from "../../components/choice.tsx";
import { Field } from "../../components/field.tsx";
import type { Asked, Destination, Form } from "./request.ts";

const DESTINATIONS: Option<Destination>[] = [
  { value: "here", name: "This database" },
  { value: "other", name: "Another database" },
  { value: "new", name: "New database" },
];

/** The attributes of an input for one field of the form. */
export type FieldOf = (name: keyof Asked) => {
  class: string;
  name: string;
  value: string;
  spellcheck: boolean;
  onInput: (event: { currentTarget: HTMLInputElement }) => void;
};

export function DestinationFields(props: { form: Form; field: FieldOf; onChange: (form: Form) => void }) {
  const { form, field } = props;
  return (
    <div class="stack destination">
      <div class="row wrap">
        <span class="label">Store the history in</span>
        <Choice
          label="Store the history in"
          options={DESTINATIONS}
          value={form.destination}
          onChange={(destination) => props.onChange({ ...form, destination })}
        />
      </div>
      {form.destination === "other" && (
        <Field
          label="Connection URL of the history database"
          {...field("destination_url")}
          placeholder="postgresql://bemi:password@audit.example.org/history"
        />
      )}
      {form.destination === "new" && <NewDatabase {...props} />}
      <div class="retention">
        <Field
          label="Keep changes for"
          {...field("retention")}
          placeholder="forever, or 90d, or todo=30d, 2 years"
        />
      </div>
    </div>
  );
}

function NewDatabase({
  form,
  field,
  onChange,
}: {
  form: Form;
  field: FieldOf;
  onChange: (form: Form) => void;
}) {
  return (
    <div class="connect-more">
      <Field
        label="Admin URL of its server (used once, never stored)"
        {...field("new_admin_url")}
        placeholder="postgresql://admin:password@audit.example.org/postgres"
      />
      <Field label="Name of the new database" {...field("new_database")} placeholder="history" />
      <Field
        label="Name of the new role"
        {...field("new_role")}
        placeholder={form.asked.new_database.trim() || "defaults to the database name"}
      />
      <label class="check">
        <input
          type="checkbox"
          checked={form.takesOver}
          onChange={(event) => onChange({ ...form, takesOver: event.currentTarget.checked })}
        />{" "}
        Use an existing database and role with these names
      </label>
    </div>
  );
}
