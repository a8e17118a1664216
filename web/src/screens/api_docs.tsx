// SPDX-License-Identifier: LGPL-3.0-or-later
// The API, from contracts/openapi.json, with requests to copy and to try.

import { getJson } from "../api.ts";
import { Icon } from "../components/icons.tsx";
import { Failed, Skeleton } from "../components/states.tsx";
import { useLoad } from "../components/use_load.ts";
import type { Description } from "../features/api_docs/description.ts";
import { OperationCard } from "../features/api_docs/operation_card.tsx";

export function ApiDocs() {
  const { value, error, retry } = useLoad("openapi", (signal) =>
    getJson<Description>("/api/openapi.json", {}, signal),
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
          Scripts can do everything that this dashboard does. Send the access token as{" "}
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
