/**
 * The log as it is seen: of any number of lines only the blocks around what is in view are in the page.
 *
 * Blocks lie one below the other in a box as high as the whole log. Their heights are measured once they are drawn (wrapped lines
 * have any height); where that moves what is read, the scroll position moves with it. Whoever stands at the end stays there.
 * Event: `drawn`, after each change of what is in the page.
 */

import { BLOCK, Geometry, blockOf } from "./log-geometry.js";
import { rowMake } from "./log-rows.js";

const MAX_PX = 8_000_000; // Browsers draw no box higher than 17 to 33 million; beyond this the scroll bar is scaled.
const MAX_BLOCKS = 16; // Eight hundred rows in the page, at most, plus the two blocks that a selection begins and ends in.
const ROUNDS = 4;
const STICK_PX = 24;
const ROW_PX = 24;

export class LogView extends EventTarget {
  constructor(scroller, content, model, texts) {
    super();
    Object.assign(this, { scroller, content, model, texts });
    this.geometry = new Geometry(ROW_PX);
    this.drawn = new Map();
    this.isTimed = false;
    this.isStuck = false;
    this.pin = null; // A line that is to stay in the middle until the reader scrolls.
    this.isPlanned = false;
    this.width = 0;
    this.marks = new Map(); // Name of a class -> whether a line has it.
    this.expected = -1;
    model.addEventListener("grown", () => this.plan());
    model.addEventListener("rows", ({ detail }) => this.#stale(detail.first, detail.last));
    model.addEventListener("reset", () => this.redraw(true));
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    for (const name of ["wheel", "touchmove", "pointerdown"]) {
      scroller.addEventListener(name, () => { this.pin = null; }, { passive: true });
    }
    new ResizeObserver(() => {
      if (scroller.clientWidth !== this.width) this.redraw(true);
      else this.plan();
    }).observe(scroller);
    document.addEventListener("visibilitychange", () => this.plan());
  }

  /* Where things are */

  get height() {
    return Math.min(this.geometry.total, MAX_PX);
  }

  /** The height in the log at the top of the view. */
  get y() {
    const { scrollTop, clientHeight } = this.scroller;
    if (this.geometry.total <= MAX_PX) return scrollTop;
    return scrollTop * ((this.geometry.total - clientHeight) / Math.max(1, MAX_PX - clientHeight));
  }

  set y(y) {
    const { clientHeight } = this.scroller;
    const whole = Math.max(0, Math.min(y, this.geometry.total - clientHeight));
    const scale = this.geometry.total <= MAX_PX ? 1 : (MAX_PX - clientHeight) / (this.geometry.total - clientHeight);
    this.scroller.scrollTop = whole * scale;
    this.expected = this.scroller.scrollTop;
  }

  get isAtEnd() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < STICK_PX;
  }

  #scrolled() {
    // Our own moves are no wish of the reader.
    if (Math.abs(this.scroller.scrollTop - this.expected) > 1) {
      this.pin = null;
      this.#stick(this.isAtEnd);
    }
    this.plan();
  }

  #stick(isStuck) {
    if (this.isStuck === isStuck) return;
    this.isStuck = isStuck;
    this.dispatchEvent(new Event("stuck"));
  }

  /* Moving */

  end() {
    this.pin = null;
    this.#stick(true);
    this.draw();
  }

  start() {
    this.pin = null;
    this.#stick(false);
    this.y = 0;
    this.draw();
  }

  /** Show a line at the top. */
  begin(line) {
    this.pin = null;
    this.#stick(false);
    this.geometry.setLines(this.model.lines);
    this.content.style.height = `${this.height}px`;
    this.y = this.geometry.offset(blockOf(line)) + ((line - 1) % BLOCK) * ROW_PX;
    this.draw();
  }

  /** Show a line in the middle and keep it there while what is around it arrives. */
  show(line) {
    const wanted = Math.max(1, Math.min(line, this.model.lines || 1));
    this.#stick(false);
    this.pin = wanted;
    this.draw();
  }

  /** Move as little as needed to have a line in view. */
  reveal(line) {
    const row = this.element(line);
    const box = this.scroller.getBoundingClientRect();
    const at = row?.getBoundingClientRect();
    if (!at || at.top < box.top || at.bottom > box.bottom) this.show(line);
  }

  element(line) {
    return this.drawn.get(blockOf(line))?.children[(line - 1) % BLOCK] ?? null;
  }

  get firstVisible() {
    const top = this.scroller.getBoundingClientRect().top;
    const block = this.drawn.get(this.geometry.at(this.y));
    const row = block && [...block.children].find((child) => child.getBoundingClientRect().bottom > top + 1);
    return row ? Number(row.id.slice(1)) : Math.min(this.model.lines, this.geometry.at(this.y) * BLOCK + 1);
  }

  /* Drawing */

  plan() {
    if (this.isPlanned || document.hidden) return;
    this.isPlanned = true;
    requestAnimationFrame(() => {
      this.isPlanned = false;
      this.draw();
    });
  }

  /** Forget what is drawn; with `isMeasured`, what was measured as well. */
  redraw(isAfresh = false) {
    const keep = this.pin ?? (this.isStuck || !this.drawn.size ? null : this.firstVisible);
    for (const block of this.drawn.values()) block.remove();
    this.drawn.clear();
    if (isAfresh) {
      this.width = this.scroller.clientWidth;
      this.geometry.reset(ROW_PX, this.model.lines);
      if (keep && !this.pin) this.y = this.geometry.offset(blockOf(keep)) + ((keep - 1) % BLOCK) * ROW_PX;
    }
    this.draw();
  }

  #stale(first, last) {
    for (let block = blockOf(first); block <= blockOf(last); block += 1) {
      const element = this.drawn.get(block);
      if (element) element.isStale = true;
    }
    this.plan();
  }

  /** Lines of the selection's two ends keep their place in the page, or the browser would forget the selection. */
  #held() {
    const held = new Set();
    const selection = document.getSelection();
    for (const node of [selection?.anchorNode, selection?.focusNode, document.activeElement]) {
      const row = (node?.closest ? node : node?.parentElement)?.closest?.(".log-row");
      if (row && this.content.contains(row)) held.add(blockOf(Number(row.id.slice(1))));
    }
    return held;
  }

  #make(number) {
    const block = document.createElement("div");
    block.className = "log-block";
    this.#fill(block, number);
    return block;
  }

  #fill(block, number) {
    const options = { isTimed: this.isTimed, ...this.texts };
    const first = number * BLOCK + 1;
    const count = this.geometry.linesIn(number);
    for (let at = 0; at < count; at += 1) {
      const row = this.model.blocks.get(number)?.[at];
      const old = block.children[at];
      if (old && old.row === row) continue;
      const element = rowMake(first + at, row, options);
      element.row = row;
      if (old) old.replaceWith(element);
      else block.append(element);
    }
    block.isStale = false;
    block.count = count;
  }

  draw() {
    const { geometry, scroller, content } = this;
    if (this.isDrawing) return;
    this.isDrawing = true;
    geometry.setLines(this.model.lines);
    let first = 0;
    let last = -1;
    for (let round = 0; round < ROUNDS; round += 1) {
      content.style.height = `${this.height}px`;
      if (this.isStuck) this.y = geometry.total;
      else if (this.pin) this.#center();
      const y = this.y;
      const view = scroller.clientHeight;
      first = geometry.at(y - view / 2);
      last = Math.min(geometry.at(y + view * 1.5), first + MAX_BLOCKS - 1);
      if (!this.#drawBlocks(first, last, y)) break;
    }
    this.isDrawing = false;
    if (geometry.blocks) this.model.want(first, last);
    this.mark();
    this.dispatchEvent(new Event("drawn"));
  }

  #center() {
    const block = blockOf(this.pin);
    const row = this.element(this.pin);
    const inside = row ? row.offsetTop + row.offsetHeight / 2 : ((this.pin - 1) % BLOCK + 0.5) * ROW_PX;
    this.y = this.geometry.offset(block) + inside - this.scroller.clientHeight / 2;
  }

  /** Put these blocks in their places; true when heights turned out otherwise and it is to be done again. */
  #drawBlocks(first, last, y) {
    const { geometry, content, drawn } = this;
    const anchor = this.isStuck || this.pin ? null : this.#anchor(y);
    const held = this.#held();
    for (const [number, block] of drawn) {
      if ((number < first || number > last) && !held.has(number)) {
        block.remove();
        drawn.delete(number);
      }
    }
    const shift = this.scroller.scrollTop - y; // Zero unless the scroll bar is scaled.
    for (let number = first; number <= last && number < geometry.blocks; number += 1) {
      let block = drawn.get(number);
      if (!block) {
        block = this.#make(number);
        drawn.set(number, block);
        const following = [...drawn.keys()].filter((other) => other > number).sort((a, b) => a - b)[0];
        content.insertBefore(block, following === undefined ? null : drawn.get(following));
      } else if (block.isStale || block.count !== geometry.linesIn(number)) this.#fill(block, number);
    }
    let isChanged = false;
    for (const [number, block] of drawn) {
      const height = block.offsetHeight;
      if (Math.abs(height - geometry.heights[number]) > 0.5) {
        geometry.setHeight(number, height);
        isChanged = true;
      }
    }
    for (const [number, block] of drawn) block.style.top = `${geometry.offset(number) + shift}px`;
    if (isChanged && anchor) {
      content.style.height = `${this.height}px`;
      const row = this.element(anchor.line);
      this.y = geometry.offset(blockOf(anchor.line)) + (row?.offsetTop ?? 0) - anchor.above;
    }
    return isChanged;
  }

  /** The line at the top of the view, and how far it begins above it. */
  #anchor(y) {
    const number = this.geometry.at(y);
    const block = this.drawn.get(number);
    const inside = y - this.geometry.offset(number);
    if (!block) return null;
    for (const row of block.children) {
      if (row.offsetTop + row.offsetHeight > inside) return { line: Number(row.id.slice(1)), above: row.offsetTop - inside };
    }
    return null;
  }

  /** Give the lines in the page their classes. */
  mark() {
    for (const block of this.drawn.values()) {
      for (const row of block.children) {
        const line = Number(row.id.slice(1));
        for (const [name, has] of this.marks) row.classList.toggle(name, has(line));
      }
    }
  }
}
