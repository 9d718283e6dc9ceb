/**
 * The SEV-SNP attestation report, 1184 bytes, versions 2 to 5, integers little-endian; and TCB versions in it.
 * Source: AMD document 56860 (SEV-SNP firmware ABI), tables «ATTESTATION_REPORT» and «TCB_VERSION»; evidence facts, section 1.
 */

import { anyBit } from "./bytes.js";
import { Malformed } from "./outcomes.js";
import { unpack } from "./structure.js";
import { hexNumber } from "./texts.js";

export const REPORT_BYTES = 1184;
/** What the signature covers. */
export const SIGNED_BYTES = 0x2a0;
export const MILAN = "milan";
export const GENOA = "genoa";
export const TURIN = "turin";

const LAYOUT = [
  ["version", 4, "le"], ["guestSvn", 4, "le"], ["policy", 8, "le"], ["familyId", 16], ["imageId", 16], ["vmpl", 4, "le"],
  ["signatureAlgorithm", 4, "le"], ["currentTcb", 8], ["platformInfo", 8, "le"], ["keyInfo", 4, "le"], ["reserved04c", 4],
  ["reportData", 64], ["measurement", 48], ["hostData", 32], ["idKeyDigest", 48], ["authorKeyDigest", 48], ["reportId", 32],
  ["reportIdMa", 32], ["reportedTcb", 8], ["cpuidFamily", 1, "le"], ["cpuidModel", 1, "le"], ["cpuidStepping", 1, "le"],
  ["reserved18b", 21], ["chipId", 64], ["committedTcb", 8], ["currentBuild", 1, "le"], ["currentMinor", 1, "le"],
  ["currentMajor", 1, "le"], ["reserved1eb", 1], ["committedBuild", 1, "le"], ["committedMinor", 1, "le"], ["committedMajor", 1, "le"],
  ["reserved1ef", 1], ["launchTcb", 8], ["launchMitVector", 8], ["currentMitVector", 8], ["reserved208", 152], ["signatureR", 72],
  ["signatureS", 72], ["reserved330", 368],
];

/** The report in exactly 1184 bytes; judges no value. Throws `Malformed`. */
export function snpReportParse(data) {
  if (data.length !== REPORT_BYTES) {
    const seen = { expected: `${REPORT_BYTES} bytes`, actual: `${data.length} bytes` };
    throw new Malformed("report.length", "The attestation report has the wrong length.", seen);
  }
  return unpack(LAYOUT, data);
}

/** Names of the reserved fields that are not zero, the TCB's apart. What is reserved depends on the version. */
export function reservedNotZero(report) {
  const reserved = [
    ["04C", report.reserved04c], ["18B..1A0", report.reserved18b], ["1EB", report.reserved1eb], ["1EF", report.reserved1ef],
    ["208..2A0", report.reserved208],
  ];
  if (report.version < 3) reserved.push(["188..18B", Uint8Array.of(report.cpuidFamily, report.cpuidModel, report.cpuidStepping)]);
  if (report.version < 5) reserved.push(["1F8..200", report.launchMitVector], ["200..208", report.currentMitVector]);
  return reserved.filter(([, bytes]) => anyBit(bytes)).map(([name]) => name);
}

/**
 * Processor generations that the report can be of: one from version 3 on, by CPUID. Version 2 has no CPUID, but Turin's chip ids have
 * 8 bytes and the others' 64, so the zero tail tells Turin from the other two. Throws `Malformed`.
 */
export function generationsPossible(report) {
  if (report.version >= 3) {
    const found = generationByCpuid(report.cpuidFamily, report.cpuidModel);
    if (found === null) {
      const actual = `family ${hexNumber(report.cpuidFamily)}, model ${hexNumber(report.cpuidModel)}`;
      throw new Malformed("report.generation", "The report names a processor of no known generation.", { actual });
    }
    return [found];
  }
  if (!anyBit(report.chipId)) {
    throw new Malformed("report.generation", "A version 2 report without chip id does not tell its processor's generation.");
  }
  return anyBit(report.chipId.subarray(8)) ? [MILAN, GENOA] : [TURIN];
}

function generationByCpuid(family, model) {
  if (family === 0x19 && model <= 0x0f) return MILAN;
  if (family === 0x19 && ((model >= 0x10 && model <= 0x1f) || (model >= 0xa0 && model <= 0xaf))) return GENOA;
  return family === 0x1a && model <= 0x11 ? TURIN : null;
}

export function isTurin(report) {
  const possible = generationsPossible(report);
  return possible.length === 1 && possible[0] === TURIN;
}

/** The 8 bytes of a TCB_VERSION: `{ levels, reserved }`, levels by component in the order in which they are shown. */
export function tcbParse(raw, turin) {
  if (turin) {
    return { levels: { bootloader: raw[1], tee: raw[2], snp: raw[3], microcode: raw[7], fmc: raw[0] }, reserved: raw.subarray(4, 7) };
  }
  return { levels: { bootloader: raw[0], tee: raw[1], snp: raw[6], microcode: raw[7] }, reserved: raw.subarray(2, 6) };
}

/** Every component has at least the other's level. */
export function tcbAtLeast(mine, other) {
  return Object.entries(other.levels).every(([name, level]) => mine.levels[name] >= level);
}

export function levelsText(levels) {
  return Object.entries(levels).map(([name, level]) => `${name} ${level}`).join(", ");
}
