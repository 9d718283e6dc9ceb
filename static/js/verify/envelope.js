/** The outermost layer of evidence.json: `{"platform": …, "evidence": {…}}`; and JSON inside of evidence. */

import { utf8Decode } from "./bytes.js";
import { jsonRead } from "./json.js";
import { Malformed } from "./outcomes.js";
import { isAscii, isPrintable } from "./texts.js";

/** Source: evidence facts, section 0 (the reference verifier's cap). */
const MAX_EVIDENCE_BYTES = 10 * 1024 * 1024;
/** The longest known tag has 8; the tag is shown on pages. */
const MAX_PLATFORM_CHARACTERS = 64;

/** Strict UTF-8 JSON, an object, no doubled names; keys other than the two are ignored. Throws `Malformed`. */
export function envelopeParse(data) {
  if (data.length > MAX_EVIDENCE_BYTES) {
    throw new Malformed("envelope.too-large", `The evidence has ${data.length} bytes; at most ${MAX_EVIDENCE_BYTES} are read.`);
  }
  const document = jsonDecode(data, "The evidence");
  if (!(document instanceof Map)) throw new Malformed("envelope.not-object", "The evidence is not a JSON object.");
  const platform = document.get("platform");
  const evidence = document.get("evidence");
  if (typeof platform !== "string" || platform === "" || Array.from(platform).length > MAX_PLATFORM_CHARACTERS) {
    throw new Malformed("envelope.platform", "The evidence has no platform tag, or one that is not a short text.");
  }
  if (!isAscii(platform) || !isPrintable(platform)) {
    throw new Malformed("envelope.platform", "The platform tag has characters that no known tag has.");
  }
  if (!(evidence instanceof Map)) throw new Malformed("envelope.evidence", "The evidence field is missing or is not an object.");
  // The tag is unsigned: it selects a procedure and proves nothing.
  return { platform, evidence };
}

/** The JSON value of strict UTF-8; doubled names, NaN, infinities and a byte order mark are refused. */
export function jsonDecode(data, what) {
  let text;
  try {
    text = utf8Decode(data);
  } catch {
    throw new Malformed("encoding.utf8", `${what} is not UTF-8 text.`);
  }
  try {
    return jsonRead(text, { doubledAtOnce: true }).value;
  } catch (error) {
    if (error.kind === "doubled-name") {
      throw new Malformed("encoding.duplicate-key", `${what}: A JSON object has the same key twice.`);
    }
    if (error.kind === "not-a-number") throw new Malformed("encoding.json", `${what}: ${error.message.replace("a JSON number", "JSON")}.`);
    if (error.kind === "too-deep") throw new Malformed("encoding.json", `${what} is JSON nested too deeply.`);
    throw new Malformed("encoding.json", `${what} is not JSON.`);
  }
}
