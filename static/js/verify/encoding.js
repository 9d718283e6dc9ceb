/**
 * Text to bytes, canonical forms only: base64, base64url, hex. Decoders drop illegal characters or accept trailing bits that are not
 * zero; each would leave text that can be changed without any check noticing, so whatever was decoded is encoded again and compared.
 */

import { base64Encode, hexBytes } from "./bytes.js";
import { Malformed } from "./outcomes.js";
import { characterCount, isAscii } from "./texts.js";

/** Of one encoded field; the largest real one has some 7,000. Source: evidence facts, section 0. */
const MAX_FIELD_CHARACTERS = 1_048_576;

/** Standard alphabet, padding required, trailing bits zero. */
export function base64Decode(text, what) {
  fieldText(text, what);
  const bytes = base64Canonical(text);
  if (bytes !== null) return bytes;
  const why = base64Loose(text) ? `${what} is not base64 in its canonical form.` : `${what} is not base64.`;
  throw new Malformed("encoding.base64", why);
}

/** URL alphabet; correct padding may be there or be left out (both occur in genuine evidence), or must be out: `padding: false`. */
export function base64urlDecode(text, what, { padding = true } = {}) {
  fieldText(text, what);
  const bare = text.replace(/=+$/, "");
  const padded = bare + "=".repeat((4 - (bare.length % 4)) % 4);
  if (text !== bare && !(padding && text === padded)) throw new Malformed("encoding.base64url", `${what} has wrong base64url padding.`);
  const bytes = /^[A-Za-z0-9_=-]*$/.test(padded) ? base64Canonical(padded.replaceAll("-", "+").replaceAll("_", "/")) : null;
  if (bytes === null) throw new Malformed("encoding.base64url", `${what} is not base64url in its canonical form.`);
  return bytes;
}

/** Hex digits in either case, nothing between them. */
export function hexDecode(text, what) {
  fieldText(text, what);
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) throw new Malformed("encoding.hex", `${what} is not hexadecimal.`);
  return hexBytes(text);
}

/** The bytes of standard base64 in its one form; null: it is not that. */
export function base64Canonical(text) {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return null;
  try {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    return base64Encode(bytes) === text ? bytes : null;
  } catch {
    return null;
  }
}

/** Whether a text is base64 for lenient readers: only trailing bits are wrong. */
function base64Loose(text) {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text) && !/^={1,2}$/.test(text);
}

function fieldText(text, what) {
  if (typeof text !== "string") throw new Malformed("encoding.not-text", `${what} is not text.`);
  if (text.length > MAX_FIELD_CHARACTERS && characterCount(text) > MAX_FIELD_CHARACTERS) {
    throw new Malformed("encoding.too-long", `${what} has more than ${MAX_FIELD_CHARACTERS} characters.`);
  }
  if (!isAscii(text)) throw new Malformed("encoding.not-ascii", `${what} has characters outside ASCII.`);
}
