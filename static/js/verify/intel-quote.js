/**
 * Steps about the TDX quote and the quoting enclave that made it, the same for every platform that carries one.
 *
 * The chain goes: the chip key signs the quoting enclave's report, the report names the attestation key, the attestation key signs the
 * quote, the quote says what runs in the machine and carries its report_data.
 */

import { anyBit, bigEndian, bytesEqual, hexEncode } from "./bytes.js";
import { passed, require, step } from "./outcomes.js";
import { sha256 } from "./sha256.js";
import { ecdsaP256Verify, p256Point } from "./signatures.js";
import { CERTIFICATION_PEM, CERTIFICATION_QE, KEY_ECDSA_P256, QE_VENDOR_INTEL, TEE_TDX, qeReportParse, rtmrs, tdxQuoteParse } from "./tdx-quote.js";
import { hexNumber } from "./texts.js";

const QE_DEBUG = 0x02;

function parse(context) {
  const data = context.tdQuoteBytes;
  context.tdQuote = tdxQuoteParse(data);
  return passed({ expected: "version 4 or 5", actual: `version ${context.tdQuote.version}, ${data.length} bytes` });
}

function header(context) {
  const { teeType, keyType, qeVendorId } = context.tdQuote;
  const types = { expected: hexNumber(TEE_TDX), actual: hexNumber(teeType) };
  require(teeType === TEE_TDX, "quote.tee-type", "The quote is not of a TDX machine.", types);
  const keys = { expected: `${KEY_ECDSA_P256}`, actual: `${keyType}` };
  require(keyType === KEY_ECDSA_P256, "quote.key-type", "The quote is signed with another kind of key than ECDSA P-256.", keys);
  const vendors = { expected: hexEncode(QE_VENDOR_INTEL), actual: hexEncode(qeVendorId) };
  require(bytesEqual(qeVendorId, QE_VENDOR_INTEL), "quote.vendor", "The quote was not made by Intel's quoting enclave.", vendors);
  const text = "TDX, ECDSA P-256, Intel's quoting enclave";
  return passed({ expected: text, actual: text });
}

/** Nothing signs these bytes, so each has the one value that genuine quotes have. */
function structure(context) {
  const quote = context.tdQuote;
  for (const [code, what, found, wanted] of [
    ["quote.certification", "quoting enclave's part", quote.certificationType, CERTIFICATION_QE],
    ["quote.chain-type", "chip key's part", quote.chainType, CERTIFICATION_PEM],
  ]) {
    require(found === wanted, code, `The quote's ${what} is of an unknown type.`, { expected: `${wanted}`, actual: `${found}` });
  }
  const chain = quote.afterChain.length;
  require(chain === 0, "quote.after-chain", "Bytes follow the certificate chain.", { actual: `${chain} bytes` });
  const enclave = quote.afterCertification.length;
  require(enclave === 0, "quote.after-certification", "Bytes follow the quoting enclave's part.", { actual: `${enclave} bytes` });
  require(!anyBit(quote.trailing), "quote.trailing", "Bytes after the quote are not zero.", { expected: "all zero" });
  return passed({ expected: "nothing beside the quote", actual: `${quote.trailing.length} zero bytes after it` });
}

async function qeSignature(context) {
  const quote = context.tdQuote;
  const failure = "The quoting enclave's report is not signed by the chip key.";
  const point = p256Point(context.chain.pck.certificate.spki);
  await ecdsaP256Verify(point, ...integers(quote.qeSignature), quote.qeReport, "qe.signature", failure);
  context.qe = qeReportParse(quote.qeReport);
  return passed({ actual: "ECDSA P-256 over SHA-256 of 384 bytes" });
}

function qeKey(context) {
  const found = context.qe.reportData;
  const expected = sha256(context.tdQuote.attestationKey, context.tdQuote.qeAuthData);
  const seen = { expected: hexEncode(expected), actual: hexEncode(found.subarray(0, 32)) };
  require(seen.expected === seen.actual, "qe.key", "The quoting enclave does not vouch for the key that signed the quote.", seen);
  const zero = { expected: "all zero" };
  require(!anyBit(found.subarray(32)), "qe.key-tail", "The second half of the quoting enclave's report_data is not zero.", zero);
  return passed(seen);
}

function qeDebug(context) {
  const on = (context.qe.attributes[0] & QE_DEBUG) !== 0;
  const seen = { expected: "off", actual: "on" };
  require(!on, "qe.debug", "The quoting enclave may be debugged: anybody can make it sign.", seen);
  return passed({ expected: "off", actual: "off" });
}

async function signature(context) {
  const quote = context.tdQuote;
  const failure = "The quote is not signed by the attestation key: the quote or its signature was changed.";
  await ecdsaP256Verify(quote.attestationKey, ...integers(quote.signature), quote.signed, "quote.signature", failure);
  const { body } = quote;
  Object.assign(context.claims, {
    measurement: hexEncode(body.mrTd), mr_td: hexEncode(body.mrTd), rtmrs: rtmrs(body).map(hexEncode),
    report_data: hexEncode(body.reportData), quote_version: quote.version,
  });
  return passed({ actual: `ECDSA P-256 over SHA-256 of ${quote.signed.length} bytes` });
}

function debug(context) {
  const on = (context.tdQuote.body.tdAttributes[0] & 1) !== 0;
  const seen = { expected: "off", actual: "on" };
  require(!on, "quote.debug", "The machine may be debugged: its host can read its memory.", seen);
  return passed({ expected: "off", actual: "off" });
}

function attributes(context) {
  const { tdAttributes, mrsignerSeam, seamAttributes } = context.tdQuote.body;
  const untrusted = "Bits that make the machine untrusted, or are reserved for it, are set.";
  const seen = { expected: "0", actual: hexNumber(tdAttributes[0]) };
  require((tdAttributes[0] & 0xfe) === 0, "quote.attributes.tud", untrusted, seen);
  for (const [name, value] of [["mrsigner-seam", mrsignerSeam], ["seam", seamAttributes]]) {
    const failure = "The machine ran under another TDX module than Intel's own.";
    require(!anyBit(value), `quote.attributes.${name}`, failure, { expected: "all zero", actual: hexEncode(value) });
  }
  const text = "Intel's TDX module, nothing that weakens it";
  return passed({ expected: text, actual: text });
}

function signedData(context) {
  context.signedData = context.tdQuote.body.reportData;
  return passed({ actual: hexEncode(context.signedData) });
}

/** R and S, 32 bytes each, big-endian. */
function integers(bytes) {
  return [bigEndian(bytes.subarray(0, 32)), bigEndian(bytes.subarray(32))];
}

/** What the quote's bytes say on their own. `after`: code of the step that found the bytes. */
export function tdQuoteSteps(prefix, after) {
  const code = (name) => `${prefix}.quote.${name}`;
  const read = [code("parse")];
  return [
    step(code("parse"), "report", parse, [after]),
    step(code("header"), "report", header, read),
    step(code("structure"), "report", structure, read),
    step(code("debug"), "report", debug, read),
    step(code("attributes"), "report", attributes, read),
  ];
}

/** From the chip key to the quote, once the chip key's chain holds. */
export function tdSignatureSteps(prefix) {
  const code = (name) => `${prefix}.${name}`;
  return [
    step(code("qe.signature"), "report", qeSignature, [code("pck.signature")]),
    step(code("qe.key"), "report", qeKey, [code("qe.signature")]),
    step(code("qe.debug"), "report", qeDebug, [code("qe.signature")]),
    step(code("quote.signature"), "report", signature, [code("quote.header"), code("quote.structure"), code("qe.key")]),
  ];
}

export function tdSignedDataStep(prefix) {
  return step(`${prefix}.signed-data`, "signed-data", signedData, [`${prefix}.quote.signature`]);
}
