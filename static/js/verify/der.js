/**
 * A strict reader of the little DER that AMD's and Intel's certificates need: definite lengths in the fewest octets, one-octet tags.
 * Everything else is refused, so that one value has one encoding. (Browsers give no certificate reader, and AMD's chip certificates have
 * serial number 0, which many refuse.) Source: ITU-T X.690.
 */

import { bigEndian, bytesConcat, bytesEqual } from "./bytes.js";
import { Malformed } from "./outcomes.js";
import { hexNumber } from "./texts.js";
import { momentOfUtc } from "./times.js";

export const TAG = {
  BOOLEAN: 0x01, INTEGER: 0x02, BIT_STRING: 0x03, OCTET_STRING: 0x04, OID: 0x06, ENUMERATED: 0x0a, UTF8_STRING: 0x0c,
  PRINTABLE_STRING: 0x13, IA5_STRING: 0x16, UTC_TIME: 0x17, GENERALIZED_TIME: 0x18, SEQUENCE: 0x30, SET: 0x31,
};

/** Reads elements `{ tag, content, raw }` one after another; `finish` refuses what is left. */
export class DerReader {
  constructor(data, what) {
    this.data = data;
    this.what = what;
    this.at = 0;
  }

  get done() {
    return this.at === this.data.length;
  }

  /** The next tag; null at the end. */
  peek() {
    return this.done ? null : this.data[this.at];
  }

  /** The next element, of this tag when one is given. */
  element(tag = null) {
    const { data, at: start } = this;
    if (data.length - start < 2) throw this.broken("it ends early");
    const found = data[start];
    if (tag !== null && found !== tag) throw this.broken(`element ${hexNumber(found, 2)} stands where ${hexNumber(tag, 2)} belongs`);
    if ((found & 0x1f) === 0x1f) throw this.broken("a tag of several octets");
    let length = data[start + 1];
    let at = start + 2;
    if (length >= 0x80) {
      const octets = length & 0x7f;
      const longForm = data.subarray(at, at + octets);
      if (octets < 1 || octets > 4 || longForm.length !== octets) throw this.broken("a length that DER does not allow");
      length = longForm.reduce((sum, octet) => sum * 256 + octet, 0);
      if (length < 0x80 || longForm[0] === 0) throw this.broken("a length that is not in its shortest form");
      at += octets;
    }
    const end = at + length;
    if (end > data.length) throw this.broken("it ends early");
    this.at = end;
    return { tag: found, content: data.subarray(at, end), raw: data.subarray(start, end) };
  }

  /** A reader of the content of the next element, which has this tag. */
  inside(tag) {
    return new DerReader(this.element(tag).content, this.what);
  }

  finish() {
    if (!this.done) throw this.broken("bytes are left over");
  }

  broken(why) {
    return new Malformed("der", `${this.what} is not strict DER: ${why}.`);
  }
}

/** One element around the joined contents. */
export function derEncode(tag, ...contents) {
  const content = bytesConcat(...contents);
  if (content.length < 0x80) return bytesConcat([tag, content.length], content);
  const octets = [];
  for (let size = content.length; size > 0; size = Math.floor(size / 256)) octets.unshift(size % 256);
  return bytesConcat([tag, 0x80 | octets.length], octets, content);
}

/** A non-negative INTEGER in its shortest form, as a BigInt. */
export function integerDecode(element, what) {
  const { tag, content } = element;
  const padded = content.length > 1 && content[0] === 0;
  const shortest = content.length > 0 && content[0] < 0x80 && !(padded && content[1] < 0x80);
  if (tag !== TAG.INTEGER || !shortest) throw new Malformed("der.integer", `${what} is not a non-negative integer in its shortest form.`);
  return bigEndian(content);
}

/** An OBJECT IDENTIFIER element. */
export function oidEncode(dotted) {
  const [first, second, ...rest] = dotted.split(".").map(Number);
  const content = [];
  for (let arc of [first * 40 + second, ...rest]) {
    const groups = [arc & 0x7f];
    while ((arc >>>= 7) > 0) groups.unshift((arc & 0x7f) | 0x80);
    content.push(...groups);
  }
  return derEncode(TAG.OID, content);
}

/** UTCTime or GeneralizedTime in the forms of RFC 5280, section 4.1.2.5: seconds given, «Z», no fractions. A moment. */
export function timeDecode(element, what) {
  const text = String.fromCharCode(...element.content);
  const digits = text.slice(0, -1);
  if (element.content.some((byte) => byte > 0x7f)) throw new Malformed("der.time", `${what} is not a time.`);
  if (!text.endsWith("Z") || !/^[0-9]+$/.test(digits)) throw new Malformed("der.time", `${what} is not a time in UTC.`);
  let full = digits;
  if (element.tag === TAG.UTC_TIME && digits.length === 12) full = (digits < "50" ? "20" : "19") + digits;
  else if (element.tag !== TAG.GENERALIZED_TIME || digits.length !== 14) {
    throw new Malformed("der.time", `${what} is not a time of a known form.`);
  }
  const [year, month, day, hour, minute, second] = [full.slice(0, 4), ...full.slice(4).match(/../g)].map(Number);
  const moment = momentOfUtc(year, month, day, hour, minute, second);
  if (moment === null) throw new Malformed("der.time", `${what} is not a possible time.`);
  return moment;
}

/** Whether an element stands for this OBJECT IDENTIFIER (an encoded one). */
export function oidIs(element, oid) {
  return bytesEqual(element, oid);
}
