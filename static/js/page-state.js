/** What a running build's page says of its state: phases, title and favicon, and at the end the verdict in the place of the wait. */

const MAX_WAIT_MS = 15_000;
const AGAIN_MS = 400;

export class PageState {
  constructor(page, log) {
    this.url = page.dataset.page;
    this.log = log;
    this.shown = "";
    this.isBusy = false;
    this.isAskedAgain = false;
    this.isOver = false;
    this.announce = document.querySelector("#announce");
    document.addEventListener("kettle:state", ({ detail }) => this.#state(detail));
    document.addEventListener("kettle:rows", ({ detail }) => { if (detail.rows.some((row) => row[2] !== "build")) this.refresh(); });
    document.addEventListener("kettle:end", () => {
      this.isOver = true;
      this.#finish();
    });
  }

  #state(state) {
    // The same message also serves as a sign of life: only what changed is worth a request.
    const news = JSON.stringify([state.state, state.phases, state.waiting]);
    if (news === this.shown) return;
    this.shown = news;
    if (state.label && this.announce.textContent !== state.label) this.announce.textContent = state.label;
    this.refresh();
  }

  async #fragment() {
    const answer = await fetch(this.url, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
    if (!answer.ok || answer.redirected) throw new Error(`the page answered ${answer.status}`);
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  }

  #title(outcome) {
    if (!outcome) return;
    if (outcome.dataset.title) document.title = outcome.dataset.title;
    if (outcome.dataset.favicon) document.querySelector("#favicon").href = outcome.dataset.favicon;
  }

  /** One request at a time; what happens meanwhile asks for one more. */
  async refresh() {
    // The log on a page of its own shows no phases.
    if (this.isOver || !document.querySelector("#outcome")) return;
    if (this.isBusy) {
      this.isAskedAgain = true;
      return;
    }
    this.isBusy = true;
    try {
      const fresh = await this.#fragment();
      if (this.isOver) return;
      for (const id of ["outcome", "phases"]) {
        const next = fresh.getElementById(id);
        if (next) document.getElementById(id)?.replaceWith(document.adoptNode(next));
      }
      this.#title(document.querySelector("#outcome"));
      document.dispatchEvent(new CustomEvent("kettle:swapped"));
    } catch {
      // The stream's own state tells that the connection is gone; its next sign of life asks once more.
      this.shown = "";
    } finally {
      this.isBusy = false;
      if (this.isAskedAgain) {
        this.isAskedAgain = false;
        setTimeout(() => this.refresh(), AGAIN_MS);
      }
    }
  }

  /** Whoever reads in the log keeps it where it is. */
  #isReading(live) {
    const selection = document.getSelection();
    return (this.log && !this.log.view.isStuck) || (selection && !selection.isCollapsed && live.contains(selection.anchorNode)) ||
      live.getBoundingClientRect().top < 0 || this.log?.root.contains(document.activeElement);
  }

  async #finish(tries = 0) {
    if (!document.querySelector("#outcome")) return;
    let fresh;
    try {
      fresh = await this.#fragment();
    } catch {
      if (tries < 8) setTimeout(() => this.#finish(tries + 1), Math.min(500 * 2 ** tries, MAX_WAIT_MS));
      else document.dispatchEvent(new CustomEvent("kettle:connection", { detail: { state: "offline" } }));
      return;
    }
    const swap = () => this.#swap(fresh);
    if (document.startViewTransition && !matchMedia("(prefers-reduced-motion: reduce)").matches && !document.hidden) {
      document.startViewTransition(swap);
    } else swap();
  }

  #swap(fresh) {
    const live = document.querySelector("#live");
    const isKept = this.#isReading(live);
    const top = live.getBoundingClientRect().top;
    const scroller = this.log?.view.scroller;
    const inner = scroller?.scrollTop ?? 0;
    for (const id of ["outcome", "actions", "phases", "proof", "after"]) {
      const next = fresh.getElementById(id);
      if (!next) continue;
      document.getElementById(id)?.replaceWith(document.adoptNode(next));
    }
    if (isKept) document.querySelector("#proof").before(live);
    else document.querySelector("#proof").after(live);
    if (scroller) scroller.scrollTop = inner;
    this.log?.view.plan();
    if (isKept) window.scrollBy(0, live.getBoundingClientRect().top - top);
    // htmx saw neither the forms of the new parts nor their attributes.
    for (const id of ["actions", "proof", "after"]) {
      const part = document.getElementById(id);
      if (part) window.htmx?.process(part);
    }
    const outcome = document.querySelector("#outcome");
    this.#title(outcome);
    this.announce.textContent = outcome.querySelector(".verdict-sentence")?.textContent ?? "";
    document.dispatchEvent(new CustomEvent("kettle:swapped"));
  }
}
