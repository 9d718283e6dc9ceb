/**
 * The event log of a TDX machine (CCEL): which digests were measured into which register, little-endian. Only digests are compared; an
 * event's data is bound to nothing and never shown as verified.
 * Source: TCG, «PC Client Platform Firmware Profile», section 10.2 (crypto agile log); evidence facts, section 5.
 */

import { Malformed } from "./outcomes.js";
import { hexNumber } from "./texts.js";
import { bytesConcat } from "./bytes.js";
import { sha384 } from "./signatures.js";

const HEADER_BYTES = 32;
const SHA384 = 0x0c;
const DIGEST_BYTES = new Map([[0x04, 20], [0x0b, 32], [SHA384, 48], [0x0d, 64]]);
/** More in one record: not a record any more (the reference verifier's rule). */
const MAX_DIGESTS = 16;
const REGISTERS = 4;

/**
 * The events `{ register, eventType, sha384 }`; register 1 to 4 is RTMR 0 to 3. Firmware leaves the table's end empty, so reading stops
 * at a truncated or an all-zero record. Throws `Malformed` at an unknown digest algorithm, whose length nobody knows.
 */
export function eventLogParse(data) {
  if (data.length < HEADER_BYTES) return [];
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const events = [];
  let at = HEADER_BYTES + view.getUint32(HEADER_BYTES - 4, true);
  while (at + 12 <= data.length) {
    const [register, eventType, count] = [0, 4, 8].map((offset) => view.getUint32(at + offset, true));
    if (count > MAX_DIGESTS) break;
    const { found, after } = digests(data, view, at + 12, count);
    if (after === null || after + 4 > data.length) break;
    const size = view.getUint32(after, true);
    at = after + 4 + size;
    if (at > data.length || !(register || eventType || size)) break;
    events.push({ register, eventType, sha384: found });
  }
  return events;
}

/** The SHA-384 digest of a record and where its digests end; null: past the end of the log. */
function digests(data, view, start, count) {
  let found = null;
  let at = start;
  for (let number = 0; number < count; number++) {
    if (at + 2 > data.length) return { found, after: null };
    const algorithm = view.getUint16(at, true);
    const size = DIGEST_BYTES.get(algorithm);
    if (size === undefined) {
      throw new Malformed("event-log.algorithm", `The event log has a digest of the unknown kind ${hexNumber(algorithm)}.`);
    }
    at += 2;
    if (algorithm === SHA384) found = data.subarray(at, at + size);
    at += size;
  }
  return { found, after: at <= data.length ? at : null };
}

/** What the four registers hold after these events, 48 bytes each: SHA-384 of the register and the digest. */
export async function rtmrsReplayed(events) {
  const registers = Array.from({ length: REGISTERS }, () => new Uint8Array(48));
  for (const { register, sha384: digest } of events) {
    if (register >= 1 && register <= REGISTERS && digest !== null) {
      registers[register - 1] = await sha384(bytesConcat(registers[register - 1], digest));
    }
  }
  return registers;
}
