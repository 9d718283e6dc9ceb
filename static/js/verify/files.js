/** Are the files the ones that the build made? */

import { PROVENANCE } from "./documents.js";
import { nameFault, nameFolded } from "./names.js";
import { CheckFailed, CheckImpossible, ERROR, FAIL, NotAsked, PASS, SKIPPED, passed, step } from "./outcomes.js";
import { quoted } from "./texts.js";

export const DIGESTS = "artifacts.digests";
const SUBJECTS = "artifacts.subjects";
const MISSING = "its bytes are missing";

function subjects({ statement }) {
  if (statement.subjects.length === 0) {
    throw new CheckFailed("subjects.empty", "the document names no file: there is nothing that it could confirm");
  }
  const seen = new Map();
  for (const { name, sha256, digests } of statement.subjects) {
    const fault = nameFault(name);
    if (fault) throw new CheckFailed("subjects.name", `the file name ${quoted(name, 120)} is refused: ${fault}`);
    const folded = nameFolded(name);
    if (seen.has(folded)) {
      throw new CheckFailed("subjects.doubled", `${quoted(name)} and ${quoted(seen.get(folded))} may be one file`);
    }
    seen.set(folded, name);
    if (digests.length !== 1 || digests[0][0] !== "sha256" || !sha256) {
      throw new CheckFailed("subjects.digest", `${quoted(name)} is not named by one SHA-256`);
    }
  }
  return passed({ actual: `${statement.subjects.length} named` });
}

/** `inquiry.artifacts`: name → every copy `{ hex, size }` that was hashed; null: files are left out. */
function digests(inquiry) {
  if (inquiry.artifacts === null) throw new NotAsked("artifacts.left-out", "left out as asked");
  const results = inquiry.statement.subjects.map((subject) => result(subject, inquiry.artifacts.get(subject.name) ?? []));
  inquiry.artifactResults = results;
  const failed = results.filter((item) => item.outcome === FAIL);
  const missing = results.filter((item) => item.outcome === ERROR);
  const counted = `${results.length - failed.length - missing.length} of ${results.length} match`;
  if (failed.length > 0) {
    const seen = { expected: failed[0].sha256, actual: `${failed[0].reason}; ${counted}` };
    throw new CheckFailed("artifacts.differ", `not the file that was built: ${listed(failed)}`, seen);
  }
  if (missing.length > 0) throw new CheckImpossible("artifacts.missing", `the bytes of ${listed(missing)} are missing`);
  return passed({ actual: counted });
}

function result({ name, sha256 }, copies) {
  const wrong = copies.find((copy) => copy.hex !== sha256);
  if (wrong) return { name, sha256, outcome: FAIL, reason: `its SHA-256 is ${wrong.hex}`, size: wrong.size };
  if (copies.length === 0) return { name, sha256, outcome: ERROR, reason: MISSING, size: null };
  return { name, sha256, outcome: PASS, reason: "", size: copies.at(-1).size };
}

function listed(results) {
  const shown = results.slice(0, 5).map((item) => item.name).join(", ");
  return results.length <= 5 ? shown : `${shown} and ${results.length - 5} more`;
}

/** One row for each file that the document names, also where nobody looked; then `reason` says why. */
export function resultsShown(inquiry, reason) {
  if (inquiry.artifactResults !== null) return inquiry.artifactResults;
  const named = inquiry.statement?.subjects ?? [];
  return named.map(({ name, sha256 }) => ({ name, sha256, outcome: SKIPPED, reason, size: null }));
}

export const FILE_STEPS = [
  step(SUBJECTS, "artifacts", subjects, [PROVENANCE]),
  step(DIGESTS, "artifacts", digests, [PROVENANCE, SUBJECTS]),
];
