/**
 * How high the log is and where each of its lines lies, without any of them being there.
 *
 * Lines come in blocks of fifty. A block that was drawn has the height it was measured with, any other one an estimate; sums over
 * blocks come from a Fenwick tree, so that a log of millions of lines costs no more to scroll than one of hundreds.
 */

export const BLOCK = 50;

export function blockOf(line) {
  return Math.floor((line - 1) / BLOCK);
}

export class Geometry {
  constructor(rowHeight) {
    this.reset(rowHeight, 0);
  }

  /** Forget what was measured: the width, or whether lines are wrapped, has changed. */
  reset(rowHeight, lines) {
    this.rowHeight = rowHeight;
    this.lines = 0;
    this.blocks = 0;
    this.heights = new Float64Array(64);
    this.tree = new Float64Array(65);
    this.setLines(lines);
  }

  linesIn(block) {
    return Math.max(0, Math.min(BLOCK, this.lines - block * BLOCK));
  }

  setLines(lines) {
    if (lines < this.lines) {
      this.reset(this.rowHeight, lines);
      return;
    }
    const last = this.blocks - 1;
    const before = last >= 0 ? this.linesIn(last) : 0;
    this.lines = lines;
    const blocks = Math.ceil(lines / BLOCK);
    if (blocks > this.heights.length) this.#widen(blocks);
    this.blocks = blocks;
    if (last >= 0) this.#add(last, (this.linesIn(last) - before) * this.rowHeight);
    for (let block = Math.max(0, last + 1); block < blocks; block += 1) this.#add(block, this.linesIn(block) * this.rowHeight);
  }

  #widen(blocks) {
    let size = this.heights.length;
    while (size < blocks) size *= 2;
    const heights = new Float64Array(size);
    heights.set(this.heights);
    this.heights = heights;
    this.tree = new Float64Array(size + 1);
    // Built at once: each node hands its sum on to the one that covers it.
    for (let node = 1; node <= size; node += 1) {
      this.tree[node] += heights[node - 1];
      const above = node + (node & -node);
      if (above <= size) this.tree[above] += this.tree[node];
    }
  }

  #add(block, by) {
    if (!by) return;
    this.heights[block] += by;
    for (let node = block + 1; node < this.tree.length; node += node & -node) this.tree[node] += by;
  }

  setHeight(block, height) {
    this.#add(block, height - this.heights[block]);
  }

  /** Where a block begins. */
  offset(block) {
    let sum = 0;
    for (let node = block; node > 0; node -= node & -node) sum += this.tree[node];
    return sum;
  }

  get total() {
    return this.offset(this.blocks);
  }

  /** The block at height `y`. */
  at(y) {
    let node = 0;
    let rest = y;
    let step = 1;
    while (step * 2 < this.tree.length) step *= 2;
    for (; step > 0; step >>= 1) {
      const next = node + step;
      if (next < this.tree.length && this.tree[next] <= rest) {
        node = next;
        rest -= this.tree[next];
      }
    }
    return Math.max(0, Math.min(node, this.blocks - 1));
  }
}
