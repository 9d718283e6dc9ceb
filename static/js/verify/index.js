/** The verifier's entry: what a page has becomes a question, and the answer a report. See README.md. */

import { ANCHORS } from "./anchors.js";
import { base64Bytes } from "./bytes.js";
import { EMPTY_POLICY, PolicyError, policyOf } from "./policy.js";
import { runChecks } from "./run.js";
import { momentOf } from "./times.js";

export { PolicyError, policyOf };

/** Checks of a whole report, roughly: for a progress bar. */
const CHECKS_EXPECTED = 54;

/** The report on a material. Throws `PolicyError` for a policy that cannot be used, `TypeError` for wrong arguments. */
export async function verifyMaterial({
  provenanceBytes = null, evidenceBytes = null, nonceHex = null, policy = null, request = null, now, receivedAt = null,
  nonceMadeAt = null, endpointAttests = false, evidenceSeenIn = null, artifacts = null, collateral = null, onProgress = null,
  anchors = ANCHORS,
}) {
  if (nonceHex && !/^(?:[0-9a-fA-F]{2})+$/.test(nonceHex)) throw new TypeError("the nonce is not hexadecimal");
  const question = {
    provenanceBytes, evidenceBytes, nonceHex, request: requestOf(request), endpointAttests, evidenceSeenIn, artifacts, collateral,
    policy: policyOf(policy ?? null) ?? EMPTY_POLICY,
    now: momentOf(now),
    receivedAt: receivedAt === null ? null : momentOf(receivedAt),
    nonceMadeAt: nonceMadeAt === null ? null : momentOf(nonceMadeAt),
    anchors: anchors.map(anchorOf),
  };
  const onCheck = onProgress && ((done) => onProgress({ done: Math.min(done, CHECKS_EXPECTED), total: CHECKS_EXPECTED }));
  return runChecks(question, onCheck);
}

/** Fields that are not there mean «no record». */
function requestOf(request) {
  const fields = { repo_url: "", repo_ref: "", resolved_commit: "", git_tree: "", lockfile_sha256: "", claimed: false };
  return request === null ? null : { ...fields, ...request };
}

/** An anchor of `anchors.js` with its texts decoded. */
function anchorOf(anchor) {
  return {
    name: anchor.name, kind: anchor.kind, generation: anchor.generation, role: anchor.role, root: anchor.root,
    certificateSha256: anchor.certificate_sha256, notBefore: momentOf(anchor.not_before), notAfter: momentOf(anchor.not_after),
    subject: base64Bytes(anchor.subject_der_base64), spki: base64Bytes(anchor.spki_der_base64),
    certificate: anchor.certificate_der_base64 ? base64Bytes(anchor.certificate_der_base64) : null,
  };
}
