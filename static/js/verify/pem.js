/** Chains of certificates as PEM text, in the one form that is written again the same: 64 columns, LF, nothing between. RFC 7468. */

import { base64Encode, bytesEqual, utf8Encode } from "./bytes.js";
import { base64Canonical } from "./encoding.js";
import { Malformed } from "./outcomes.js";

const BEGIN = "-----BEGIN CERTIFICATE-----\n";
const END = "-----END CERTIFICATE-----\n";
const COLUMNS = 64;
/** Real chains have some 3,700. */
const MAX_CHAIN_BYTES = 32 * 1024;

/** The DER of each certificate, at least one. `tails`: what may stand behind the last one. Throws `Malformed`. */
export function pemChainParse(data, what, tails = [""]) {
  if (data.length > MAX_CHAIN_BYTES) throw new Malformed("pem.too-large", `${what} has more than ${MAX_CHAIN_BYTES} bytes.`);
  const text = Array.from(data, (byte) => String.fromCharCode(byte)).join("");
  const blocks = text.split(END);
  const tail = blocks.pop();
  const found = blocks.map((block) => base64Canonical((block.startsWith(BEGIN) ? block.slice(BEGIN.length) : block).replaceAll("\n", "")));
  const read = found.every((one) => one !== null);
  if (!read || found.length === 0 || !tails.includes(tail) || !bytesEqual(utf8Encode(pemChainEncode(found) + tail), data)) {
    const form = " in its canonical form: 64 columns, LF, nothing before, between or behind";
    throw new Malformed("pem", `${what} is not PEM${form}.`);
  }
  return found;
}

function pemChainEncode(certificates) {
  return certificates.map((one) => BEGIN + wrapped(base64Encode(one)) + END).join("");
}

function wrapped(text) {
  let lines = "";
  for (let at = 0; at < text.length; at += COLUMNS) lines += `${text.slice(at, at + COLUMNS)}\n`;
  return lines;
}
