/**
 * The HCL report: what Azure's paravisor hands out, the processor's report and the JSON that its report_data vouches for. Little-endian.
 * Source: Microsoft, «Azure confidential VMs guest attestation design»; evidence facts, section 3.
 */

import { bytesEqual, hexBytes } from "./bytes.js";
import { base64urlDecode } from "./encoding.js";
import { jsonDecode } from "./envelope.js";
import { Malformed } from "./outcomes.js";
import { layoutSize, unpack } from "./structure.js";
import { isAscii, isPrintable } from "./texts.js";

export const HCL_BYTES = 2600;
const LAYOUT = [
  ["magic", 4], ["headerVersion", 4, "le"], ["reportSize", 4, "le"], ["requestType", 4, "le"], ["status", 4, "le"], ["reserved", 12],
  ["teeReport", 1184], ["blockSize", 4, "le"], ["blockVersion", 4, "le"], ["reportType", 4, "le"], ["hashType", 4, "le"],
  ["contentLength", 4, "le"],
];
/** Everything before the JSON. */
export const HEADER_BYTES = layoutSize(LAYOUT);
const AK_KEY_ID = "HCLAkPub";
const AK_MODULUS_BYTES = 256;
/** 65537. */
const AK_EXPONENT = hexBytes("010001");
const MAX_TEXT_CHARACTERS = 256;
const SWITCHES = [["secure-boot", "secure_boot"], ["tpm-enabled", "tpm_enabled"], ["console-enabled", "console_enabled"]];

/** The report in `data`, with `varData` and `padding`. Throws `Malformed` when it is too short for its header or its JSON. */
export function hclReportParse(data) {
  if (data.length < HEADER_BYTES) throw new Malformed("hcl.length", `The HCL report has ${data.length} bytes, fewer than its header.`);
  const header = unpack(LAYOUT, data);
  const end = HEADER_BYTES + header.contentLength;
  if (end > data.length) throw new Malformed("hcl.length", "The HCL report's content is longer than the report.");
  return { ...header, varData: data.subarray(HEADER_BYTES, end), padding: data.subarray(end) };
}

/**
 * The bound JSON: `{ akModulus, configuration, userData }`. Exactly one attestation key, RSA-2048 with exponent 65537. What else it says
 * decides nothing, so what is missing there or of another type is left out instead of refused. Throws `Malformed`.
 */
export function varDataParse(data) {
  const document = jsonDecode(data, "The paravisor's JSON");
  const keys = document instanceof Map ? document.get("keys") : null;
  if (!Array.isArray(keys)) throw new Malformed("hcl.keys", "The paravisor's JSON has no list of keys.");
  const found = keys.filter((key) => key instanceof Map && key.get("kid") === AK_KEY_ID);
  if (found.length !== 1 || found[0].get("kty") !== "RSA") {
    throw new Malformed("hcl.ak", "The paravisor's JSON does not name exactly one RSA attestation key.");
  }
  const modulus = base64urlDecode(found[0].get("n"), "Modulus of the attestation key", { padding: false });
  const exponent = base64urlDecode(found[0].get("e"), "Exponent of the attestation key", { padding: false });
  if (modulus.length !== AK_MODULUS_BYTES || modulus[0] < 0x80) {
    throw new Malformed("hcl.ak", "The attestation key is not an RSA key of 2048 bits.");
  }
  if (!bytesEqual(exponent, AK_EXPONENT)) throw new Malformed("hcl.ak", "The attestation key's exponent is not 65537.");
  return { akModulus: modulus, configuration: configuration(document.get("vm-configuration")), userData: text(document.get("user-data")) };
}

function configuration(found) {
  if (!(found instanceof Map)) return {};
  const known = {};
  for (const [key, name] of SWITCHES) if (typeof found.get(key) === "boolean") known[name] = found.get(key);
  const uniqueId = text(found.get("vmUniqueId"));
  if (uniqueId) known.vm_unique_id = uniqueId;
  return known;
}

function text(found) {
  return typeof found === "string" && isAscii(found) && isPrintable(found) && found.length <= MAX_TEXT_CHARACTERS ? found : "";
}
