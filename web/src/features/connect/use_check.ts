// SPDX-License-Identifier: LGPL-3.0-or-later
// The check of both ends, run again while a person types.
import { useEffect, useState } from "preact/hooks";
import { type CheckedSource, type NewSource, post } from "../../api.ts";

const PAUSE_MS = 700;

export function useCheck(body: NewSource, isReady: boolean, attempt: number) {
  const [state, setState] = useState<{ of: string; found?: CheckedSource; error?: unknown }>({ of: "" });
  const key = JSON.stringify([body, attempt]);
  useEffect(() => {
    if (!isReady) return;
    let isOld = false;
    const timer = setTimeout(() => {
      post("/api/managed/check", body).then(
        (found) => !isOld && setState({ of: key, found }),
        (error: unknown) => !isOld && setState({ of: key, error }),
      );
    }, PAUSE_MS);
    return () => {
      isOld = true;
      clearTimeout(timer);
    };
  }, [key, isReady]);
  return { ...state, isChecking: isReady && state.of !== key };
}
