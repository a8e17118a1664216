// SPDX-License-Identifier: LGPL-3.0-or-later
// One action at a time, and its outcome.
import { useState } from "preact/hooks";

export function useAction(onDone: () => void) {
  const [failed, setFailed] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const run = async (act: () => Promise<unknown>): Promise<boolean> => {
    setBusy(true);
    setFailed(undefined);
    try {
      await act();
      onDone();
      return true;
    } catch (problem) {
      setFailed(problem);
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { failed, isBusy, run, forget: () => setFailed(undefined) };
}
