/** The headers of a gzipped tar as they stream by: names and sizes; bodies are skipped, `.git/config` is kept. */

import { ArchiveProblem } from "./archive-problem.js";

const BLOCK = 512;
const MAX_UNPACKED = 512 * 1024 * 1024;
const MAX_ENTRIES = 200_000;
const MAX_KEPT = 64 * 1024;
const MAX_NAME = 64 * 1024;

/** Gives exact counts of bytes from a stream, and remembers no more than it is asked for. */
class Blocks {
  constructor(stream) {
    this.reader = stream.getReader();
    this.part = new Uint8Array(0);
    this.total = 0;
  }

  async fill() {
    const { done, value } = await this.reader.read();
    if (done) return false;
    this.part = value;
    this.total += value.length;
    return true;
  }

  async take(count) {
    const out = new Uint8Array(count);
    let have = 0;
    while (have < count) {
      if (this.part.length === 0 && !(await this.fill())) return out.subarray(0, have);
      const piece = this.part.subarray(0, count - have);
      out.set(piece, have);
      have += piece.length;
      this.part = this.part.subarray(piece.length);
    }
    return out;
  }

  async drain() {
    while (this.total <= MAX_UNPACKED && (await this.fill()));
  }

  async skip(count) {
    let left = count;
    while (left > 0) {
      if (this.part.length === 0 && !(await this.fill())) throw new ArchiveProblem("truncated");
      const step = Math.min(left, this.part.length);
      this.part = this.part.subarray(step);
      left -= step;
      if (this.total > MAX_UNPACKED) return;
    }
  }
}

const decoder = new TextDecoder();

function text(bytes) {
  const end = bytes.indexOf(0);
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

function number(bytes) {
  if (bytes[0] & 0x80) return bytes.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
  return Number.parseInt(text(bytes).trim() || "0", 8);
}

function paxPath(bytes) {
  const match = /(?:^|\n)\d+ path=([^\n]*)\n/.exec(decoder.decode(bytes));
  return match ? match[1] : null;
}

export async function tarList(file) {
  const blocks = new Blocks(file.stream().pipeThrough(new DecompressionStream("gzip")));
  const entries = [];
  const kept = [];
  let longName = null;
  let isCut = false;
  try {
    for (;;) {
      if (blocks.total > MAX_UNPACKED || entries.length >= MAX_ENTRIES) {
        isCut = true;
        break;
      }
      const head = await blocks.take(BLOCK);
      if (head.length === 0 && entries.length) break;
      if (head.length < BLOCK) throw new ArchiveProblem("truncated");
      if (head.every((byte) => byte === 0)) {
        // The checksum of the gzip comes last: only reading on tells a whole file from one that was cut off.
        await blocks.drain();
        break;
      }
      const size = number(head.subarray(124, 136));
      if (!Number.isSafeInteger(size) || size < 0) throw new ArchiveProblem("unreadable");
      const type = String.fromCharCode(head[156] || 48);
      const padded = Math.ceil(size / BLOCK) * BLOCK;
      if (type === "L" || type === "x") {
        if (size > MAX_NAME) throw new ArchiveProblem("unreadable");
        const body = (await blocks.take(padded)).subarray(0, size);
        longName = type === "L" ? text(body) : paxPath(body) ?? longName;
        continue;
      }
      if (type === "g") {
        await blocks.skip(padded);
        continue;
      }
      const isUstar = text(head.subarray(257, 262)) === "ustar";
      const prefix = isUstar ? text(head.subarray(345, 500)) : "";
      const name = longName ?? (prefix ? `${prefix}/` : "") + text(head.subarray(0, 100));
      longName = null;
      entries.push({ name, size });
      if (/(^|\/)\.git\/config$/.test(name) && size <= MAX_KEPT) {
        kept.push({ name, text: decoder.decode((await blocks.take(padded)).subarray(0, size)) });
      } else await blocks.skip(padded);
    }
  } catch (error) {
    throw error instanceof ArchiveProblem ? error : new ArchiveProblem("truncated");
  } finally {
    blocks.reader.cancel().catch(() => undefined);
  }
  return { entries, kept, isCut, isEncrypted: false };
}
