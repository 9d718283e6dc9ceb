/**
 * The procedure of each platform, in order. The tag that selects it is unsigned and proves nothing; each procedure ends where a signature
 * of the vendor's chain covers the bytes that the evidence speaks for. Source: evidence facts, sections 0 to 6.
 */

import { chainSteps, minimumTcbStep } from "./amd-chain.js";
import { reportSignatureSteps, reportSteps } from "./amd-report.js";
import { azSnpEvidence, azTdxEvidence, documentSteps, vtpmQuoteSteps } from "./azure-vtpm.js";
import { anyBit, bytesConcat, bytesEqual, hexEncode } from "./bytes.js";
import { base64Decode, hexDecode } from "./encoding.js";
import { eventLogParse, rtmrsReplayed } from "./event-log.js";
import { collateralSteps, pckChainSteps } from "./intel-chain.js";
import { tdQuoteSteps, tdSignatureSteps, tdSignedDataStep } from "./intel-quote.js";
import { CheckFailed, CheckSkipped, Malformed, passed, require, step } from "./outcomes.js";
import { sha384 } from "./signatures.js";
import { TCB_INFO, TD_INFO, TDREPORT_BYTES, TYPE_TDX, tdreportParse } from "./tdreport.js";
import { rtmrs } from "./tdx-quote.js";
import { hexNumber } from "./texts.js";

/** Of header and body of a quote of version 4; the reference verifier's rule for telling dstack's two encodings apart. */
const MIN_HEX_CHARACTERS = 1264;
/** RTMR 0 to 2. Software extends RTMR 3 while the machine runs, beside the firmware's log. */
const COMPARED_RTMRS = 3;
/** Fields that TDREPORT and quote share. */
const SAME = [
  ["report_data", "reportData"], ["tee_tcb_svn", "teeTcbSvn"], ["mr_seam", "mrSeam"], ["mrsigner_seam", "mrsignerSeam"],
  ["td_attributes", "tdAttributes"], ["xfam", "xfam"], ["mr_td", "mrTd"], ["mr_config_id", "mrConfigId"], ["mr_owner", "mrOwner"],
  ["mr_owner_config", "mrOwnerConfig"], ["rtmr0", "rtmr0"], ["rtmr1", "rtmr1"], ["rtmr2", "rtmr2"], ["rtmr3", "rtmr3"],
];

function onlyKeys(found, known, what) {
  const strange = [...found.keys()].some((key) => !known.includes(key));
  if (strange) throw new Malformed("evidence.unknown-key", `${what} has a field that is not known.`);
}

function snpEvidence(context) {
  const found = context.evidence;
  onlyKeys(found, ["attestation_report", "cert_chain"], "The evidence");
  context.reportBytes = base64Decode(found.get("attestation_report"), "attestation_report");
  const chain = found.get("cert_chain") ?? null;
  if (chain === null) {
    context.vekMissing = "The evidence brings no certificate of the chip key, and no collateral was given.";
    return passed({ actual: `report of ${context.reportBytes.length} bytes, no certificate` });
  }
  if (!(chain instanceof Map)) throw new Malformed("evidence.cert-chain", "cert_chain is not an object.");
  onlyKeys(chain, ["vcek", "ask", "ark"], "cert_chain");
  context.vekBytes = base64Decode(chain.get("vcek"), "cert_chain.vcek");
  return passed({ actual: `report of ${context.reportBytes.length} bytes, certificate of ${context.vekBytes.length} bytes` });
}

function snpSignedData(context) {
  context.signedData = context.report.reportData;
  return passed({ actual: hexEncode(context.signedData) });
}

function tdxEvidence(context) {
  const found = context.evidence;
  onlyKeys(found, ["quote", "cc_eventlog"], "The evidence");
  context.tdQuoteBytes = base64Decode(found.get("quote"), "quote");
  const log = found.get("cc_eventlog") ?? null;
  if (log !== null) context.eventLogBytes = base64Decode(log, "cc_eventlog");
  const logged = log === null ? "no event log" : `event log of ${context.eventLogBytes.length} bytes`;
  return passed({ actual: `quote of ${context.tdQuoteBytes.length} bytes, ${logged}` });
}

/** `event_log` and `vm_config` are texts that nothing signs: they are not read. */
function dstackEvidence(context) {
  const found = context.evidence;
  for (const name of ["event_log", "vm_config"]) {
    const value = found.get(name) ?? null;
    if (value !== null && typeof value !== "string") throw new Malformed("evidence.not-text", `${name} is not text.`);
  }
  const text = found.get("quote");
  const isHex = typeof text === "string" && text.length >= MIN_HEX_CHARACTERS && /^(?:[0-9a-fA-F]{2})+$/.test(text);
  context.tdQuoteBytes = isHex ? hexDecode(text, "quote") : base64Decode(text, "quote");
  return passed({ actual: `quote of ${context.tdQuoteBytes.length} bytes` });
}

/** Only digests are bound: an event's data is not hashed, so it is never shown. */
async function eventLog(context) {
  if (context.eventLogBytes === null) throw new CheckSkipped("event-log.absent", "the evidence has no event log");
  const events = eventLogParse(context.eventLogBytes);
  const replayed = await rtmrsReplayed(events);
  const wanted = rtmrs(context.tdQuote.body);
  for (let index = 0; index < COMPARED_RTMRS; index++) {
    const seen = { expected: hexEncode(wanted[index]), actual: hexEncode(replayed[index]) };
    const failure = `The event log does not give RTMR ${index} of the quote.`;
    require(seen.expected === seen.actual, `event-log.rtmr${index}`, failure, seen);
  }
  const too = bytesEqual(replayed[3], wanted[3]) ? "too" : "differs, which is not judged";
  return passed({ expected: "RTMR 0 to 2", actual: `${events.length} events; RTMR 3 ${too}` });
}

async function tdreportForm(context) {
  const raw = context.hcl.teeReport.subarray(0, TDREPORT_BYTES);
  const report = tdreportParse(raw);
  const types = { expected: hexNumber(TYPE_TDX), actual: hexNumber(report.reportType) };
  const other = "The report in the paravisor's report is not of a TDX machine.";
  require(report.reportType === TYPE_TDX, "tdreport.type", other, types);
  const empty = bytesConcat(report.reserved001, report.reserved192, report.reserved495, context.hcl.teeReport.subarray(TDREPORT_BYTES));
  const zero = { expected: "all zero" };
  require(!anyBit(empty), "tdreport.reserved", "Reserved bytes of the processor's report are not zero.", zero);
  for (const [name, [start, end], found] of [["tcb-info", TCB_INFO, report.tcbInfoHash], ["td-info", TD_INFO, report.tdInfoHash]]) {
    const seen = { expected: hexEncode(await sha384(raw.subarray(start, end))), actual: hexEncode(found) };
    const failure = "A digest in the processor's report is not of the part that it is for.";
    require(seen.expected === seen.actual, `tdreport.${name}`, failure, seen);
  }
  context.tdReport = report;
  return passed({ expected: "its digests are of its parts", actual: "its digests are of its parts" });
}

function tdreportMatch(context) {
  for (const [name, field] of SAME) {
    const seen = { expected: hexEncode(context.tdQuote.body[field]), actual: hexEncode(context.tdReport[field]) };
    const code = `tdreport.match.${name.replaceAll("_", "-")}`;
    require(seen.expected === seen.actual, code, `Processor's report and quote differ in ${name}.`, seen);
  }
  return passed({ expected: "as in the quote", actual: `${SAME.length} fields the same` });
}

function snpSteps(prefix) {
  const first = `${prefix}.evidence`;
  return [
    step(first, "documents", snpEvidence),
    ...reportSteps(prefix, [3, 4, 5], first),
    ...chainSteps(prefix, [`${prefix}.report.parse`]),
    ...reportSignatureSteps(prefix),
    minimumTcbStep(prefix),
    step(`${prefix}.signed-data`, "signed-data", snpSignedData, [`${prefix}.report.signature`]),
  ];
}

function tdxSteps(prefix, read, { hasEventLog = true } = {}) {
  const first = `${prefix}.evidence`;
  const log = step(`${prefix}.event-log`, "report", eventLog, [`${prefix}.quote.signature`], { required: false });
  return [
    step(first, "documents", read),
    ...tdQuoteSteps(prefix, first),
    ...pckChainSteps(prefix),
    ...tdSignatureSteps(prefix),
    ...collateralSteps(prefix),
    ...(hasEventLog ? [log] : []),
    tdSignedDataStep(prefix),
  ];
}

/** The launch measurement covers Azure's paravisor, which every machine of the kind shares; only the registers tell images apart. */
function azSnpSteps(prefix) {
  return [
    ...documentSteps(prefix, { headerVersion: 1, reportType: 2, read: azSnpEvidence }),
    ...reportSteps(prefix, [2, 3, 4, 5], `${prefix}.evidence`),
    ...chainSteps(prefix, [`${prefix}.report.parse`]),
    ...reportSignatureSteps(prefix),
    ...vtpmQuoteSteps(prefix, `${prefix}.report.signature`),
    minimumTcbStep(prefix),
  ];
}

function azTdxSteps(prefix) {
  const signed = `${prefix}.quote.signature`;
  return [
    ...documentSteps(prefix, { headerVersion: 2, reportType: 4, read: azTdxEvidence }),
    ...tdQuoteSteps(prefix, `${prefix}.evidence`),
    ...pckChainSteps(prefix),
    ...tdSignatureSteps(prefix),
    ...collateralSteps(prefix),
    step(`${prefix}.tdreport.form`, "report", tdreportForm, [`${prefix}.evidence`]),
    step(`${prefix}.tdreport.match`, "report", tdreportMatch, [`${prefix}.tdreport.form`, signed]),
    ...vtpmQuoteSteps(prefix, signed),
  ];
}

function unknownPlatform() {
  throw new CheckFailed("platform.unknown", "The evidence is of a platform that does not exist for this program.");
}

const PROCEDURES = {
  snp: { title: "AMD SEV-SNP", steps: snpSteps("snp") },
  "gcp-snp": { title: "AMD SEV-SNP", steps: snpSteps("gcp-snp") },
  "az-snp": { title: "AMD SEV-SNP on Azure", steps: azSnpSteps("az-snp") },
  tdx: { title: "Intel TDX", steps: tdxSteps("tdx", tdxEvidence) },
  "gcp-tdx": { title: "Intel TDX", steps: tdxSteps("gcp-tdx", tdxEvidence) },
  "az-tdx": { title: "Intel TDX on Azure", steps: azTdxSteps("az-tdx") },
  dstack: { title: "Intel TDX with dstack", steps: tdxSteps("dstack", dstackEvidence, { hasEventLog: false }) },
};
const UNKNOWN = { title: "Unknown platform", steps: [step("platform", "documents", unknownPlatform)] };

/** The steps that decide about evidence with this tag. An unknown tag gives a procedure of one step that fails. */
export function procedureFor(platform) {
  return Object.hasOwn(PROCEDURES, platform) ? PROCEDURES[platform] : UNKNOWN;
}
