/**
 * Did the hardware sign this very document, for this very request? Source: facts of the format: report data is SHA-256 of provenance.json
 * (32 bytes) and the nonce (16 bytes), in a field of 48, 50 or 64 bytes; early evidence signs 32 bytes, the SHA-256 of the compact form.
 */

import { anyBit, bytesEqual, hexBytes, hexEncode } from "./bytes.js";
import { CheckFailed, CheckImpossible, NotAsked, passed, step } from "./outcomes.js";
import { provenanceBytes, provenanceCompactBytes } from "./serialise.js";
import { sha256 } from "./sha256.js";

export const LAYOUT = "signed-data.layout";
const NONCE_BYTES = 16;
const TITLES = {
  "digest-nonce-48": "digest and nonce, 48 bytes",
  "digest-nonce-50": "digest and nonce, 50 bytes (mid-2026)",
  "digest-nonce-64": "digest and nonce in a field of 64 bytes",
  "compact-digest-32": "digest of the compact form, 32 bytes (early 2026), no place for a nonce",
  "compact-digest-64": "digest of the compact form in a field of 64 bytes, no place for a nonce",
};

/** The layout in which a signed field covers the document, byte for byte: `{ layout, data, nonce, hasNonceSlot }`; nonce empty: none. */
function signedDataMatch(field, document) {
  const { length } = field;
  if (![32, 48, 50, 64].includes(length)) {
    const seen = { expected: "48, 50, 32 or 64 bytes", actual: `${length} bytes: ${hexEncode(field)}` };
    throw new CheckFailed("signed-data.length", `signed data of ${length} bytes has no known layout`, seen);
  }
  const digest = field.subarray(0, 32);
  if (length !== 32 && bytesEqual(digest, document.rawSha256)) {
    if (anyBit(field.subarray(48))) {
      const seen = { expected: "zeros", actual: hexEncode(field) };
      throw new CheckFailed("signed-data.tail", "the bytes behind the nonce are not zero", seen);
    }
    const slot = field.subarray(32, 48);
    return { layout: `digest-nonce-${length}`, data: field, nonce: anyBit(slot) ? slot : new Uint8Array(0), hasNonceSlot: true };
  }
  if (length === 32 || (length === 64 && !anyBit(field.subarray(32)))) {
    if (bytesEqual(digest, sha256(provenanceCompactBytes(document.document)))) {
      // The compact digest does not see white space, so the file must be exactly what Kettle writes for this data.
      if (!bytesEqual(provenanceBytes(document.document), document.raw)) {
        const message = "the signature covers the data of provenance.json, but the file is not written as Kettle writes it";
        throw new CheckFailed("signed-data.not-canonical", message);
      }
      return { layout: `compact-digest-${length}`, data: field, nonce: new Uint8Array(0), hasNonceSlot: false };
    }
  }
  const seen = { expected: hexEncode(document.rawSha256), actual: hexEncode(digest) };
  throw new CheckFailed("signed-data.digest", "the hardware signed another document than this provenance.json", seen);
}

function layout(inquiry) {
  if (inquiry.signedField === null) throw new CheckImpossible("signed-data.absent", "the evidence gave no signed data");
  const found = signedDataMatch(inquiry.signedField, inquiry.statement);
  inquiry.signedData = { ...found, title: TITLES[found.layout] };
  const actual = `${TITLES[found.layout]}: ${hexEncode(inquiry.signedField)}`;
  return passed({ expected: hexEncode(inquiry.statement.rawSha256), actual });
}

function nonce(inquiry) {
  if (!inquiry.nonceHex) throw new NotAsked("nonce.not-given", "no nonce was given to compare with");
  const wanted = hexBytes(inquiry.nonceHex);
  const expected = hexEncode(wanted);
  if (wanted.length !== NONCE_BYTES) {
    throw new CheckFailed("nonce.length", `a nonce has ${NONCE_BYTES} bytes, the expected one ${wanted.length}`);
  }
  if (!anyBit(wanted)) {
    throw new CheckFailed("nonce.zero", "an all-zero nonce is no nonce: zeros are what evidence without one carries");
  }
  const found = inquiry.signedData;
  if (!found.hasNonceSlot) throw new CheckFailed("nonce.no-slot", "the signed data has no place for a nonce", { expected });
  if (found.nonce.length === 0) {
    throw new CheckFailed("nonce.absent", "the evidence was made without a nonce", { expected, actual: "zeros" });
  }
  const actual = hexEncode(found.nonce);
  if (actual !== expected) throw new CheckFailed("nonce.differs", "the evidence was made for another request", { expected, actual });
  return passed({ expected, actual });
}

/** A browser has no records of other builds; whoever does, tells what they found. */
function replay(inquiry) {
  const { evidenceSeenIn } = inquiry;
  if (evidenceSeenIn === null) throw new NotAsked("replay.not-looked", "there are no records of earlier evidence here");
  if (evidenceSeenIn !== "") {
    throw new CheckFailed("replay.seen", `the same evidence is already stored with the build ${evidenceSeenIn}`);
  }
  return passed({ actual: "in no other build" });
}

/** The steps, given the codes of the hardware checks that the signed data rests on. */
export function bindingSteps(attestationCodes) {
  return [
    step(LAYOUT, "signed-data", layout, ["documents.evidence", "documents.provenance", ...attestationCodes]),
    step("signed-data.nonce", "signed-data", nonce, [LAYOUT]),
    step("signed-data.replay", "signed-data", replay, ["documents.evidence"]),
  ];
}
