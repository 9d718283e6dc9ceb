/**
 * Addresses of lines: `#L120` and `#L120-L140`, made by a click on a number and a click with Shift on another; and the copying of
 * lines, also of those that are not in the page.
 */

import { copyText } from "./copy.js";

const MAX_COPIED = 20_000;
const SHOWN_MS = 1600;

export function rangeRead(hash) {
  const found = /^#L(\d{1,12})(?:-L?(\d{1,12}))?$/.exec(hash);
  if (!found) return null;
  const [first, last] = [Number(found[1]), Number(found[2] ?? found[1])];
  return first <= last ? [first, last] : [last, first];
}

function rangeHash([first, last]) {
  return first === last ? `#L${first}` : `#L${first}-L${last}`;
}

export class LogMarks {
  constructor(root, view, say) {
    Object.assign(this, { root, view, say });
    this.range = null;
    this.from = 0;
    this.button = root.querySelector("#log-copy");
    view.marks.set("marked", (line) => Boolean(this.range) && line >= this.range[0] && line <= this.range[1]);
    view.content.addEventListener("click", (event) => this.#clicked(event));
    view.scroller.addEventListener("copy", (event) => this.#copied(event));
    this.button.addEventListener("click", () => this.copy(...this.range));
    window.addEventListener("hashchange", () => this.read());
  }

  /** Show what the address names; false: it names no line. */
  read() {
    const range = rangeRead(location.hash);
    if (!range) return false;
    this.#set(range);
    this.from = range[0];
    this.view.show(range[0]);
    return true;
  }

  #set(range) {
    this.range = range;
    this.button.hidden = !range;
    if (range) {
      const [first, last] = range;
      const text = first === last ? this.root.dataset.copyOne : this.root.dataset.copyRange;
      this.button.querySelector("span").textContent = text.replace("{first}", first).replace("{last}", last);
    }
    this.view.mark();
  }

  #clicked(event) {
    const number = event.target.closest?.(".log-no");
    if (!number || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const line = Number(number.parentElement.id.slice(1));
    if (event.shiftKey && this.from) this.#set(line < this.from ? [line, this.from] : [this.from, line]);
    else {
      this.from = line;
      this.#set([line, line]);
    }
    history.replaceState(history.state, "", rangeHash(this.range));
    if (event.shiftKey) document.getSelection()?.removeAllRanges();
  }

  /** Everything, for Ctrl+A. */
  all() {
    if (this.view.model.lines) this.#set([1, this.view.model.lines]);
  }

  clear() {
    if (!this.range) return;
    this.#set(null);
    history.replaceState(history.state, "", location.pathname + location.search);
  }

  async copy(first, last) {
    const span = this.button.querySelector("span");
    const before = span.textContent;
    try {
      if (last - first >= MAX_COPIED) throw new Error("too many lines");
      const url = new URL(this.root.dataset.textUrl, location.href);
      url.searchParams.set("lines", `${first}-${last}`);
      if (this.view.isTimed) url.searchParams.set("times", "1");
      const answer = await fetch(url, { credentials: "same-origin" });
      if (!answer.ok || answer.redirected) throw new Error(`the log answered ${answer.status}`);
      await copyText(await answer.text());
      span.textContent = this.root.dataset.copied;
      this.say(this.root.dataset.copied);
    } catch {
      this.say(this.root.dataset.uncopied);
    }
    setTimeout(() => {
      this.say("");
      if (this.range) this.#set(this.range);
      else span.textContent = before;
    }, SHOWN_MS);
  }

  /** A selection that reaches over lines which are not in the page: the browser would copy it with a hole. */
  #copied(event) {
    const rows = [getSelection()?.anchorNode, getSelection()?.focusNode].map(
      (node) => (node?.closest ? node : node?.parentElement)?.closest?.(".log-row"),
    );
    if (getSelection()?.isCollapsed) {
      if (!this.range) return;
      event.preventDefault();
      this.copy(...this.range);
      return;
    }
    if (!rows[0] || !rows[1]) return;
    const [first, last] = rows.map((row) => Number(row.id.slice(1))).sort((a, b) => a - b);
    for (let line = first; line <= last; line += 1) {
      const row = this.view.element(line);
      if (row?.row && !row.row[4]) continue;
      event.preventDefault();
      this.copy(first, last);
      return;
    }
  }
}
