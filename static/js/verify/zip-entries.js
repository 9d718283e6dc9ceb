/**
 * Small files out of a ZIP archive that is at hand as bytes, stored or deflated. Source: PKWARE, APPNOTE.TXT, sections 4.3.7, 4.3.12, 4.3.16.
 */

const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const END_BYTES = 22;
const MAX_COMMENT = 65_535;
/** Entries, and bytes of one, that are read. */
const MAX_ENTRIES = 1024;
const MAX_BYTES = 64 * 2 ** 20;

export class ZipError extends Error {}

/** Whether bytes begin as a ZIP archive does. */
export function looksLikeZip(head) {
  return head[0] === 0x50 && head[1] === 0x4b && head[2] === 3 && head[3] === 4;
}

/** A Map from name to bytes, of the entries whose name `wanted` accepts. Throws `ZipError`. */
export async function zipEntries(bytes, wanted) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = endFind(view);
  const count = view.getUint16(end + 10, true);
  if (count > MAX_ENTRIES) throw new ZipError(`the archive holds more than ${MAX_ENTRIES} files`);
  const found = new Map();
  let at = view.getUint32(end + 16, true);
  for (let number = 0; number < count; number++) {
    if (at + 46 > bytes.length || view.getUint32(at, true) !== CENTRAL) throw new ZipError("this is not a ZIP archive");
    const [nameSize, extraSize, commentSize] = [28, 30, 32].map((offset) => view.getUint16(at + offset, true));
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameSize));
    if (wanted(name)) found.set(name, await entryRead(bytes, view, at));
    at += 46 + nameSize + extraSize + commentSize;
  }
  return found;
}

function endFind(view) {
  const first = Math.max(0, view.byteLength - END_BYTES - MAX_COMMENT);
  for (let at = view.byteLength - END_BYTES; at >= first; at--) if (view.getUint32(at, true) === END) return at;
  throw new ZipError("this is not a ZIP archive");
}

async function entryRead(bytes, view, central) {
  const method = view.getUint16(central + 10, true);
  const size = view.getUint32(central + 20, true);
  const local = view.getUint32(central + 42, true);
  if (local + 30 > bytes.length) throw new ZipError("this is not a ZIP archive");
  const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
  const data = bytes.subarray(start, start + size);
  if (data.length !== size || size > MAX_BYTES) throw new ZipError("a file in the archive is cut off or too large");
  if (method === 0) return data.slice();
  if (method !== 8) throw new ZipError("a file in the archive is packed in an unknown way");
  return inflated(data);
}

async function inflated(data) {
  const reader = new Blob([data]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const parts = [];
  let total = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new Uint8Array(await new Blob(parts).arrayBuffer());
    total += value.length;
    if (total > MAX_BYTES) throw new ZipError("a file in the archive unpacks to too much");
    parts.push(value);
  }
}
