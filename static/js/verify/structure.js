/** Taking fixed layouts apart, field by field, in the order of the bytes. */

import { bigEndian, littleEndian } from "./bytes.js";

/**
 * The fields of a layout, a list of `[name, size]` for bytes or `[name, size, "le" | "be"]` for integers. Integers of up to 6 bytes are
 * numbers, longer ones BigInts. The caller has made sure of the length.
 */
export function unpack(layout, data, start = 0) {
  const found = {};
  let at = start;
  for (const [name, size, order] of layout) {
    const bytes = data.subarray(at, at + size);
    found[name] = order === undefined ? bytes : integer(bytes, order);
    at += size;
  }
  return found;
}

export function layoutSize(layout) {
  return layout.reduce((sum, [, size]) => sum + size, 0);
}

function integer(bytes, order) {
  const value = order === "le" ? littleEndian(bytes) : bigEndian(bytes);
  return bytes.length <= 6 ? Number(value) : value;
}
