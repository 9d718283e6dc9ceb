/** Can the two documents be read at all? */

import { envelopeParse } from "./envelope.js";
import { CheckFailed, CheckImpossible, NotAsked, passed, step } from "./outcomes.js";
import { statementParse } from "./statement.js";

export const EVIDENCE = "documents.evidence";
export const PROVENANCE = "documents.provenance";

function evidence(inquiry) {
  if (inquiry.evidenceBytes === null) {
    if (inquiry.endpointAttests) {
      throw new CheckFailed("evidence.absent", "the server is marked as one that attests, but its result holds no evidence.json");
    }
    throw new NotAsked("evidence.absent", "there is no evidence.json");
  }
  Object.assign(inquiry, envelopeParse(inquiry.evidenceBytes));
  return passed({ actual: `${inquiry.evidenceBytes.length} bytes, platform tag ${inquiry.platform}` });
}

function provenance(inquiry) {
  if (inquiry.provenanceBytes === null) throw new CheckImpossible("provenance.absent", "there is no provenance.json");
  // A second judgement of the same bytes reads the same in them.
  inquiry.statement ??= statementParse(inquiry.provenanceBytes);
  return passed({ actual: `${inquiry.provenanceBytes.length} bytes` });
}

export const EVIDENCE_STEP = step(EVIDENCE, "documents", evidence);
export const PROVENANCE_STEP = step(PROVENANCE, "documents", provenance);
