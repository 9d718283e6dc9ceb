/**
 * The TPM quote: TPMS_ATTEST, integers big-endian.
 * Source: TCG, «TPM 2.0 Library», part 2, sections 10.12 (TPMS_ATTEST) and 10.6 (TPML_PCR_SELECTION); evidence facts, section 4.
 */

import { Malformed } from "./outcomes.js";
import { layoutSize, unpack } from "./structure.js";

export const MAGIC = 0xff544347;
export const TYPE_QUOTE = 0x8018;
export const ALG_SHA256 = 0x000b;
/** A TPM has a bank per hash algorithm; real quotes select one. */
const MAX_SELECTIONS = 16;
const HEAD = [["magic", 4, "be"], ["attestType", 2, "be"]];
const CLOCK = [
  ["clock", 8, "be"], ["resetCount", 4, "be"], ["restartCount", 4, "be"], ["safe", 1, "be"], ["firmwareVersion", 8, "be"],
  ["count", 4, "be"],
];
const SELECTION = [["hashAlgorithm", 2, "be"], ["size", 1, "be"]];

/** The quote in `data`; judges no value. `trailing`: bytes after the digest. Throws `Malformed` when a length leads past the end. */
export function tpmQuoteParse(data) {
  let at = 0;
  const take = (size) => {
    if (at + size > data.length) throw new Malformed("tpm.truncated", "The TPM quote ends early.");
    at += size;
    return data.subarray(at - size, at);
  };
  const fields = (layout) => unpack(layout, take(layoutSize(layout)));
  const sized = () => take(fields([["size", 2, "be"]]).size);
  const head = fields(HEAD);
  const qualifiedSigner = sized();
  const extraData = sized();
  const clock = fields(CLOCK);
  if (clock.count > MAX_SELECTIONS) {
    throw new Malformed("tpm.selection", `The quote has ${clock.count} PCR selections; at most ${MAX_SELECTIONS} are read.`);
  }
  const selections = [];
  for (let number = 0; number < clock.count; number++) {
    const { hashAlgorithm, size } = fields(SELECTION);
    selections.push({ hashAlgorithm, bitmap: take(size) });
  }
  const pcrDigest = sized();
  return { ...head, ...clock, qualifiedSigner, extraData, selections, pcrDigest, trailing: data.subarray(at) };
}
