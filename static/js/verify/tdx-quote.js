/**
 * The TDX quote, versions 4 and 5, and the quoting enclave's report inside it. Integers little-endian, keys and signatures big-endian.
 * Source: Intel, «TDX DCAP Quoting Library API», appendix 3 (quote format); evidence facts, section 5.
 */

import { hexBytes } from "./bytes.js";
import { Malformed } from "./outcomes.js";
import { layoutSize, unpack } from "./structure.js";

export const TEE_TDX = 0x81;
export const KEY_ECDSA_P256 = 2;
export const QE_VENDOR_INTEL = hexBytes("939a7233f79c4ca9940a0db3957f0607");
/** Certification data: the quoting enclave's report and what certifies it; and the chip key's certificate chain as PEM. */
export const CERTIFICATION_QE = 6;
export const CERTIFICATION_PEM = 5;
const MIN_QUOTE_BYTES = 764;
/** Real quotes have 4,936 to 5,243. */
const MAX_QUOTE_BYTES = 64 * 1024;
const HEADER = [
  ["version", 2, "le"], ["keyType", 2, "le"], ["teeType", 4, "le"], ["reserved008", 4], ["qeVendorId", 16], ["userData", 20],
];
const V5 = [["kind", 2, "le"], ["size", 4, "le"]];
const BODY = [
  ["teeTcbSvn", 16], ["mrSeam", 48], ["mrsignerSeam", 48], ["seamAttributes", 8], ["tdAttributes", 8], ["xfam", 8], ["mrTd", 48],
  ["mrConfigId", 48], ["mrOwner", 48], ["mrOwnerConfig", 48], ["rtmr0", 48], ["rtmr1", 48], ["rtmr2", 48], ["rtmr3", 48],
  ["reportData", 64],
];
const BODY_TAIL = [["teeTcbSvn2", 16], ["mrServicetd", 48]];
const AUTH = [["signature", 64], ["attestationKey", 64], ["certificationType", 2, "le"], ["certificationSize", 4, "le"]];
const QE = [["qeReport", 384], ["qeSignature", 64], ["qeAuthSize", 2, "le"]];
const CHAIN = [["chainType", 2, "le"], ["chainSize", 4, "le"]];
const QE_REPORT = [
  ["cpusvn", 16], ["miscselect", 4, "le"], ["reserved020", 28], ["attributes", 16], ["mrenclave", 32], ["reserved096", 32],
  ["mrsigner", 32], ["reserved160", 96], ["isvprodid", 2, "le"], ["isvsvn", 2, "le"], ["reserved260", 60], ["reportData", 64],
];
const [HEADER_BYTES, V5_BYTES, BODY_BYTES, TAIL_BYTES] = [HEADER, V5, BODY, BODY_TAIL].map(layoutSize);
const [AUTH_BYTES, QE_BYTES, CHAIN_BYTES] = [AUTH, QE, CHAIN].map(layoutSize);
/** Of version 5: body type → its size. */
const BODY_SIZES = new Map([[2, BODY_BYTES], [3, BODY_BYTES + TAIL_BYTES]]);

/**
 * The quote in `data`: its fields, `body`, `signed` (header and body as they stand: what the attestation key signs), `chain` (PEM), and
 * what is left over after each part. Throws `Malformed` when a size leads past its part, or version or body are of an unknown kind.
 */
export function tdxQuoteParse(data) {
  if (data.length < MIN_QUOTE_BYTES || data.length > MAX_QUOTE_BYTES) {
    const range = `${MIN_QUOTE_BYTES} to ${MAX_QUOTE_BYTES} are read`;
    throw new Malformed("quote.length", `The quote has ${data.length} bytes; ${range}.`);
  }
  const header = unpack(HEADER, data);
  const { start, hasTail } = bodyPlace(data, header.version);
  const end = start + BODY_BYTES + (hasTail ? TAIL_BYTES : 0);
  const tail = hasTail ? unpack(BODY_TAIL, data, start + BODY_BYTES) : { teeTcbSvn2: null, mrServicetd: null };
  const { authSize } = unpack([["authSize", 4, "le"]], part(data, end, 4));
  const auth = part(data, end + 4, authSize);
  if (authSize < AUTH_BYTES) throw new Malformed("quote.truncated", "The quote's authentication part is too short.");
  const signature = unpack(AUTH, auth);
  const certification = part(auth, AUTH_BYTES, signature.certificationSize);
  const enclave = unpack(QE, part(certification, 0, QE_BYTES));
  const qeAuthData = part(certification, QE_BYTES, enclave.qeAuthSize);
  const at = QE_BYTES + enclave.qeAuthSize;
  const chain = unpack(CHAIN, part(certification, at, CHAIN_BYTES));
  const chainStart = at + CHAIN_BYTES;
  return {
    ...header, ...signature, ...enclave, qeAuthData, chainType: chain.chainType,
    body: { ...unpack(BODY, data, start), ...tail },
    signed: data.subarray(0, end),
    chain: part(certification, chainStart, chain.chainSize),
    afterChain: certification.subarray(chainStart + chain.chainSize),
    afterCertification: auth.subarray(AUTH_BYTES + signature.certificationSize),
    trailing: data.subarray(end + 4 + authSize),
  };
}

/** The 384 bytes of the quoting enclave's report. */
export function qeReportParse(data) {
  return unpack(QE_REPORT, data);
}

export function rtmrs(body) {
  return [body.rtmr0, body.rtmr1, body.rtmr2, body.rtmr3];
}

/** Where the body begins, and whether it has the later tail. */
function bodyPlace(data, version) {
  if (version === 4) return { start: HEADER_BYTES, hasTail: false };
  if (version !== 5) throw new Malformed("quote.version", `The quote is of version ${version}; 4 and 5 are known.`);
  const { kind, size } = unpack(V5, data, HEADER_BYTES);
  if (!BODY_SIZES.has(kind) || size !== BODY_SIZES.get(kind)) {
    throw new Malformed("quote.body", "The quote's body is of an unknown type, or its size is not that of its type.");
  }
  return { start: HEADER_BYTES + V5_BYTES, hasTail: kind === 3 };
}

function part(data, start, size) {
  if (start + size > data.length) throw new Malformed("quote.truncated", "A part of the quote is shorter than it says.");
  return data.subarray(start, start + size);
}
