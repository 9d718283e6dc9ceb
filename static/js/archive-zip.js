/** The directory of a ZIP: names and sizes, read from its end; nothing is unpacked but `.git/config`. */

import { ArchiveProblem } from "./archive-problem.js";

const MAX_DIRECTORY = 32 * 1024 * 1024;
const MAX_ENTRIES = 200_000;
const MAX_KEPT = 64 * 1024;
const END_SIZE = 22;
const COMMENT_MAX = 65_535;

async function view(file, from, to) {
  return new DataView(await file.slice(from, to).arrayBuffer());
}

async function directoryFind(file) {
  const from = Math.max(0, file.size - END_SIZE - COMMENT_MAX);
  const tail = await view(file, from, file.size);
  for (let at = tail.byteLength - END_SIZE; at >= 0; at--) {
    if (tail.getUint32(at, true) !== 0x06054b50) continue;
    const size = tail.getUint32(at + 12, true);
    const offset = tail.getUint32(at + 16, true);
    if (size !== 0xffffffff && offset !== 0xffffffff && tail.getUint16(at + 10, true) !== 0xffff) return { size, offset };
    // ZIP64: a locator right before this record points to the wide one.
    if (at < 20 || tail.getUint32(at - 20, true) !== 0x07064b50) throw new ArchiveProblem("unreadable");
    const wideAt = Number(tail.getBigUint64(at - 12, true));
    const wide = await view(file, wideAt, wideAt + 56);
    if (wide.byteLength < 56 || wide.getUint32(0, true) !== 0x06064b50) throw new ArchiveProblem("unreadable");
    return { size: Number(wide.getBigUint64(40, true)), offset: Number(wide.getBigUint64(48, true)) };
  }
  throw new ArchiveProblem("truncated");
}

async function entryRead(file, entry) {
  const head = await view(file, entry.offset, entry.offset + 30);
  if (head.byteLength < 30 || head.getUint32(0, true) !== 0x04034b50) throw new ArchiveProblem("unreadable");
  const start = entry.offset + 30 + head.getUint16(26, true) + head.getUint16(28, true);
  const packed = file.slice(start, start + entry.packed);
  const stream = entry.method === 8 ? packed.stream().pipeThrough(new DecompressionStream("deflate-raw")) : packed.stream();
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  while (text.length < MAX_KEPT) {
    const { done, value } = await reader.read();
    if (done) break;
    text += decoder.decode(value, { stream: true });
  }
  await reader.cancel().catch(() => undefined);
  return text;
}

export async function zipList(file) {
  const directory = await directoryFind(file);
  if (directory.size > MAX_DIRECTORY) return { entries: [], kept: [], isCut: true, isEncrypted: false };
  const bytes = await view(file, directory.offset, directory.offset + directory.size);
  if (bytes.byteLength !== directory.size) throw new ArchiveProblem("truncated");
  const decoder = new TextDecoder();
  const entries = [];
  const kept = [];
  let isEncrypted = false;
  let at = 0;
  while (at + 46 <= bytes.byteLength && entries.length < MAX_ENTRIES) {
    if (bytes.getUint32(at, true) !== 0x02014b50) throw new ArchiveProblem("unreadable");
    const nameLength = bytes.getUint16(at + 28, true);
    const name = decoder.decode(new Uint8Array(bytes.buffer, at + 46, nameLength));
    const entry = {
      name,
      size: bytes.getUint32(at + 24, true),
      packed: bytes.getUint32(at + 20, true),
      method: bytes.getUint16(at + 10, true),
      offset: bytes.getUint32(at + 42, true),
    };
    if (bytes.getUint16(at + 8, true) & 1) isEncrypted = true;
    entries.push(entry);
    at += 46 + nameLength + bytes.getUint16(at + 30, true) + bytes.getUint16(at + 32, true);
  }
  for (const entry of entries) {
    if (kept.length || !/(^|\/)\.git\/config$/.test(entry.name) || isEncrypted) continue;
    kept.push({ name: entry.name, text: await entryRead(file, entry) });
  }
  return { entries, kept, isCut: entries.length >= MAX_ENTRIES, isEncrypted };
}
