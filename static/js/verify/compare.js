/** The browser's rows beside the server's. What was looked at in both places must come out the same; anything else is said loudly. */

import { ERROR, FAIL, PASS, SKIPPED } from "./outcomes.js";
import { verdictOf } from "./verdict.js";

/** Reasons of the browser's that only mean: what this check needs is not on the page. */
const NOT_HERE = new Set([
  "artifacts.left-out", "collateral.not-given", "event-log.absent", "image.no-list", "minimum-tcb.none", "nonce.not-given",
  "policy.ref-unknown", "replay.not-looked", "request.none", "revocation.no-list", "times.no-record",
]);
/** Reasons that mean the same when the page says that it does not hand out a document. */
const HIDDEN = { evidence: "evidence.absent", provenance: "provenance.absent" };
/** Checks that only the server's side has: files of the builder image that somebody gave it. */
const SERVER_ONLY = /^image\.(igvm|verity)$/;

/**
 * `{ rows, same, notHere, differing, verdict, unmade, agrees }`. `verdict`: `same`; `fewer`: the site's is another one for checks that the
 * browser cannot make, named in `unmade` by their rows; `contradicts`: the site's does not follow from its own checks; `differs`. A row: `{ code, title, server, browser, reason, relation }`; outcomes are null where a side
 * has no such check. `relation`: `same`; `not-here`: the browser could not look, and says why; `differs`.
 * `server`: of the material; `hidden`: names of documents that the link does not hand out.
 */
export function compareReports(report, server, hidden = []) {
  const mine = new Map(report.checks.map((check) => [check.code, check]));
  const theirs = new Map(server.checks.map((check) => [check.code, check]));
  const codes = [...new Set([...theirs.keys(), ...mine.keys()])];
  const notHere = (check) => isNotHere(check, mine, hidden);
  const rows = codes.map((code) => {
    const browser = mine.get(code) ?? null;
    const site = theirs.get(code) ?? null;
    return {
      code, title: site?.title ?? browser.title, server: site?.outcome ?? null, browser: browser?.outcome ?? null,
      reason: reasonShown(browser, site), required: site?.required ?? browser.required, relation: relation(site, browser, { notHere, hidden }),
    };
  });
  const count = (kind) => rows.filter((row) => row.relation === kind).length;
  const verdict = verdictRelation(report, server, { differing: count("differs"), notHere: count("not-here") });
  const unmade = rows.filter((row) => row.relation === "not-here" && (row.server === FAIL || (row.required && row.server !== PASS)));
  const agrees = verdict === "same" || verdict === "fewer";
  return { rows, same: count("same"), notHere: count("not-here"), differing: count("differs"), verdict, unmade, agrees };
}

/** How the two verdicts stand to each other. A site that names checks and another verdict than theirs deceives, or is broken. */
function verdictRelation(report, server, { differing, notHere }) {
  if (differing > 0) return "differs";
  const own = verdictOf(server.checks, { hasEvidence: report.evidence_sha256 !== "", anchorKind: report.anchor_kind });
  if (own !== server.verdict) return "contradicts";
  if (report.verdict === server.verdict) return "same";
  return notHere > 0 ? "fewer" : "differs";
}

function relation(site, browser, { notHere, hidden }) {
  if (site === null) return hidden.length > 0 && browser.outcome !== PASS && notHere(browser) ? "not-here" : "differs";
  if (browser === null) return hidden.includes("evidence") || SERVER_ONLY.test(site.code) ? "not-here" : "differs";
  if (site.outcome === browser.outcome) return "same";
  return notHere(browser) ? "not-here" : "differs";
}

/** Whether a check was not made for want of what the page has not, itself or one that it depends on. */
function isNotHere(check, byCode, hidden) {
  if (check.outcome !== SKIPPED && check.outcome !== ERROR) return false;
  if (NOT_HERE.has(check.reason_code)) return true;
  if (hidden.some((name) => HIDDEN[name] === check.reason_code)) return true;
  if (check.reason_code !== "depends") return false;
  return check.depends_on.some((code) => !byCode.has(code) || isNotHere(byCode.get(code), byCode, hidden));
}

/** The site's words, which may be translated, where both say the same; else the browser's. */
function reasonShown(browser, site) {
  if (browser === null) return { text: "", own: false };
  const same = site !== null && site.reason_code === browser.reason_code;
  return { text: same ? site.reason : browser.reason, own: !same };
}
