/** What the tests ask of the verifier: many bundles at once, and of each the rows as they are compared. */

import { verifyMaterial } from "./static/js/verify/index.js";
import { base64Bytes } from "./static/js/verify/bytes.js";
import { nameFolded } from "./static/js/verify/names.js";
import { provenanceBytes } from "./static/js/verify/serialise.js";
import { jsonRead } from "./static/js/verify/json.js";

function bytes(text) {
  return text === null ? null : base64Bytes(text);
}

async function one({ provenance, evidence, artifacts, anchors, ...rest }) {
  const given = { ...rest, provenanceBytes: bytes(provenance), evidenceBytes: bytes(evidence) };
  if (artifacts) given.artifacts = new Map(Object.entries(artifacts));
  if (anchors) given.anchors = anchors;
  return verifyMaterial(given);
}

/** Of each bundle the verdicts, the headline, and every row. */
export async function reports(cases) {
  const found = [];
  for (const item of cases) {
    const { verdict, headline, as_of_build: asOfBuild, anchor_name: anchor, anchor_kind: kind, checks, artifacts } = await one(item);
    found.push({ verdict, headline: headline.text, asOfBuild: asOfBuild?.verdict ?? null, anchor, kind, checks, artifacts });
  }
  return found;
}

/** The folded form of each name. */
export function folded(names) {
  return names.map(nameFolded);
}

/** Numbers and texts as they are written again. */
export function rewritten(texts) {
  return texts.map((text) => new TextDecoder().decode(provenanceBytes(jsonRead(text).value)));
}
