/** The verdict that follows from checks, by precedence: the first that applies. */

import { ALLOW_LIST } from "./image.js";
import { ERROR, FAIL, PASS } from "./outcomes.js";

/** The first check that failed. One that was made and does not hold counts, required or not. */
export function checkBroken(checks) {
  return checks.find((check) => check.outcome === FAIL) ?? null;
}

/** The required check that the verdict waits for: one that could not be made before one that only depends on it. */
export function checkUnmade(checks) {
  const waiting = checks.filter((check) => check.required && check.code !== ALLOW_LIST && ![PASS, FAIL].includes(check.outcome));
  return waiting.find((check) => check.outcome === ERROR) ?? waiting[0] ?? null;
}

/** `anchorKind`: of the anchor that signed, `hardware` or `test`; empty: none did. */
export function verdictOf(checks, { hasEvidence, anchorKind }) {
  if (checkBroken(checks) !== null) return "failed";
  if (anchorKind === "test") return "simulated";
  if (!hasEvidence) return "unattested";
  const recognised = checks.find((check) => check.code === ALLOW_LIST);
  if (checkUnmade(checks) !== null || anchorKind !== "hardware" || !recognised) return "incomplete";
  return recognised.outcome === PASS ? "confirmed" : "unpinned";
}
