/** Digests in the spellings that occur in lockfiles and provenance documents, and one normal form. Source: W3C SRI 3.1; format facts. */

import { bytesEqual, hexBytes, hexEncode } from "./bytes.js";
import { base64Canonical } from "./encoding.js";
import { ProvenanceError } from "./provenance-error.js";
import { characterCount, quoted } from "./texts.js";

/** Bytes of a digest, by the algorithm's name. A git object name is a sha1 (or, in new repositories, a sha256). */
const SIZES = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 };
const PREFIX = /^(sha1|sha256|sha384|sha512)[-:](.*)$/s;

/**
 * The digest `{ algorithm, bytes }` that `text` spells: hex in either case, base64 with or without padding, SRI, or `ALGORITHM:` first.
 * `algorithm` is the key that the text stood under; a prefix that names another one is an error. Throws `ProvenanceError`.
 */
export function digestParse(text, algorithm = "") {
  let name = algorithm;
  let body = text;
  const prefixed = PREFIX.exec(text);
  if (prefixed) {
    body = prefixed[2];
    if (name && prefixed[1] !== name) {
      throw new ProvenanceError("digest.algorithm", `a ${name} digest is spelled as ${prefixed[1]}`);
    }
    name = prefixed[1];
    const again = PREFIX.exec(body);
    if (again?.[1] === name) body = again[2];
  }
  name ||= Object.keys(SIZES).find((known) => characterCount(body) === 2 * SIZES[known]) ?? "";
  if (!Object.hasOwn(SIZES, name)) {
    throw new ProvenanceError("digest.algorithm", `${name || quoted(text, 80)} names no digest that is known here`);
  }
  return { algorithm: name, bytes: valueBytes(body, SIZES[name], name) };
}

function valueBytes(body, size, algorithm) {
  if (body.length === 2 * size && /^[0-9a-fA-F]+$/.test(body)) return hexBytes(body);
  const padded = body + "=".repeat((4 - (characterCount(body) % 4)) % 4);
  const bytes = base64Canonical(padded);
  if (bytes === null || bytes.length !== size) {
    throw new ProvenanceError("digest.malformed", `${quoted(body, 140)} is not a ${algorithm} digest`);
  }
  return bytes;
}

/** Whether two texts spell one digest. Texts that spell none are the same only when they are equal. */
export function digestSame(left, right, algorithm = "") {
  if (left === right) return true;
  try {
    const [one, other] = [digestParse(left, algorithm), digestParse(right, algorithm)];
    return one.algorithm === other.algorithm && bytesEqual(one.bytes, other.bytes);
  } catch (error) {
    if (error instanceof ProvenanceError) return false;
    throw error;
  }
}

/** SHA-256 in hex, whatever the spelling; empty: the text spells none. */
export function sha256Hex(text) {
  try {
    return hexEncode(digestParse(text, "sha256").bytes);
  } catch (error) {
    if (error instanceof ProvenanceError) return "";
    throw error;
  }
}

/** Whether a text is a full git object name: 40 (SHA-1) or 64 (SHA-256) hex digits in lower case. */
export function isGitObject(text) {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}
