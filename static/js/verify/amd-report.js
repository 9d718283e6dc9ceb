/** Steps about the SEV-SNP report itself, the same for every platform that carries one. Source: AMD document 56860; evidence facts, 1. */

import { anyBit, bytesConcat, bytesEqual, hexEncode, littleEndian } from "./bytes.js";
import { CheckFailed, passed, require, step } from "./outcomes.js";
import { SIGNED_BYTES, generationsPossible, isTurin, levelsText, reservedNotZero, snpReportParse, tcbAtLeast, tcbParse } from "./snp-report.js";
import { ecdsaP384Verify } from "./signatures.js";
import { hexNumber } from "./texts.js";
import { VCEK, VLEK } from "./vek.js";

const POLICY_MUST_BE_ONE = 1n << 17n;
const POLICY_MIGRATE_MA = 1n << 18n;
const POLICY_DEBUG = 1n << 19n;
/** Bits from this one on are reserved. */
const POLICY_RESERVED_FROM = 26n;
const SIGNING_KEYS = { 0: VCEK, 1: VLEK };

function parse(context) {
  context.report = snpReportParse(context.reportBytes);
  return passed({ expected: "1184 bytes", actual: "1184 bytes" });
}

function version(context, allowed) {
  const found = context.report.version;
  const expected = `${allowed[0]} to ${allowed.at(-1)}`;
  require(allowed.includes(found), "report.version", "The report is of a version that is not known.", { expected, actual: `${found}` });
  return passed({ expected, actual: `${found}` });
}

function reserved(context) {
  const found = reservedNotZero(context.report);
  const seen = { expected: "all zero", actual: found.join(", ") };
  require(found.length === 0, "report.reserved", "Reserved fields of the report are not zero.", seen);
  return passed({ expected: "all zero", actual: "all zero" });
}

function generation(context) {
  return passed({ actual: generationsPossible(context.report).join(" or ") });
}

function algorithm(context) {
  const found = context.report.signatureAlgorithm;
  const seen = { expected: "1", actual: `${found}` };
  require(found === 1, "report.algorithm", "The report names an unknown signature algorithm.", seen);
  return passed({ expected: "1 (ECDSA P-384 with SHA-384)", actual: "1" });
}

/** Over the raw bytes: R and S are little-endian, 72 bytes each of which 48 are used. */
async function signature(context) {
  const { report } = context;
  await ecdsaP384Verify(
    context.vek.certificate.spki, littleEndian(report.signatureR.subarray(0, 48)), littleEndian(report.signatureS.subarray(0, 48)),
    context.reportBytes.subarray(0, SIGNED_BYTES), "report.signature",
    "The report is not signed by the chip key: the report or its signature was changed, or another chip made it.",
  );
  Object.assign(context.claims, reportClaims(report));
  return passed({ actual: "ECDSA P-384 over SHA-384 of 672 bytes" });
}

/** What the signed report says, as far as policies and pages ask. */
function reportClaims(report) {
  const levels = (raw) => tcbParse(raw, isTurin(report)).levels;
  return {
    measurement: hexEncode(report.measurement), report_data: hexEncode(report.reportData), host_data: hexEncode(report.hostData),
    chip_id: hexEncode(report.chipId), report_version: report.version, guest_svn: report.guestSvn, vmpl: report.vmpl,
    tcb: {
      reported: levels(report.reportedTcb), committed: levels(report.committedTcb), current: levels(report.currentTcb),
      launch: levels(report.launchTcb),
    },
  };
}

function signaturePadding(context) {
  const { report } = context;
  const unused = bytesConcat(report.signatureR.subarray(48), report.signatureS.subarray(48), report.reserved330);
  const seen = { expected: "all zero" };
  require(!anyBit(unused), "report.signature-padding", "Bytes around the report's signature are not zero.", seen);
  return passed({ expected: "all zero", actual: "all zero" });
}

function vmpl(context) {
  const found = context.report.vmpl;
  const seen = { expected: "0", actual: `${found}` };
  require(found === 0, "report.vmpl", "The report was asked for at a lower privilege level.", seen);
  return passed({ expected: "0", actual: "0" });
}

function debug(context) {
  const allowed = (context.report.policy & POLICY_DEBUG) !== 0n;
  const seen = { expected: "off", actual: "on" };
  require(!allowed, "report.debug", "The machine may be debugged: its host can read its memory.", seen);
  return passed({ expected: "off", actual: "off" });
}

function policy(context) {
  const found = context.report.policy;
  const actual = hexNumber(found);
  const one = (found & POLICY_MUST_BE_ONE) !== 0n;
  require(one, "report.policy.reserved-one", "Policy bit 17 is not one.", { expected: "1", actual });
  const zero = found >> POLICY_RESERVED_FROM === 0n;
  require(zero, "report.policy.reserved", "Reserved policy bits are not zero.", { expected: "0", actual });
  const stays = (found & POLICY_MIGRATE_MA) === 0n;
  const seen = { expected: "no migration agent", actual };
  require(stays, "report.policy.migration", "The machine may be moved by a migration agent.", seen);
  return passed({ expected: "no migration agent, reserved bits as specified", actual });
}

function keyInfo(context) {
  const found = context.report.keyInfo;
  const { kind } = context.vek;
  const named = SIGNING_KEYS[(found >>> 2) & 7] ?? "none";
  const actual = hexNumber(found);
  require(found >>> 5 === 0, "report.key-info.reserved", "Reserved bits of the key information are not zero.", { actual });
  const failure = "The report was signed by another kind of key than the certificate is for.";
  require(named === kind, "report.key-info.signing-key", failure, { expected: kind, actual: named });
  const seen = { expected: "chip not masked", actual: "masked" };
  require((found & 2) === 0, "report.key-info.masked", "The report hides which chip made it.", seen);
  return passed({ expected: kind, actual: named });
}

/** Firmware reports at most what is committed, and runs at least that: else the report contradicts itself. */
function tcbOrder(context) {
  const { report } = context;
  const parts = [report.reportedTcb, report.committedTcb, report.currentTcb, report.launchTcb];
  const tcbs = parts.map((raw) => tcbParse(raw, isTurin(report)));
  const [reported, committed, current] = tcbs;
  for (const tcb of tcbs) {
    const seen = { expected: "all zero" };
    require(!anyBit(tcb.reserved), "report.tcb.reserved", "Reserved bytes of a firmware level are not zero.", seen);
  }
  atMost(reported, committed, "report.tcb.reported", "The reported firmware level is above the committed one.");
  atMost(committed, current, "report.tcb.committed", "The committed firmware level is above the running one.");
  const running = [report.currentMajor, report.currentMinor, report.currentBuild];
  const kept = [report.committedMajor, report.committedMinor, report.committedBuild];
  if (versionNumber(kept) > versionNumber(running)) {
    const seen = { expected: `at most (${running.join(", ")})`, actual: `(${kept.join(", ")})` };
    throw new CheckFailed("report.tcb.version", "The committed firmware version is above the running one.", seen);
  }
  return passed({ expected: "reported ≤ committed ≤ running", actual: levelsText(reported.levels) });
}

function atMost(lower, upper, code, failure) {
  const seen = { expected: `at most ${levelsText(upper.levels)}`, actual: levelsText(lower.levels) };
  require(tcbAtLeast(upper, lower), code, failure, seen);
}

/** Major, minor and build have 8 bits each. */
function versionNumber([major, minor, build]) {
  return (major << 16) | (minor << 8) | build;
}

/** A VCEK names its chip. A VLEK is loaded into many and names none; where it names one, that must be this chip. */
function chip(context) {
  const { hwid, kind, cspId } = context.vek;
  const { chipId } = context.report;
  if (hwid === null) {
    require(kind === VLEK, "chip.hwid-missing", "The chip key's certificate does not name its chip.");
    return passed({ expected: "a VLEK names no chip", actual: cspId || "no chip named" });
  }
  const fits = isTurin(context.report) ? hwid.length >= 8 && hwid.length <= 64 : hwid.length === 64;
  const actual = `${hwid.length} bytes`;
  require(fits, "chip.hwid-length", "The chip id in the certificate has the wrong length.", { actual });
  const padded = bytesConcat(hwid, new Uint8Array(64 - hwid.length));
  const seen = { expected: hexEncode(hwid), actual: hexEncode(chipId) };
  require(bytesEqual(padded, chipId), "chip.hwid", "The certificate is another chip's.", seen);
  return passed(seen);
}

/** The key is derived from the firmware level, so the certificate's levels and the report's are the same. */
function tcb(context) {
  const { levels } = tcbParse(context.report.reportedTcb, isTurin(context.report));
  const stated = { fmc: 0, ...context.vek.levels };
  const actual = { fmc: 0, ...levels };
  for (const [name, level] of Object.entries(stated)) {
    const seen = { expected: `${name} ${level}`, actual: `${name} ${actual[name]}` };
    const failure = `The certificate is for another firmware level of ${name} than the report states.`;
    require(level === actual[name], `chip.tcb.${name}`, failure, seen);
  }
  return passed({ expected: levelsText(levels), actual: levelsText(levels) });
}

/** Report, certificate and anchor speak of the same processor generation. */
function chainGeneration(context) {
  const { anchor, vek } = context;
  const possible = generationsPossible(context.report);
  const failure = "The chip key's issuer is of another processor generation than the report.";
  const seen = { expected: possible.join(" or "), actual: anchor.generation };
  require(possible.includes(anchor.generation), "chip.generation", failure, seen);
  const product = vek.product.toLowerCase().split("-")[0];
  const named = { expected: anchor.generation, actual: product || "none" };
  require(product === anchor.generation, "chip.product", "The certificate names another product than its issuer.", named);
  return passed({ expected: anchor.generation, actual: vek.product });
}

/** What the report's bytes say on their own. `after`: code of the step that found the bytes. */
export function reportSteps(prefix, versions, after) {
  const code = (name) => `${prefix}.report.${name}`;
  const known = [code("version")];
  return [
    step(code("parse"), "report", parse, [after]),
    step(code("version"), "report", (context) => version(context, versions), [code("parse")]),
    step(code("reserved"), "report", reserved, known),
    step(code("generation"), "report", generation, known),
    step(code("algorithm"), "report", algorithm, known),
    step(code("padding"), "report", signaturePadding, known),
    step(code("vmpl"), "report", vmpl, known),
    step(code("debug"), "report", debug, known),
    step(code("policy"), "report", policy, known),
    step(code("tcb-order"), "report", tcbOrder, [code("generation")]),
  ];
}

/** What joins the report and the chip key's certificate, once that certificate's chain holds. */
export function reportSignatureSteps(prefix) {
  const code = (name) => `${prefix}.report.${name}`;
  const chained = [`${prefix}.vek.signature`, code("generation")];
  return [
    step(code("signature"), "report", signature, [...chained, code("reserved"), code("algorithm")]),
    step(code("key-info"), "report", keyInfo, chained),
    step(`${prefix}.chip.generation`, "chip-key", chainGeneration, chained),
    step(`${prefix}.chip.id`, "chip-key", chip, chained),
    step(`${prefix}.chip.tcb`, "chip-key", tcb, chained),
  ];
}
