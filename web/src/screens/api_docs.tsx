// SPDX-License-Identifier: LGPL-3.0-or-later
// The API, readable: what contracts/openapi.json says, with a request to copy and, where it only
// reads, to try.
import { useState } from "preact/hooks";
import { address, get, Problem } from "../api.ts";
import { Icon } from "../icons.tsx";
import { type Json, pretty } from "../json.ts";
import { copy, Failed, Skeleton, useLoad } from "../parts/basics.tsx";

interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: string[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  default?: Json;
  format?: string;
  description?: string;
}

interface Parameter {
  $ref?: string;
  name: string;
  in: string;
  description?: string;
  required?: boolean;
  schema?: Schema;
}

interface Operation {
  tags: string[];
  operationId: string;
  summary: string;
  description?: string;
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { description?: string; content?: Record<string, { schema: Schema }> }>;
  security?: [];
}

interface Description {
  info: { title: string; description: string; summary: string };
  tags: { name: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { parameters: Record<string, Parameter>; schemas: Record<string, Schema> };
}

export function ApiDocs() {
  const { value, error, retry } = useLoad("openapi", (signal) =>
    get<Description>("/api/openapi.json", {}, signal),
  );
  if (error !== undefined) return <Failed error={error} retry={retry} />;
  if (!value) return <Skeleton lines={10} />;
  return (
    <>
      <header class="page-head">
        <div class="titles">
          <h1>API</h1>
        </div>
        <span class="spacer" />
        <a class="button small" href="/api/openapi.json" target="_blank" rel="noreferrer">
          <Icon name="download" size={14} /> openapi.json
        </a>
      </header>
      <div class="api-intro">
        <p>
          All that this dashboard does, scripts can do: send the token as{" "}
          <code>Authorization: Bearer TOKEN</code>. {value.info.description}
        </p>
      </div>
      {value.tags.map(({ name }) => (
        <section key={name} class="api-tag" aria-label={name}>
          <h2>{name}</h2>
          {Object.entries(value.paths).flatMap(([path, methods]) =>
            Object.entries(methods)
              .filter(([, operation]) => operation.tags.includes(name))
              .map(([method, operation]) => (
                <OperationCard
                  key={operation.operationId}
                  description={value}
                  method={method.toUpperCase()}
                  path={path}
                  operation={operation}
                />
              )),
          )}
        </section>
      ))}
    </>
  );
}

function OperationCard(props: {
  description: Description;
  method: string;
  path: string;
  operation: Operation;
}) {
  const { description, method, path, operation } = props;
  const parameters = (operation.parameters ?? []).map((one) =>
    one.$ref ? description.components.parameters[one.$ref.split("/").at(-1)!]! : one,
  );
  const [media, answer] = Object.entries(operation.responses["200"]?.content ?? {})[0] ?? [];
  return (
    <details class="card operation">
      <summary>
        <span class={`badge ${method === "GET" ? "UPDATE" : method === "DELETE" ? "DELETE" : "CREATE"}`}>
          {method}
        </span>
        <code class="ellipsis">{path}</code>
        <span class="muted ellipsis">{operation.summary}</span>
        <span class="spacer" />
        <Icon name="down" size={14} />
      </summary>
      <div class="body stack">
        {operation.description && <p>{operation.description}</p>}
        {parameters.length > 0 && (
          <div>
            <h3>Parameters</h3>
            <dl class="facts api-facts">
              {parameters.map((parameter) => (
                <ParameterLine key={`${parameter.in}/${parameter.name}`} parameter={parameter} />
              ))}
            </dl>
          </div>
        )}
        {answer && (
          <div>
            <h3>
              Answer <span class="muted">{media}</span>
            </h3>
            <SchemaView schema={answer.schema} description={description} depth={0} />
          </div>
        )}
        <Trial method={method} path={path} parameters={parameters} isStream={media === "text/event-stream"} />
      </div>
    </details>
  );
}

function ParameterLine({ parameter }: { parameter: Parameter }) {
  const { schema } = parameter;
  return (
    <>
      <dt>
        <code>{parameter.name}</code>
        {parameter.required && <span class="required"> required</span>}
      </dt>
      <dd>
        {parameter.description}
        <span class="muted">
          {" "}
          {schema?.enum
            ? schema.enum.join(" | ")
            : schema?.type === "array"
              ? "may be repeated"
              : schema?.type}
          {schema?.default !== undefined && `, default ${String(schema.default)}`}
        </span>
      </dd>
    </>
  );
}

function SchemaView({
  schema,
  description,
  depth,
}: {
  schema: Schema;
  description: Description;
  depth: number;
}) {
  const real = schema.$ref ? description.components.schemas[schema.$ref.split("/").at(-1)!]! : schema;
  const inner = real.items;
  if (inner) return <SchemaView schema={inner} description={description} depth={depth} />;
  if (!real.properties || depth > 2)
    return <span class="muted">{[real.type].flat().filter(Boolean).join(" | ") || "anything"}</span>;
  return (
    <dl class="facts api-facts">
      {Object.entries(real.properties).map(([name, one]) => (
        <>
          <dt>
            <code>{name}</code>
          </dt>
          <dd>
            {one.description && <>{one.description} </>}
            {one.$ref || one.items?.$ref || one.items?.properties ? (
              <>
                <span class="muted">{one.items ? "list of" : "object"}</span>
                <SchemaView schema={one} description={description} depth={depth + 1} />
              </>
            ) : (
              <span class="muted">
                {one.enum ? one.enum.join(" | ") : [one.type].flat().filter(Boolean).join(" | ")}
                {one.format && ` (${one.format})`}
              </span>
            )}
          </dd>
        </>
      ))}
    </dl>
  );
}

function Trial({
  method,
  path,
  parameters,
  isStream,
}: {
  method: string;
  path: string;
  parameters: Parameter[];
  isStream: boolean;
}) {
  const own = parameters.filter((one) => one.in !== "header");
  const [values, setValues] = useState<Record<string, string>>({});
  const [shown, setShown] = useState("");
  const filledPath = path.replace(/\{(\w+)\}/g, (_all, name: string) =>
    encodeURIComponent(values[name] ?? `{${name}}`),
  );
  const asked = own
    .filter((one) => one.in === "query")
    .flatMap(({ name }): [string, string][] => (values[name] ? [[name, values[name]]] : []));
  const target = address(filledPath, asked);
  const curl = `curl ${isStream ? "-N " : ""}${method === "GET" ? "" : `-X ${method} `}-H "Authorization: Bearer $BEMI_TOKEN" '${location.origin}${target.replace(/'/g, "%27")}'`;
  const send = async () => {
    setShown("…");
    try {
      setShown(pretty(await get<Json>(filledPath, asked)));
    } catch (error) {
      setShown(
        error instanceof Problem
          ? `${error.status}: ${error.message}${error.hint && `\n${error.hint}`}`
          : String(error),
      );
    }
  };
  const canTry = method === "GET" && !isStream && path.startsWith("/api/") && path !== "/api/export";
  return (
    <div class="stack trial">
      {canTry && own.length > 0 && (
        <form
          class="trial-form"
          onSubmit={(event) => {
            event.preventDefault();
            void send();
          }}
        >
          {own.map(({ name }) => (
            <label key={name}>
              <span class="muted">{name}</span>
              <input
                class="input mono"
                value={values[name] ?? ""}
                onInput={(event) => setValues({ ...values, [name]: event.currentTarget.value })}
                autocomplete="off"
              />
            </label>
          ))}
          <button type="submit" hidden />
        </form>
      )}
      <pre class="sql">{curl}</pre>
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
        <pre class="sql trial-answer">{shown.length > 20_000 ? `${shown.slice(0, 20_000)}\n…` : shown}</pre>
      )}
    </div>
  );
}
