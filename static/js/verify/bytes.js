/** Small questions about bytes (Uint8Array), for every module. */

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Lower-case hex. */
export function hexEncode(bytes) {
  let text = "";
  for (const byte of bytes) text += HEX[byte];
  return text;
}

/** Bytes of hex digits that are known to be hex, such as constants. */
export function hexBytes(text) {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** Bytes of canonical base64 that is known to be that, such as constants. */
export function base64Bytes(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

export function base64Encode(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

export function bytesEqual(left, right) {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}

export function bytesConcat(...parts) {
  const joined = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Whether any byte is not zero. */
export function anyBit(bytes) {
  return bytes.some((byte) => byte !== 0);
}

export function utf8Encode(text) {
  return new TextEncoder().encode(text);
}

/** The text of strict UTF-8; a byte order mark stays in it. Throws `TypeError`. */
export function utf8Decode(bytes) {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}

/** An unsigned integer of any size, as a BigInt. */
export function bigEndian(bytes) {
  return bytes.length === 0 ? 0n : BigInt(`0x${hexEncode(bytes)}`);
}

export function littleEndian(bytes) {
  return bigEndian(bytes.slice().reverse());
}
