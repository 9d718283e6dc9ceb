/** The log of a build, running or ended: puts model, view, search, marks, keys and tools together. */

import { logKeysStart } from "./log-keys.js";
import { LogMarks } from "./log-marks.js";
import { LogModel } from "./log-model.js";
import { rowRead } from "./log-rows.js";
import { LogSearch } from "./log-search.js";
import { LogView } from "./log-view.js";

const KEPT = { wrap: "kettle-log-wrap", times: "kettle-log-times" };

function kept(name, otherwise) {
  try {
    return (localStorage.getItem(KEPT[name]) ?? String(otherwise)) === "true";
  } catch {
    return otherwise; // Storage is switched off: the choice lasts as long as the page.
  }
}

function keep(name, value) {
  try {
    localStorage.setItem(KEPT[name], String(value));
  } catch {
    // As above.
  }
}

class LogTools {
  constructor(root, view, say) {
    Object.assign(this, { root, view, say });
    this.follow = root.querySelector("#log-follow");
    this.count = root.querySelector("#log-count");
    this.follow.addEventListener("click", () => view.end());
    root.querySelector("#log-start").addEventListener("click", () => view.start());
    view.addEventListener("stuck", () => this.follow.setAttribute("aria-pressed", String(view.isStuck)));
    view.addEventListener("drawn", () => this.#counted());
    this.#toggle("wrap", true, (isOn) => view.scroller.classList.toggle("log-unwrapped", !isOn));
    this.#toggle("times", false, (isOn) => {
      view.isTimed = isOn;
      view.scroller.classList.toggle("log-with-times", isOn);
      for (const link of root.querySelectorAll("[data-log-text], [data-log-gzip]")) {
        link.search = isOn ? "?times=1" : "";
      }
    });
    // Links to the first error stand here and beside what failed.
    document.addEventListener("click", (event) => {
      if (!event.target.closest?.("[data-log-error]") || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.error();
    });
  }

  #toggle(name, otherwise, apply) {
    const button = this.root.querySelector(`#log-${name}`);
    const set = (isOn) => {
      button.setAttribute("aria-pressed", String(isOn));
      apply(isOn);
      this.view.redraw(true);
    };
    button.addEventListener("click", () => {
      const isOn = button.getAttribute("aria-pressed") !== "true";
      keep(name, isOn);
      set(isOn);
    });
    set(kept(name, otherwise));
  }

  #counted() {
    const text = this.view.model.lines.toLocaleString(document.documentElement.lang || undefined);
    if (this.count.textContent !== text) this.count.textContent = text;
    if (this.view.model.lines) document.querySelector("#log-empty")?.remove();
  }

  async error() {
    const { dataset } = this.root;
    try {
      const answer = await fetch(dataset.errorUrl, { headers: { Accept: "application/json" }, credentials: "same-origin" });
      if (!answer.ok || answer.redirected) throw new Error(`the log answered ${answer.status}`);
      const { line, is_guess: isGuess } = await answer.json();
      this.say(line ? (isGuess ? dataset.guess : "") : dataset.noError);
      if (!line) return;
      location.hash = `#L${line}`;
      this.root.scrollIntoView({ block: "nearest" });
      this.view.show(line);
      this.view.scroller.focus({ preventScroll: true });
    } catch {
      this.say(dataset.unsearched);
    }
  }
}

/** Give the viewer of this page's log; null: there is none, as on the page of an imported bundle. */
export function logStart() {
  const root = document.querySelector("#log-viewer");
  if (!root) return null;
  const scroller = root.querySelector("#log-scroll");
  const content = root.querySelector("#log-rows");
  const { dataset } = root;
  const model = new LogModel(dataset.linesUrl, Number(dataset.lines), Number(dataset.epoch), dataset.lost);
  const rows = [...content.children].map(rowRead);
  content.replaceChildren();
  const said = root.querySelector("#log-said");
  const say = (text) => { said.textContent = text; };
  const view = new LogView(scroller, content, model, { moreText: dataset.more, textUrl: dataset.textUrl });
  model.put(rows);
  const marks = new LogMarks(root, view, say);
  const search = new LogSearch(root, view);
  const tools = new LogTools(root, view, say);
  logKeysStart(root, { view, search, marks, error: () => tools.error() });
  view.redraw(true);
  if (!marks.read()) {
    if (rows.length && new URLSearchParams(location.search).has("from")) view.begin(rows[0][0]);
    // Where a build runs or failed, what matters stands at the end.
    else if ("atEnd" in dataset || document.querySelector("[data-live]")) view.end();
  }
  return { root, model, view, search, marks };
}

if (!document.querySelector("[data-live]")) logStart();
