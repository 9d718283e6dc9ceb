/**
 * What the reader demands: which builder images are recognised, who pinned them and why, and what else must hold. A policy can recognise
 * images and demand more; it can never add a trust anchor or excuse a check. Form: `verification/policy.schema.json`; what is unknown,
 * empty or unclear is refused with a sentence that says where.
 */

import { hexEncode, utf8Encode } from "./bytes.js";
import { JsonNumber } from "./json.js";
import { ProvenanceError } from "./provenance-error.js";
import { sha256 } from "./sha256.js";
import { BUILD_TYPES } from "./statement.js";
import { strictJsonParse } from "./strict-json.js";
import { characterCount, isPrintable, quoted } from "./texts.js";
import { momentRead } from "./times.js";

/** Tags by what their measurement means: `gcp-snp` is `snp` with another, unsigned, tag; so are `gcp-tdx` and `dstack` for `tdx`. */
export const PLATFORM_FAMILIES = {
  snp: "snp", "gcp-snp": "snp", "az-snp": "az-snp", tdx: "tdx", "gcp-tdx": "tdx", dstack: "tdx", "az-tdx": "az-tdx",
};
/** Which registers a family attests. */
const REGISTERS = { snp: [], "az-snp": ["pcrs"], tdx: ["rtmrs"], "az-tdx": ["pcrs", "rtmrs"] };
const REGISTER_COUNTS = { pcrs: 24, rtmrs: 4 };
/** PCRs 0 to 15 are reset only by a start of the machine; RTMR 3 is whatever software chose. */
const SETTLED = { pcrs: 16, rtmrs: 3 };
const FIRMWARE_COMPONENTS = ["fmc", "bootloader", "tee", "snp", "microcode"];
const POLICY_LIMIT = 1024 * 1024;
const MAX_TEXT = 2000;
const MAX_VERSION = 64;
const HEX = { measurement: /^[0-9a-f]{96}$/, pcrs: /^[0-9a-f]{64}$/, rtmrs: /^[0-9a-f]{96}$/ };
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$/;
const TOP_FIELDS = [
  "schema", "version", "entries", "allowed_builder_ids", "allowed_build_types", "required_nonce", "required_collateral",
  "required_source",
];
const ENTRY_TEXTS = ["name", "kettle_release", "pinned_by", "reason", "derivation"];
const ENTRY_FIELDS = [
  ...ENTRY_TEXTS, "platform", "measurement", "mr_td", "pcrs", "rtmrs", "minimum_tcb", "from", "until", "isolates_build_from_attester",
];

export class PolicyError extends Error {}

/** The policy that recognises nothing and demands nothing. */
export const EMPTY_POLICY = {
  version: "", entries: [], allowedBuilderIds: [], allowedBuildTypes: [], requiredNonce: false, requiredCollateral: false,
  requiredSource: null,
};

/** Reads the bytes of a policy file. Throws `PolicyError`. */
export function policyParse(data) {
  const document = policyDocument(data);
  if (document.has("anchors")) throw new PolicyError("the policy has the field 'anchors': a policy can never add a trust anchor");
  known(document, TOP_FIELDS, "the policy");
  const schema = document.get("schema");
  if (!(schema instanceof JsonNumber) || !schema.isInt(1)) throw new PolicyError("the policy's schema is not 1, the only one that is known");
  if ([...document.keys()].every((name) => name === "schema" || name === "version")) {
    throw new PolicyError("the policy is empty: it recognises nothing and demands nothing");
  }
  const version = document.has("version") ? textOf(document, "version", "the policy", MAX_VERSION) : hexEncode(sha256(data));
  return {
    version,
    entries: listed(document, "entries", entryParse),
    allowedBuilderIds: listed(document, "allowed_builder_ids", textItem),
    allowedBuildTypes: listed(document, "allowed_build_types", buildType),
    requiredNonce: flag(document, "required_nonce"),
    requiredCollateral: flag(document, "required_collateral"),
    requiredSource: document.has("required_source") ? sourceParse(document.get("required_source")) : null,
  };
}

/**
 * A policy in any of the forms that pages hold it in: bytes, text, an object, or null. In a material, a list of entries may be empty: the
 * server recognised nothing.
 */
export function policyOf(value) {
  if (value === null || value === undefined) return EMPTY_POLICY;
  if (value instanceof Uint8Array) return policyParse(value);
  if (typeof value === "string") return policyParse(utf8Encode(value));
  const document = { ...value };
  if (Array.isArray(document.entries) && document.entries.length === 0) delete document.entries;
  const isEmpty = Object.keys(document).every((name) => name === "schema" || name === "version");
  return isEmpty ? { ...EMPTY_POLICY, version: document.version ?? "" } : policyParse(utf8Encode(JSON.stringify(document)));
}

/** The first entry that matches and holds at a moment (null: whenever), or null. */
export function entryFor(policy, platform, claims, at = null) {
  return policy.entries.find((entry) => describes(entry, platform, claims) && (at === null || holdsAt(entry, at))) ?? null;
}

/** Whether evidence of a platform with these verified claims is of this image, whenever. */
function describes(entry, platform, claims) {
  if (PLATFORM_FAMILIES[platform] !== entry.platform || claims.measurement !== entry.measurement) return false;
  return REGISTERS[entry.platform].every((name) =>
    [...entry[name]].every(([index, value]) => (claims[name] ?? [])[index] === value),
  );
}

function holdsAt({ validFrom, validUntil }, moment) {
  return (validFrom === null || validFrom.us <= moment.us) && (validUntil === null || moment.us <= validUntil.us);
}

function policyDocument(data) {
  let document;
  try {
    document = strictJsonParse(data, { maxBytes: POLICY_LIMIT, what: "the policy" });
  } catch (error) {
    throw error instanceof ProvenanceError ? new PolicyError(error.message) : error;
  }
  if (!(document instanceof Map)) throw new PolicyError("the policy is not an object");
  return document;
}

function entryParse(value, where) {
  if (!(value instanceof Map)) throw new PolicyError(`${where} is not an object`);
  known(value, ENTRY_FIELDS, where);
  const texts = Object.fromEntries(ENTRY_TEXTS.map((name) => [name, textOf(value, name, where)]));
  const platform = textOf(value, "platform", where);
  if (!Object.hasOwn(REGISTERS, platform)) throw new PolicyError(`${where}: the platform ${quoted(platform, 40)} is not known`);
  const [wanted, other] = platform.endsWith("tdx") ? ["mr_td", "measurement"] : ["measurement", "mr_td"];
  if (value.has(other)) throw new PolicyError(`${where} is for ${platform}, where the image is named by ${wanted}, not by ${other}`);
  const measurement = textOf(value, wanted, where);
  if (!HEX.measurement.test(measurement)) throw new PolicyError(`the ${wanted} of ${where} is not 96 lower-case hex digits`);
  const isolates = value.get("isolates_build_from_attester") ?? null;
  if (isolates !== null && typeof isolates !== "boolean") {
    throw new PolicyError(`isolates_build_from_attester of ${where} is neither true, false nor null`);
  }
  const entry = {
    ...texts, platform, measurement, isolates,
    pcrs: registers(value, "pcrs", where),
    rtmrs: registers(value, "rtmrs", where),
    minimumTcb: levels(value, where),
    validFrom: moment(value, "from", where),
    validUntil: (value.get("until") ?? null) === null ? null : moment(value, "until", where),
  };
  entryJudge(entry, where);
  return entry;
}

/** What would recognise too much cannot exist. */
function entryJudge(entry, where) {
  const { platform } = entry;
  for (const name of Object.keys(REGISTER_COUNTS)) {
    if (entry[name].size > 0 && !REGISTERS[platform].includes(name)) {
      throw new PolicyError(`${where}: it pins ${name}, which ${platform} does not attest`);
    }
  }
  if (platform.startsWith("az-") && !pinsSettled(entry, "pcrs")) {
    throw new PolicyError(`${where}: it is for Azure and pins no PCR from 0 to 15 that something was measured into`);
  }
  if (platform === "tdx" && !pinsSettled(entry, "rtmrs")) {
    throw new PolicyError(`${where}: it is for TDX and pins no RTMR from 0 to 2 that something was measured into`);
  }
  if (entry.minimumTcb !== null && !platform.includes("snp")) throw new PolicyError(`${where}: minimum_tcb is for AMD`);
  if (entry.validUntil !== null && entry.validUntil.us <= entry.validFrom.us) throw new PolicyError(`${where}: it ends before it begins`);
}

function pinsSettled(entry, name) {
  return [...entry[name]].some(([index, value]) => index < SETTLED[name] && !/^0+$/.test(value));
}

function known(value, fields, where) {
  const unknown = [...value.keys()].filter((name) => !fields.includes(name)).sort();
  if (unknown.length > 0) throw new PolicyError(`${where} has the unknown field ${quoted(unknown[0], 60)}`);
}

function textOf(value, name, where, limit = MAX_TEXT) {
  if (!value.has(name)) throw new PolicyError(`${where} has no ${name}`);
  return textItem(value.get(name), `the ${name} of ${where}`, limit);
}

function textItem(value, where, limit = MAX_TEXT) {
  if (typeof value !== "string" || value.trim() === "") throw new PolicyError(`${where} is not a text, or is empty`);
  if (characterCount(value) > limit || !isPrintable(value)) {
    throw new PolicyError(`${where} is longer than ${limit} characters or has characters that do not show`);
  }
  return value;
}

function buildType(value, where) {
  const text = textItem(value, where);
  if (!BUILD_TYPES.has(text)) throw new PolicyError(`${where}: ${quoted(text, 120)} is none of Kettle's build types`);
  return text;
}

function listed(document, name, read) {
  if (!document.has(name)) return [];
  const values = document.get(name);
  if (!Array.isArray(values) || values.length === 0) {
    throw new PolicyError(`${name} is not a list, or is empty: leave it out to demand nothing`);
  }
  const what = name === "entries" ? "entry" : `item of ${name},`;
  return values.map((value, index) => read(value, `${what} ${index + 1}`));
}

function flag(document, name) {
  const value = document.has(name) ? document.get(name) : false;
  if (typeof value !== "boolean") throw new PolicyError(`${name} is neither true nor false`);
  return value;
}

function sourceParse(value) {
  if (!(value instanceof Map) || value.size === 0) throw new PolicyError("required_source is not an object, or is empty");
  known(value, ["repository", "ref"], "required_source");
  const text = (name) => (value.has(name) ? textOf(value, name, "required_source") : "");
  return { repository: text("repository"), ref: text("ref") };
}

function registers(value, name, where) {
  const found = value.get(name);
  if (found === undefined) return new Map();
  if (!(found instanceof Map) || found.size === 0) {
    throw new PolicyError(`${name} of ${where} is not an object of values by index, or is empty`);
  }
  for (const [index, text] of found) {
    if (!/^(0|[1-9][0-9]?)$/.test(index) || Number(index) >= REGISTER_COUNTS[name]) {
      throw new PolicyError(`${name} of ${where} names ${quoted(index, 10)}; they go from 0 to ${REGISTER_COUNTS[name] - 1}`);
    }
    if (typeof text !== "string" || !HEX[name].test(text)) {
      throw new PolicyError(`${name} of ${where}: the value of ${index} is not ${name === "pcrs" ? "64" : "96"} lower-case hex digits`);
    }
  }
  return new Map(Array.from(found, ([index, text]) => [Number(index), text]));
}

/** Levels by component; null: none is set. */
function levels(value, where) {
  const found = value.get("minimum_tcb");
  if (found === undefined) return null;
  if (!(found instanceof Map) || found.size === 0) {
    throw new PolicyError(`minimum_tcb of ${where} is not an object of levels by component, or is empty`);
  }
  known(found, FIRMWARE_COMPONENTS, `minimum_tcb of ${where}`);
  for (const [name, level] of found) {
    if (!(level instanceof JsonNumber) || !level.isInteger || level.value < 0 || level.value > 255) {
      throw new PolicyError(`minimum_tcb of ${where}: the level of ${name} is not a number from 0 to 255`);
    }
  }
  return Object.fromEntries(Array.from(found, ([name, level]) => [name, Math.abs(level.value)]));
}

function moment(value, name, where) {
  const text = textOf(value, name, where);
  const found = TIME.test(text) ? momentRead(text) : null;
  if (found === null) throw new PolicyError(`${name} of ${where} is not a time like 2026-06-01T00:00:00Z`);
  return found;
}
