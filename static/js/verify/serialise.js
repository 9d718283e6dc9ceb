/**
 * The bytes of a provenance document as Kettle writes them. The signed digest covers them, so every byte counts.
 * Values are those of `json.js`: `Map`, list, text, `JsonNumber`, true, false, null.
 */

import { utf8Encode } from "./bytes.js";
import { JsonNumber } from "./json.js";

/** Two-space indent, UTF-8 unescaped, keys in the order of the document, no newline at the end. */
export function provenanceBytes(document) {
  return utf8Encode(written(document, "\n"));
}

/** The same without any white space: what evidence of early 2026 is signed over. */
export function provenanceCompactBytes(document) {
  return utf8Encode(written(document, null));
}

/** `line`: the line break with the indent around the value; null: no white space. */
function written(value, line) {
  if (value instanceof JsonNumber) return numberText(value);
  if (!(value instanceof Map) && !Array.isArray(value)) return JSON.stringify(value);
  const inner = line === null ? null : `${line}  `;
  const isMap = value instanceof Map;
  const members = isMap
    ? Array.from(value, ([name, item]) => `${JSON.stringify(name)}:${line === null ? "" : " "}${written(item, inner)}`)
    : value.map((item) => written(item, inner));
  const [open, close] = isMap ? "{}" : "[]";
  if (members.length === 0) return open + close;
  return open + (inner ?? "") + members.join(`,${inner ?? ""}`) + (line ?? "") + close;
}

/** An integer without a needless sign, a float in the fewest digits that name it, in the form of Python's `repr`. */
function numberText(number) {
  if (number.isInteger) return BigInt(number.text).toString();
  const { value } = number;
  const [mantissa, exponent] = Math.abs(value).toExponential().split("e");
  const digits = mantissa.replace(".", "");
  const point = Number(exponent) + 1;
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  if (value !== 0 && (point > 16 || point < -3)) {
    const tail = digits.length > 1 ? `.${digits.slice(1)}` : "";
    const size = String(Math.abs(point - 1)).padStart(2, "0");
    return `${sign}${digits[0]}${tail}e${point - 1 < 0 ? "-" : "+"}${size}`;
  }
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  const whole = digits.slice(0, point).padEnd(point, "0");
  return `${sign}${whole}.${digits.slice(point) || "0"}`;
}
