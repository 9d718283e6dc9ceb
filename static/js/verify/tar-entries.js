/**
 * What is in a .tar.gz, read as a stream: name, size and SHA-256 of each regular file. Nothing is unpacked and nothing kept, so a tarball
 * of gigabytes takes no more memory than one block. Source: POSIX.1-2017, pax, «ustar Interchange Format»; GNU tar's long names.
 */

import { Sha256 } from "./sha256.js";
import { hexEncode } from "./bytes.js";

const BLOCK = 512;
/** Entries and unpacked bytes that are read: more is an attack on patience, not a build's result. */
export const MAX_ENTRIES = 4096;
export const MAX_UNPACKED = 64 * 2 ** 30;
/** Bytes of one extended header (pax or GNU long name); names have some hundred. */
const MAX_HEADER_DATA = 64 * 1024;
const REGULAR = new Set(["0", "\0", "7"]);

export class TarError extends Error {}

/** Whether a file begins as gzip does. */
export function looksLikeGzip(head) {
  return head.length >= 2 && head[0] === 0x1f && head[1] === 0x8b;
}

/**
 * Reads the tar inside a stream of gzip bytes. `keep(name)`: whether the content of a small file is wanted too (at most `keepBytes`).
 * Gives `[{name, size, hex, bytes?}]`. Throws `TarError`, or what decompression throws.
 */
export async function tarGzEntries(stream, { keep = () => false, keepBytes = 16 * 2 ** 20 } = {}) {
  const reader = new ByteReader(stream.pipeThrough(new DecompressionStream("gzip")).getReader());
  const entries = [];
  let named = null;
  for (;;) {
    const header = await reader.take(BLOCK);
    if (header === null || header.every((byte) => byte === 0)) break;
    checksumVerify(header);
    const size = numberField(header.subarray(124, 136));
    const type = String.fromCharCode(header[156]);
    if (type === "L" || type === "x") {
      if (size > MAX_HEADER_DATA) throw new TarError("a name in the archive is too long");
      const data = await reader.take(size);
      if (data === null) throw new TarError("the archive ends early");
      named = type === "L" ? text(data) : (paxPath(data) ?? named);
      await reader.skip(padding(size));
      continue;
    }
    const name = named ?? ustarName(header);
    named = null;
    if (!REGULAR.has(type)) {
      await reader.skip(size + padding(size));
      continue;
    }
    if (entries.length === MAX_ENTRIES) throw new TarError(`the archive holds more than ${MAX_ENTRIES} files`);
    entries.push(await entryRead(reader, name, size, keep(name) && size <= keepBytes));
    await reader.skip(padding(size));
  }
  await reader.cancel();
  return entries;
}

async function entryRead(reader, name, size, kept) {
  const hash = new Sha256();
  const parts = [];
  for (let left = size; left > 0; ) {
    const piece = await reader.some(left);
    if (piece === null) throw new TarError("the archive ends early");
    hash.update(piece);
    if (kept) parts.push(piece.slice());
    left -= piece.length;
  }
  const entry = { name, size, hex: hexEncode(hash.digest()) };
  if (kept) entry.bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  return entry;
}

/** Bytes in any portions out of a reader of chunks. */
class ByteReader {
  constructor(reader) {
    this.reader = reader;
    this.chunk = new Uint8Array(0);
    this.total = 0;
  }

  /** Up to `most` bytes that are at hand, at least one; null at the end. */
  async some(most) {
    while (this.chunk.length === 0) {
      const { done, value } = await this.reader.read();
      if (done) return null;
      this.chunk = value;
      this.total += value.length;
      if (this.total > MAX_UNPACKED) throw new TarError("the archive unpacks to too much");
    }
    const piece = this.chunk.subarray(0, most);
    this.chunk = this.chunk.subarray(piece.length);
    return piece;
  }

  /** Exactly `size` bytes; null when the stream is at its end already. */
  async take(size) {
    const taken = new Uint8Array(size);
    for (let at = 0; at < size; ) {
      const piece = await this.some(size - at);
      if (piece === null) {
        if (at === 0) return null;
        throw new TarError("the archive ends early");
      }
      taken.set(piece, at);
      at += piece.length;
    }
    return taken;
  }

  async skip(size) {
    for (let left = size; left > 0; ) {
      const piece = await this.some(left);
      if (piece === null) throw new TarError("the archive ends early");
      left -= piece.length;
    }
  }

  async cancel() {
    await this.reader.cancel();
  }
}

function checksumVerify(header) {
  let sum = 0;
  header.forEach((byte, index) => {
    sum += index >= 148 && index < 156 ? 32 : byte;
  });
  if (sum !== numberField(header.subarray(148, 156))) throw new TarError("this is not a tar archive");
}

/** Octal digits, or GNU's base-256 form for what does not fit. */
function numberField(field) {
  if (field[0] & 0x80) {
    const value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, field[0] & 0x7f);
    if (!Number.isSafeInteger(value)) throw new TarError("a size in the archive is impossible");
    return value;
  }
  const digits = text(field).trim();
  if (!/^[0-7]*$/.test(digits)) throw new TarError("this is not a tar archive");
  return digits === "" ? 0 : parseInt(digits, 8);
}

function padding(size) {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

function ustarName(header) {
  const name = text(header.subarray(0, 100));
  const prefix = text(header.subarray(257, 262)) === "ustar" ? text(header.subarray(345, 500)) : "";
  return prefix ? `${prefix}/${name}` : name;
}

/** The path of an extended header's records, «LENGTH path=VALUE\n»; null: it names none. */
function paxPath(data) {
  let found = null;
  for (let at = 0; at < data.length; ) {
    const space = data.indexOf(0x20, at);
    const length = space < 0 ? NaN : Number(text(data.subarray(at, space)));
    if (!Number.isInteger(length) || length <= space - at || at + length > data.length) throw new TarError("this is not a tar archive");
    const record = text(data.subarray(space + 1, at + length - 1));
    if (record.startsWith("path=")) found = record.slice(5);
    at += length;
  }
  return found;
}

/** Text up to the first zero byte. */
function text(bytes) {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}
