// SPDX-License-Identifier: LGPL-3.0-or-later
// A request to copy or to try.

import { useState } from "preact/hooks";
import { address, getJson, Problem } from "../../api.ts";
import { copy } from "../../components/copy.ts";
import { Field } from "../../components/field.tsx";
import { Icon } from "../../components/icons.tsx";
import { SqlText } from "../../components/sql_text.tsx";
import { type Json, pretty } from "../../json.ts";
import type { Parameter } from "./description.ts";

interface Props {
  method: string;
  path: string;
  parameters: Parameter[];
  isStream: boolean;
}

const MOST = 20_000;

/** The request as a command line. */
function curlOf({ method, isStream }: Props, target: string): string {
  const words = ["curl", isStream && "-N", method !== "GET" && `-X ${method}`];
  const to = `${location.origin}${target.replace(/'/g, "%27")}`;
  return [...words.filter(Boolean), `-H "Authorization: Bearer $BEMI_TOKEN" '${to}'`].join(" ");
}

export function Trial(props: Props) {
  const { method, path, isStream } = props;
  const own = props.parameters.filter((one) => one.in !== "header");
  const [values, setValues] = useState<Record<string, string>>({});
  const [shown, setShown] = useState("");
  const filled = path.replace(/\{(\w+)\}/g, (_all, name: string) =>
    encodeURIComponent(values[name] ?? `{${name}}`),
  );
  const asked = own
    .filter((one) => one.in === "query")
    .flatMap(({ name }): [string, string][] => (values[name] ? [[name, values[name]]] : []));
  const curl = curlOf(props, address(filled, asked));
  const send = async () => {
    setShown("…");
    try {
      setShown(pretty(await getJson<Json>(filled, asked)));
    } catch (error) {
      setShown(error instanceof Problem ? `${error.status}: ${error.message}\n${error.hint}` : String(error));
    }
  };
  const canTry = method === "GET" && !isStream && path.startsWith("/api/") && path !== "/api/export";
  return (
    <div class="stack trial">
      {canTry && (
        <Inputs names={own.map(({ name }) => name)} values={values} onChange={setValues} onSend={send} />
      )}
      <SqlText>{curl}</SqlText>
      <div class="row">
        {canTry && (
          <button type="button" class="button small primary" onClick={() => void send()}>
            Try it
          </button>
        )}
        <button type="button" class="button small" onClick={() => copy(curl, "Command")}>
          <Icon name="copy" size={14} /> Copy
        </button>
      </div>
      {shown !== "" && (
        <SqlText kind="trial-answer">{shown.length > MOST ? `${shown.slice(0, MOST)}\n…` : shown}</SqlText>
      )}
    </div>
  );
}

function Inputs(props: {
  names: string[];
  values: Record<string, string>;
  onChange: (values: Record<string, string>) => void;
  onSend: () => Promise<void>;
}) {
  if (props.names.length === 0) return null;
  return (
    <form
      class="trial-form"
      onSubmit={(event) => {
        event.preventDefault();
        void props.onSend();
      }}
    >
      {props.names.map((name) => (
        <Field
          key={name}
          label={name}
          class="mono"
          value={props.values[name] ?? ""}
          onInput={(event) => props.onChange({ ...props.values, [name]: event.currentTarget.value })}
        />
      ))}
      <button type="submit" hidden>
        Try it
      </button>
    </form>
  );
}
