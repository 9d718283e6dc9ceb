/**
 * Steps about Azure's paravisor and its virtual TPM: the HCL report, the attestation key in it, and the TPM quote under that key.
 *
 * The chain goes: the processor signs report_data, report_data is the digest of the paravisor's JSON, the JSON names the attestation key,
 * the attestation key signs the quote, the quote carries the signed data and the digest of the platform configuration registers.
 */

import { anyBit, bytesConcat, bytesEqual, hexEncode, utf8Encode } from "./bytes.js";
import { base64urlDecode, hexDecode } from "./encoding.js";
import { HCL_BYTES, HEADER_BYTES, hclReportParse, varDataParse } from "./hcl.js";
import { JsonNumber } from "./json.js";
import { CheckFailed, Malformed, passed, require, step } from "./outcomes.js";
import { sha256 } from "./sha256.js";
import { rsaPkcs1Sha256Verify } from "./signatures.js";
import { REPORT_BYTES } from "./snp-report.js";
import { hexNumber } from "./texts.js";
import { ALG_SHA256, MAGIC, TYPE_QUOTE, tpmQuoteParse } from "./tpm.js";

const PCR_COUNT = 24;
const DIGEST_BYTES = 32;
const SIGNATURE_BYTES = 256;
/** Bytes of TPM2B_DATA: an algorithm's number and the longest digest of this TPM. Source: evidence facts, section 4. */
const MAX_EXTRA_DATA = 50;
const ALL_PCRS = Uint8Array.of(0xff, 0xff, 0xff);
const HCL_PREFIX_BYTES = 32;
const BLOCK_HEADER_BYTES = 20;

function version(context) {
  const found = context.evidence.get("version");
  const isNumber = found instanceof JsonNumber && found.isInteger;
  const actual = isNumber ? BigInt(found.text).toString() : "not a number";
  require(isNumber && found.isInt(1), "evidence.version", "The evidence is of an unknown version.", { expected: "1", actual });
  return passed({ expected: "1", actual: "1" });
}

/** The fields that evidence of every processor has on Azure. */
function tpmEvidence(context) {
  const quote = context.evidence.get("tpm_quote");
  if (!(quote instanceof Map)) throw new Malformed("evidence.tpm-quote", "tpm_quote is missing or is not an object.");
  const pcrs = quote.get("pcrs");
  if (!Array.isArray(pcrs) || pcrs.length !== PCR_COUNT) {
    throw new Malformed("evidence.pcrs", `tpm_quote.pcrs is not a list of ${PCR_COUNT} values.`);
  }
  context.pcrs = pcrs.map((value) => hexDecode(value, "A value of tpm_quote.pcrs"));
  const sized = context.pcrs.every((value) => value.length === DIGEST_BYTES);
  require(sized, "evidence.pcrs", "A value of tpm_quote.pcrs has not 32 bytes.");
  context.quoteSignature = hexDecode(quote.get("signature"), "tpm_quote.signature");
  const seen = { expected: `${SIGNATURE_BYTES} bytes`, actual: `${context.quoteSignature.length} bytes` };
  const whole = context.quoteSignature.length === SIGNATURE_BYTES;
  require(whole, "evidence.signature", "tpm_quote.signature has the wrong length.", seen);
  context.quoteBytes = hexDecode(quote.get("message"), "tpm_quote.message");
  context.hcl = hclReportParse(base64urlDecode(context.evidence.get("hcl_report"), "hcl_report"));
}

/** Evidence of an AMD machine. */
export function azSnpEvidence(context) {
  tpmEvidence(context);
  context.reportBytes = context.hcl.teeReport;
  context.vekBytes = base64urlDecode(context.evidence.get("vcek"), "vcek");
  return passed({ actual: `quote of ${context.quoteBytes.length} bytes, certificate of ${context.vekBytes.length} bytes` });
}

/** Evidence of an Intel machine. */
export function azTdxEvidence(context) {
  tpmEvidence(context);
  context.tdQuoteBytes = base64urlDecode(context.evidence.get("td_quote"), "td_quote");
  return passed({ actual: `TPM quote of ${context.quoteBytes.length} bytes, TDX quote of ${context.tdQuoteBytes.length} bytes` });
}

/** Every field of the header that the processor does not sign has the one value that genuine reports have. */
function hclFields(context, headerVersion) {
  const { hcl } = context;
  const expected = [
    ["magic", hcl.magic, utf8Encode("HCLA")], ["header_version", hcl.headerVersion, headerVersion], ["request_type", hcl.requestType, 2],
    ["status", hcl.status, 0], ["reserved", hcl.reserved, new Uint8Array(12)], ["block_version", hcl.blockVersion, 1],
    ["hash_type", hcl.hashType, 1], ["block_size", hcl.blockSize, BLOCK_HEADER_BYTES + hcl.contentLength],
    ["report_size", hcl.reportSize, HCL_PREFIX_BYTES + REPORT_BYTES + hcl.blockSize],
  ];
  for (const [name, found, value] of expected) {
    const seen = { expected: valueShown(value), actual: valueShown(found) };
    const failure = `The HCL report's ${name.replaceAll("_", " ")} is not as it should be.`;
    require(seen.expected === seen.actual, `hcl.fields.${name.replaceAll("_", "-")}`, failure, seen);
  }
  const total = HEADER_BYTES + hcl.contentLength + hcl.padding.length;
  const seen = { expected: `${HCL_BYTES} bytes`, actual: `${total} bytes` };
  require(total === HCL_BYTES, "hcl.fields.length", "The HCL report has the wrong length.", seen);
  const zero = { expected: "all zero" };
  require(!anyBit(hcl.padding), "hcl.fields.padding", "Bytes after the HCL report's content are not zero.", zero);
  return passed({ expected: "as specified", actual: "as specified" });
}

function hclType(context, reportType) {
  const seen = { expected: `${reportType}`, actual: `${context.hcl.reportType}` };
  const failure = "The HCL report is for another kind of processor than the tag says.";
  require(context.hcl.reportType === reportType, "hcl.type", failure, seen);
  return passed(seen);
}

function binding(context) {
  const reportData = context.tdQuote?.body.reportData ?? context.report.reportData;
  const seen = { expected: hexEncode(sha256(context.hcl.varData)), actual: hexEncode(reportData.subarray(0, DIGEST_BYTES)) };
  const failure = "The paravisor's JSON is not the one that the processor's report vouches for.";
  require(seen.expected === seen.actual, "binding.digest", failure, seen);
  const tail = reportData.subarray(DIGEST_BYTES);
  const zero = { expected: "all zero", actual: hexEncode(tail) };
  require(!anyBit(tail), "binding.tail", "The second half of report_data is not zero.", zero);
  return passed(seen);
}

function attestationKey(context) {
  require(context.hcl.varData.at(-1) !== 0, "ak.padding", "The paravisor's JSON ends with zero bytes.");
  context.varData = varDataParse(context.hcl.varData);
  return passed({ expected: "one RSA-2048 key", actual: "one RSA-2048 key" });
}

/** Claims of the bound JSON; bound, because the step depends on the binding and the report's signature. */
function machine(context) {
  context.claims.vm = context.varData.configuration;
  context.claims.user_data = context.varData.userData;
  const said = Object.entries(context.claims.vm).map(([name, value]) => `${name}: ${valueSaid(value)}`);
  return passed({ actual: said.join(", ") });
}

async function quoteSignature(context) {
  const failure = "The quote is not signed by the attestation key that the processor vouches for.";
  await rsaPkcs1Sha256Verify(context.varData.akModulus, context.quoteSignature, context.quoteBytes, "tpm.signature", failure);
  return passed({ actual: "RSA-2048, PKCS#1 v1.5, SHA-256" });
}

function quoteParse(context) {
  context.tpmQuote = tpmQuoteParse(context.quoteBytes);
  return passed({ actual: `${context.quoteBytes.length} bytes` });
}

/** An empty, partial, doubled or SHA-1 selection would let forged register values travel under a valid quote. */
function quoteStructure(context) {
  const quote = context.tpmQuote;
  same(quote.magic, MAGIC, "tpm.magic", "The quote was not made inside a TPM.", hexNumber);
  same(quote.attestType, TYPE_QUOTE, "tpm.type", "The TPM signed something else than a quote.", hexNumber);
  const signer = quote.qualifiedSigner;
  const named = signer.length === 2 + DIGEST_BYTES && signer[0] === 0 && signer[1] === ALG_SHA256;
  require(named, "tpm.signer", "The quote's signer has no SHA-256 name.", { actual: hexEncode(signer) });
  const sizes = { expected: `at most ${MAX_EXTRA_DATA} bytes`, actual: `${quote.extraData.length} bytes` };
  const fits = quote.extraData.length <= MAX_EXTRA_DATA;
  require(fits, "tpm.extra-data", "The quote carries more of its caller's data than this TPM takes.", sizes);
  same(quote.selections.length, 1, "tpm.selection", "The quote does not select exactly one bank of registers.", String);
  const [selection] = quote.selections;
  same(selection.hashAlgorithm, ALG_SHA256, "tpm.bank", "The quote is not over the SHA-256 registers.", hexNumber);
  const bitmaps = { expected: hexEncode(ALL_PCRS), actual: hexEncode(selection.bitmap) };
  require(bytesEqual(selection.bitmap, ALL_PCRS), "tpm.bitmap", "The quote does not cover all 24 registers.", bitmaps);
  require(quote.pcrDigest.length === DIGEST_BYTES, "tpm.digest-length", "The quote's digest has not 32 bytes.");
  require(quote.trailing.length === 0, "tpm.trailing", "Bytes follow the quote.", { actual: `${quote.trailing.length} bytes` });
  const text = "a quote over all 24 SHA-256 registers";
  return passed({ expected: text, actual: text });
}

function same(found, wanted, code, failure, write) {
  if (found !== wanted) throw new CheckFailed(code, failure, { expected: write(wanted), actual: write(found) });
}

function pcrs(context) {
  const seen = { expected: hexEncode(context.tpmQuote.pcrDigest), actual: hexEncode(sha256(bytesConcat(...context.pcrs))) };
  require(seen.expected === seen.actual, "tpm.pcrs", "The registers are not the ones that the TPM signed.", seen);
  context.claims.pcrs = context.pcrs.map(hexEncode);
  return passed(seen);
}

function signedData(context) {
  context.signedData = context.tpmQuote.extraData;
  return passed({ actual: hexEncode(context.signedData) });
}

/** The fields decode, and what no signature covers has its one value. `read`: decodes the fields of this kind of processor. */
export function documentSteps(prefix, { headerVersion, reportType, read }) {
  const code = (name) => `${prefix}.${name}`;
  return [
    step(code("version"), "documents", version),
    step(code("evidence"), "documents", read, [code("version")]),
    step(code("hcl.fields"), "documents", (context) => hclFields(context, headerVersion), [code("evidence")]),
    step(code("hcl.type"), "documents", (context) => hclType(context, reportType), [code("evidence")]),
  ];
}

/** From the processor's report to the signed data. `reportSignature`: code of the step that authenticated the report. */
export function vtpmQuoteSteps(prefix, reportSignature) {
  const code = (name) => `${prefix}.${name}`;
  const link = "vtpm-quote";
  const authentic = [code("tpm.structure"), code("tpm.signature"), code("binding")];
  return [
    step(code("binding"), link, binding, [code("hcl.fields"), code("hcl.type"), reportSignature]),
    step(code("ak"), link, attestationKey, [code("evidence")]),
    step(code("vm"), link, machine, [code("binding"), code("ak")]),
    step(code("tpm.signature"), link, quoteSignature, [code("ak")]),
    step(code("tpm.parse"), link, quoteParse, [code("evidence")]),
    step(code("tpm.structure"), link, quoteStructure, [code("tpm.parse")]),
    step(code("tpm.pcrs"), link, pcrs, authentic),
    step(code("signed-data"), "signed-data", signedData, authentic),
  ];
}

function valueShown(value) {
  return value instanceof Uint8Array ? hexEncode(value) : String(value);
}

/** Truth values as the other verifier writes them. */
function valueSaid(value) {
  if (value === true) return "True";
  return value === false ? "False" : value;
}
