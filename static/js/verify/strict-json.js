/** JSON of a provenance document: what two readers could understand differently is refused, with a stable code for each reason. */

import { utf8Decode } from "./bytes.js";
import { jsonRead } from "./json.js";
import { ProvenanceError } from "./provenance-error.js";
import { quoted } from "./texts.js";

/** Levels of nesting. Kettle's documents have nine. */
const DEPTH_LIMIT = 64;
const SPACE = [0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20];

/**
 * The value of a JSON text in strict UTF-8. Throws `ProvenanceError` for more than `maxBytes` bytes, a byte order mark, invalid UTF-8,
 * doubled names, NaN and infinities, lone surrogates, NUL characters, nesting deeper than 64, and all that is not one JSON value.
 */
export function strictJsonParse(data, { maxBytes, what }) {
  if (data.length > maxBytes) throw new ProvenanceError("json.too-large", `${what} has ${data.length} bytes, more than ${maxBytes}`);
  if (data.every((byte) => SPACE.includes(byte))) throw new ProvenanceError("json.empty", `${what} is empty`);
  if (data[0] === 0xef && data[1] === 0xbb && data[2] === 0xbf) {
    throw new ProvenanceError("json.byte-order-mark", `${what} begins with a byte order mark`);
  }
  const text = textOf(data, what);
  const { value, depth, doubled } = read(text, what);
  if (depth > DEPTH_LIMIT) throw tooDeep(what);
  if (doubled !== null) throw new ProvenanceError("json.doubled-name", `the name ${quoted(doubled, 60)} occurs twice in one object`);
  // NUL and lone surrogates can only come from escapes: raw ones are refused by the reader and by UTF-8.
  if (text.includes("\\u")) textsCheck(value, what);
  return value;
}

function textOf(data, what) {
  try {
    return utf8Decode(data);
  } catch {
    throw new ProvenanceError("json.not-utf8", `${what} is not UTF-8`);
  }
}

function read(text, what) {
  try {
    return jsonRead(text, { finite: true });
  } catch (error) {
    if (error.kind === "too-deep") throw tooDeep(what);
    if (error.kind === "not-a-number") throw new ProvenanceError("json.not-a-number", error.message);
    throw new ProvenanceError("json.malformed", `${what} is not JSON: ${error.message}`);
  }
}

function tooDeep(what) {
  return new ProvenanceError("json.too-deep", `${what} is nested deeper than ${DEPTH_LIMIT} levels`);
}

function textsCheck(value, what) {
  const pending = [value];
  while (pending.length > 0) {
    const item = pending.pop();
    if (item instanceof Map) pending.push(...item.values(), ...item.keys());
    else if (Array.isArray(item)) pending.push(...item);
    else if (typeof item === "string") textCheck(item, what);
  }
}

function textCheck(text, what) {
  if (text.includes("\0")) throw new ProvenanceError("json.nul", `${what} holds a NUL character`);
  if (/\p{Cs}/u.test(text)) throw new ProvenanceError("json.lone-surrogate", `${what} holds half of a surrogate pair`);
}
