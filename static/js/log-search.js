/** Search over all lines of the log: the server finds them, here they are counted, gone through and made visible. */

const WAIT_MS = 250;
const AGAIN_MS = 2000;
const MAX_HITS = 20_000;
const MAX_RANGES = 400; // Highlighted places in view.

function numberText(number) {
  return number.toLocaleString(document.documentElement.lang || undefined);
}

export class LogSearch {
  constructor(root, view) {
    Object.assign(this, { root, view });
    this.field = root.querySelector("#log-needle");
    this.case = root.querySelector("#log-case");
    this.output = root.querySelector("#log-hits");
    this.hits = [];
    this.known = new Set();
    this.at = -1;
    this.next = null;
    this.needle = "";
    this.asked = null;
    this.timer = 0;
    this.again = 0;
    view.marks.set("log-row-hit", (line) => this.known.has(line));
    view.marks.set("log-row-here", (line) => line === this.hits[this.at]);
    view.addEventListener("drawn", () => this.#paint());
    view.model.addEventListener("grown", () => this.#grown());
    view.model.addEventListener("reset", () => this.find(true));
    this.field.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.find(), WAIT_MS);
    });
    this.case.addEventListener("change", () => this.find(true));
    this.field.form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.field.value !== this.needle) this.find();
      else this.step(1);
    });
    this.field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.shiftKey) {
        event.preventDefault();
        this.step(-1);
      } else if (event.key === "Escape") {
        event.preventDefault();
        if (this.field.value) {
          this.field.value = "";
          this.find();
        } else view.scroller.focus();
      }
    });
    root.querySelector("#log-next").addEventListener("click", () => this.step(1));
    root.querySelector("#log-previous").addEventListener("click", () => this.step(-1));
    if (this.field.value) this.find();
  }

  open() {
    this.field.focus();
    this.field.select();
  }

  async find(isAfresh = false) {
    clearTimeout(this.timer);
    if (!isAfresh && this.field.value === this.needle) return;
    this.asked?.abort();
    this.needle = this.field.value;
    this.hits = [];
    this.known.clear();
    this.at = -1;
    this.next = 1;
    if (!this.needle) {
      this.next = null;
      this.output.textContent = "";
      this.view.mark();
      this.#paint();
      return;
    }
    await this.#on(true);
  }

  /** Go on from where the last answer ended, until the end of the log. */
  async #on(isFirst = false) {
    const asked = new AbortController();
    this.asked = asked;
    const from = this.view.firstVisible;
    try {
      while (this.next && this.hits.length < MAX_HITS) {
        const url = new URL(this.root.dataset.searchUrl, location.href);
        url.searchParams.set("q", this.needle);
        if (this.case.checked) url.searchParams.set("case", "1");
        url.searchParams.set("from", this.next);
        const answer = await fetch(url, { credentials: "same-origin", signal: asked.signal });
        if (!answer.ok || answer.redirected) throw new Error(`the search answered ${answer.status}`);
        const found = await answer.json();
        for (const line of found.hits) {
          this.hits.push(line);
          this.known.add(line);
        }
        this.searched = found.searched;
        this.next = found.next;
        // The first one after what is being read; from there on, next and previous.
        if (isFirst && this.at < 0 && this.hits.length && (this.hits[this.hits.length - 1] >= from || !this.next)) {
          this.at = Math.max(0, this.hits.findIndex((line) => line >= from));
          this.view.show(this.hits[this.at]);
        }
        this.#count();
      }
    } catch (error) {
      if (error.name !== "AbortError") this.output.textContent = this.root.dataset.unsearched;
      return;
    }
    this.asked = null;
    this.#count();
    this.view.mark();
    this.#paint();
  }

  /** New lines are searched as well, not each by itself. */
  #grown() {
    if (!this.needle || this.again) return;
    this.again = setTimeout(() => {
      this.again = 0;
      if (this.asked || !this.needle || this.hits.length >= MAX_HITS || this.searched >= this.view.model.lines) return;
      this.next = this.searched + 1;
      this.#on();
    }, AGAIN_MS);
  }

  #count() {
    const { dataset } = this.root;
    if (!this.hits.length) {
      this.output.textContent = this.next ? dataset.searching : dataset.hitsNone;
      return;
    }
    const text = this.next ? dataset.hitsMore : dataset.hits;
    this.output.textContent = text.replace("{at}", numberText(this.at + 1)).replace("{all}", numberText(this.hits.length));
  }

  step(by) {
    if (!this.hits.length) return;
    this.at = (this.at + by + this.hits.length) % this.hits.length;
    this.view.show(this.hits[this.at]);
    this.view.mark();
    this.#count();
    this.#paint();
  }

  /** Make the places visible without touching the rows. */
  #paint() {
    if (!window.Highlight || !CSS.highlights) return;
    const all = new Highlight();
    const here = new Highlight();
    const current = this.hits[this.at];
    let count = 0;
    const needle = this.case.checked ? this.needle : this.needle.toLowerCase();
    for (const block of needle ? this.view.drawn.values() : []) {
      for (const row of block.children) {
        const line = Number(row.id.slice(1));
        if (!this.known.has(line) || count > MAX_RANGES) continue;
        for (const range of places(row.querySelector(".log-text"), needle, this.case.checked)) {
          (line === current ? here : all).add(range);
          count += 1;
        }
      }
    }
    CSS.highlights.set("log-hit", all);
    CSS.highlights.set("log-here", here);
  }
}

/** Ranges of `needle` in an element's text, over the borders of its spans. */
function places(element, needle, isCase) {
  const nodes = [];
  let text = "";
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    nodes.push([text.length, walker.currentNode]);
    text += walker.currentNode.data;
  }
  const where = isCase ? text : text.toLowerCase();
  // A few letters change their number when they change their case: then the places would be wrong.
  if (where.length !== text.length) return [];
  const ranges = [];
  for (let at = where.indexOf(needle); at >= 0 && ranges.length < 20; at = where.indexOf(needle, at + needle.length)) {
    const range = document.createRange();
    const [startAt, start] = nodes.findLast(([begin]) => begin <= at);
    const [endAt, end] = nodes.findLast(([begin]) => begin < at + needle.length);
    range.setStart(start, at - startAt);
    range.setEnd(end, at + needle.length - endAt);
    ranges.push(range);
  }
  return ranges;
}
