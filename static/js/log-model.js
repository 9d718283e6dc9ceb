/**
 * The lines of a log that this page has at hand: what the stream brought, what was fetched because someone looked at it.
 *
 * The server numbers the lines; what is here is a window on them and may be forgotten and fetched again. Nothing can be lost or
 * doubled: a line is what the server says its number holds. Events: `rows` (lines came), `grown` (there are more lines), `reset`.
 */

import { BLOCK, blockOf } from "./log-geometry.js";

const KEPT_BLOCKS = 400; // Twenty thousand lines.
const FETCH_LINES = 500;
const RETRY_MS = [500, 1000, 2000, 5000, 10_000];

export class LogModel extends EventTarget {
  constructor(url, lines, epoch, lostText) {
    super();
    Object.assign(this, { url, lines, epoch, lostText });
    this.blocks = new Map();
    this.wanted = null;
    this.busy = false;
    this.failures = 0;
    this.isStuck = false;
  }

  /** A row is `[number, Unix milliseconds, type, HTML, characters left out]`. */
  row(line) {
    return this.blocks.get(blockOf(line))?.[(line - 1) % BLOCK];
  }

  put(rows) {
    let block = null;
    let number = -1;
    for (const row of rows) {
      const at = blockOf(row[0]);
      if (at !== number) {
        number = at;
        block = this.blocks.get(at) ?? [];
        // Last used comes last: the first ones are forgotten.
        this.blocks.delete(at);
        this.blocks.set(at, block);
      }
      block[(row[0] - 1) % BLOCK] = row;
    }
    this.#forget();
    if (rows.length) this.#tell("rows", { first: rows[0][0], last: rows[rows.length - 1][0] });
  }

  grow(lines) {
    if (lines <= this.lines) return;
    this.lines = lines;
    this.#tell("grown", {});
  }

  reset(epoch) {
    this.epoch = epoch;
    this.lines = 0;
    this.blocks.clear();
    this.wanted = null;
    this.#tell("reset", {});
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  #forget() {
    for (const block of this.blocks.keys()) {
      if (this.blocks.size <= KEPT_BLOCKS) return;
      if (!this.wanted || block < this.wanted[0] - 20 || block > this.wanted[1] + 20) this.blocks.delete(block);
    }
  }

  /** Have the lines of these blocks fetched, as far as they are not here; only what was wanted last counts. */
  want(first, last) {
    this.wanted = [first, last];
    for (let block = first; block <= last; block += 1) {
      const rows = this.blocks.get(block);
      if (!rows) continue;
      this.blocks.delete(block);
      this.blocks.set(block, rows);
    }
    this.#fetch();
  }

  #missing() {
    if (!this.wanted) return null;
    const end = Math.min(this.lines, (this.wanted[1] + 1) * BLOCK);
    let from = 0;
    let to = 0;
    for (let line = this.wanted[0] * BLOCK + 1; line <= end; line += 1) {
      if (this.row(line)) continue;
      from ||= line;
      if (line - from >= FETCH_LINES) break;
      to = line;
    }
    return from ? [from, to] : null;
  }

  async #fetch() {
    const missing = this.#missing();
    if (this.busy || !missing) return;
    this.busy = true;
    const [from, to] = missing;
    const epoch = this.epoch;
    try {
      const document = await this.range(from, to);
      if (epoch !== this.epoch) return;
      // The log was replaced, and the stream has not said so yet: these are lines of another one.
      if (document.epoch !== epoch) throw new Error("another edition of the log");
      this.failures = 0;
      // An answer may be shorter because its lines are long; one without a line that the server says it has is said to be so.
      const rows = document.rows.length ? document.rows : [[from, 0, "site", "", 0, this.lostText]];
      this.put(rows);
    } catch {
      const wait = RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)];
      this.failures += 1;
      await new Promise((resolve) => { setTimeout(resolve, wait); });
    } finally {
      this.busy = false;
      if (this.failures < 1000) this.#fetch();
    }
  }

  async range(from, to) {
    const url = new URL(this.url, location.href);
    url.searchParams.set("from", from);
    url.searchParams.set("to", to);
    const answer = await fetch(url, { credentials: "same-origin" });
    if (!answer.ok || answer.redirected) throw new Error(`the log answered ${answer.status}`);
    return answer.json();
  }
}
