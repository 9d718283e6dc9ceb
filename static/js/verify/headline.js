/** The one sentence of a judgement: an English template with named places, and their values, as `verification/sentences.py` has it. */

import { PASS } from "./outcomes.js";
import { REF, REPOSITORY } from "./request.js";
import { visible } from "./texts.js";
import { addressShown } from "./urls.js";
import { checkBroken, checkUnmade } from "./verdict.js";

const UNATTESTED = "Built, not attested: there is no hardware evidence.";
const SIMULATED = "Simulated: signed by a public test key. This proves nothing about hardware.";
const FAILED = "Failed: «{check}»: {reason}. Do not rely on these files.";
const INCOMPLETE = "Not established: «{check}» could not be made because {reason}.";
const INCOMPLETE_NO_ANCHOR = "Not established: no trust anchor was found above the signature.";
const UNPINNED =
  "Hardware-signed, builder not recognised: {article} {platform} machine signed this provenance; which software ran there " +
  "is not established, so its statements about source, tools and files are claims.";
const CONFIRMED =
  "Confirmed: {matching} of {total} files {were} built from {source} at {commit} by {image}, pinned by {pinned_by}, " +
  "in {article} {platform} machine.";
const CONFIRMED_WITHOUT_FILES =
  "Confirmed without files: this provenance, of a build from {source} at {commit}, was made by {image}, " +
  "pinned by {pinned_by}, in {article} {platform} machine.";
const NO_FILES_CHECKED = " 0 of {total} files checked.";
const NEITHER_CHECKED = " Not checked: revocation, firmware level.";
const REVOCATION_UNCHECKED = " Not checked: revocation.";
const FIRMWARE_UNCHECKED = " Not checked: firmware level.";

/** `{ template, params, text }`, with what was not checked in the same breath. */
export function headline(verdict, checks, inquiry, platformTitle) {
  let { template, params } = sentence(verdict, checks, inquiry, platformTitle);
  if (inquiry.artifacts === null && inquiry.statement !== null) {
    template += NO_FILES_CHECKED;
    params = { ...params, total: inquiry.statement.subjects.length };
  }
  if (verdict === "confirmed") template += uncheckedTail(checks);
  return { template, params, text: filled(template, params) };
}

function sentence(verdict, checks, inquiry, platformTitle) {
  if (verdict === "unattested") return { template: UNATTESTED, params: {} };
  if (verdict === "simulated") return { template: SIMULATED, params: {} };
  if (verdict === "failed") return { template: FAILED, params: named(checkBroken(checks)) };
  if (verdict === "incomplete") {
    const unmade = checkUnmade(checks);
    return unmade === null ? { template: INCOMPLETE_NO_ANCHOR, params: {} } : { template: INCOMPLETE, params: named(unmade) };
  }
  const machine = { article: /^[AEIOU]/.test(platformTitle) ? "an" : "a", platform: platformTitle };
  return verdict === "unpinned" ? { template: UNPINNED, params: machine } : confirmed(checks, inquiry, machine);
}

function confirmed(checks, inquiry, machine) {
  const { policyEntry: entry, statement } = inquiry;
  const params = {
    ...machine, source: sourceShown(checks, statement), commit: commitShown(checks, statement), image: entry.name,
    pinned_by: entry.pinned_by,
  };
  if (inquiry.artifacts === null) return { template: CONFIRMED_WITHOUT_FILES, params };
  const total = statement.subjects.length;
  const matching = inquiry.artifactResults.filter((item) => item.outcome === PASS).length;
  return { template: CONFIRMED, params: { ...params, matching, total, were: total === 1 ? "was" : "were" } };
}

function uncheckedTail(checks) {
  const revocation = holds(checks, "revocation");
  const firmware = holds(checks, "minimum-tcb") || holds(checks, "tcb-status");
  if (revocation) return firmware ? "" : FIRMWARE_UNCHECKED;
  return firmware ? REVOCATION_UNCHECKED : NEITHER_CHECKED;
}

function sourceShown(checks, { sourceUri }) {
  const address = addressShown(sourceUri);
  if (holds(checks, REPOSITORY)) return address;
  return address ? `${address} (claimed)` : "a source without an address";
}

function commitShown(checks, { gitCommit }) {
  const commit = visible(gitCommit);
  if (holds(checks, REF)) return commit;
  return `${commit} (${holds(checks, REPOSITORY) ? "unchecked" : "claimed"})`;
}

/** Whether a check of that code, under whatever platform's prefix, was made and holds. */
function holds(checks, code) {
  return checks.some((check) => (check.code === code || check.code.endsWith(`.${code}`)) && check.outcome === PASS);
}

function named(check) {
  return { check: check.title, reason: reasonInline(check.reason) };
}

/** A reason as part of a longer sentence: no final period, and a small first letter unless it begins a name. */
export function reasonInline(reason) {
  let text = reason.trim().replace(/\.+$/, "");
  if (/^\p{Lu}[\p{Ll} ]/u.test(text)) text = text[0].toLowerCase() + text.slice(1);
  return text || "no reason is known";
}

/** A template with its places filled, each once. */
export function filled(template, params) {
  return template.replace(/\{(\w+)\}/g, (place, name) => (Object.hasOwn(params, name) ? String(params[name]) : place));
}
