/**
 * Moments with a resolution of a microsecond, which `Date` does not have: `{ us, offset }`, microseconds since 1970 (BigInt) and the
 * offset in minutes in which the moment was written.
 */

import { ProvenanceError } from "./provenance-error.js";
import { quoted } from "./texts.js";

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)$/;
const MINUTE = 60_000_000n;
/** First and last moment of the calendar that the other verifier knows: years 1 to 9999. */
const FIRST = BigInt(utcMilliseconds(1, 1, 1, 0, 0, 0)) * 1000n;
const LAST = BigInt(utcMilliseconds(9999, 12, 31, 23, 59, 59)) * 1000n + 999_999n;

/** A moment in UTC; null: there is no such day or time. */
export function momentOfUtc(year, month, day, hour, minute, second, microsecond = 0) {
  const daysInMonth = month >= 1 && month <= 12 ? new Date(utcMilliseconds(year, month + 1, 0, 0, 0, 0)).getUTCDate() : 0;
  if (year < 1 || year > 9999 || day < 1 || day > daysInMonth || hour > 23 || minute > 59 || second > 59) return null;
  return { us: BigInt(utcMilliseconds(year, month, day, hour, minute, second)) * 1000n + BigInt(microsecond), offset: 0 };
}

/** `Date.UTC` takes the years 0 to 99 for those of the last century. */
function utcMilliseconds(year, month, day, hour, minute, second) {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second, 0);
  return date.getTime();
}

/** The moment that an RFC 3339 text names, in the offset in which it is written; null: it names none. */
export function momentRead(text) {
  const found = RFC3339.exec(text);
  if (!found) return null;
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map(Number);
  const local = momentOfUtc(year, month, day, hour, minute, second, Number((found[7] ?? "0").slice(0, 6).padEnd(6, "0")));
  const zone = found[8].toUpperCase() === "Z" ? "+00:00" : found[8];
  const offset = (zone[0] === "-" ? -1 : 1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4)));
  if (local === null || Math.abs(offset) >= 24 * 60) return null;
  const us = local.us - BigInt(offset) * MINUTE;
  return us < FIRST || us > LAST ? null : { us, offset };
}

/** A time of a provenance document, in UTC; digits finer than a microsecond are cut. */
export function timeParse(text) {
  const form = RFC3339.test(text);
  const moment = form ? momentRead(text) : null;
  if (moment === null) {
    throw new ProvenanceError("time.malformed", `${quoted(text, 60)} is not a ${form ? "moment" : "time of the form of RFC 3339"}`);
  }
  return { us: moment.us, offset: 0 };
}

/** A moment out of a `Date` or an ISO 8601 text with an offset. Throws `TypeError`. */
export function momentOf(value) {
  const moment = value instanceof Date ? { us: BigInt(value.getTime()) * 1000n, offset: 0 } : momentRead(String(value));
  if (moment === null) throw new TypeError("not a moment with an offset");
  return moment;
}

/** ISO 8601 with its offset; the fraction is left out when it is zero. */
export function isoFormat({ us, offset }) {
  const local = us + BigInt(offset) * MINUTE;
  const milliseconds = (local - (((local % 1000n) + 1000n) % 1000n)) / 1000n;
  const date = new Date(Number(milliseconds));
  const fraction = Number(((local % 1_000_000n) + 1_000_000n) % 1_000_000n);
  const tail = fraction === 0 ? "" : `.${String(fraction).padStart(6, "0")}`;
  const size = Math.abs(offset);
  const zone = `${offset < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
  return `${String(date.getUTCFullYear()).padStart(4, "0")}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}T${clock(date)}${tail}${zone}`;
}

/** «2026-06-01 00:00:00» of a moment in UTC with whole seconds. */
export function utcText(moment) {
  return isoFormat({ us: moment.us, offset: 0 }).slice(0, 19).replace("T", " ");
}

function clock(date) {
  return `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
}

function two(number) {
  return String(number).padStart(2, "0");
}
