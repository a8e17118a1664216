// SPDX-License-Identifier: LGPL-3.0-or-later
// One operation of the API.

import { Icon } from "../../components/icons.tsx";
import type { Description, Operation, Parameter, Schema } from "./description.ts";
import { Trial } from "./trial.tsx";

/** The last part of a reference such as #/components/schemas/Change. */
const nameIn = (reference: string) => reference.split("/").at(-1) ?? "";

export function OperationCard(props: {
  description: Description;
  method: string;
  path: string;
  operation: Operation;
}) {
  const { description, method, path, operation } = props;
  const parameters = (operation.parameters ?? []).map((one) =>
    one.$ref ? (description.components.parameters[nameIn(one.$ref)] ?? one) : one,
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
  const real = schema.$ref ? (description.components.schemas[nameIn(schema.$ref)] ?? schema) : schema;
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
