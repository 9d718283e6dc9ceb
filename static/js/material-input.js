/** From a material (`verify/README.md`) to what the verifier takes: documents by address or, in a proof, as base64. */

import { base64Bytes } from "./verify/bytes.js";

/** Bytes of one document; null: there is none, or it is not handed out. Throws when it cannot be fetched. */
async function documentBytes(document) {
  if (!document) return null;
  if (document.base64 !== undefined) return base64Bytes(document.base64);
  const answer = await fetch(document.url, { credentials: "same-origin", cache: "no-store" });
  if (!answer.ok) throw new Error(`${document.url}: ${answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
}

/** The argument of `verifyMaterial`, judged at `now` (ISO 8601 or a Date). A list without entries recognises nothing: none is given. */
export async function materialInput(material, now) {
  const [provenanceBytes, evidenceBytes] = await Promise.all([
    documentBytes(material.documents.provenance), documentBytes(material.documents.evidence),
  ]);
  return {
    provenanceBytes,
    evidenceBytes,
    nonceHex: material.nonce_hex || null,
    policy: material.policy?.entries.length ? material.policy : null,
    request: material.request,
    receivedAt: material.received_at,
    nonceMadeAt: material.nonce_made_at,
    endpointAttests: material.endpoint_attests,
    collateral: material.collateral,
    now,
  };
}
