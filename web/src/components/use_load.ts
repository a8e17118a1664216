// SPDX-License-Identifier: LGPL-3.0-or-later
// Data that a screen loads from the API.
import { useEffect, useState } from "preact/hooks";

/** Loads when `key` changes; what came before stays until the new is there. */
export function useLoad<T>(key: string, load: (signal: AbortSignal) => Promise<T>) {
  const [state, setState] = useState<{ key: string; value?: T; error?: unknown }>({ key: "" });
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    load(abort.signal).then(
      (value) => !abort.signal.aborted && setState({ key, value }),
      (error: unknown) => !abort.signal.aborted && setState((before) => ({ ...before, key, error })),
    );
    return () => abort.abort();
  }, [key, attempt]);
  const retry = () => {
    setState((before) => ({ ...before, error: undefined }));
    setAttempt((number) => number + 1);
  };
  return {
    value: state.value,
    error: state.key === key ? state.error : undefined,
    isLoading: state.key !== key,
    retry,
  };
}
