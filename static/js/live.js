/**
 * A running build, live: log rows, phases, title and favicon, and at the end the verdict in the place of the wait.
 *
 * The stream is an EventSource that reconnects by our own hand: each connection asks for what comes after the last row that is
 * shown (`?after=`), so that nothing is lost, and drops what it has already, so that nothing is doubled.
 */

const MAX_ROWS = 5000;
const CUT_ROWS = 1000;
const MAX_ROWS_READING = 30_000; // Nothing is taken away under the eyes of someone who reads upwards, up to here.
const DOUBTS = 3; // Failed connections in a row after which it is asked whether this page is still ours to see.
const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 15_000;
const SILENCE_MS = 40_000; // The server says something at least every 15 s.
const STICK_PX = 24;

import { logLinesStart } from "./log-lines.js";

const page = document.querySelector("[data-live]");
// An imported bundle has no log: its page waits for the verdict alone.
const log = document.querySelector("#log-rows");
const scroller = document.querySelector("#log-scroll");
const connection = document.querySelector("#connection");
const announce = document.querySelector("#announce");
const follow = document.querySelector("#log-follow");
const count = document.querySelector("#log-count");

let last = Number(page.dataset.after || 0);
let source = null;
let wait = FIRST_WAIT_MS;
let failures = 0;
let timer = 0;
let silence = 0;
let ended = false;
let atBottom = true;
let queue = [];
let epoch = page.dataset.epoch;
let shown = "";
let refreshing = false;
let refreshAgain = false;

/* The connection, honestly */

function say(state) {
  if (!connection || connection.dataset.state === state) return;
  connection.dataset.state = state;
  connection.textContent = connection.dataset[state];
}

function hear() {
  wait = FIRST_WAIT_MS;
  failures = 0;
  say("live");
  clearTimeout(silence);
  silence = setTimeout(reconnect, SILENCE_MS);
}

function reconnect() {
  source?.close();
  source = null;
  clearTimeout(silence);
  clearTimeout(timer);
  if (ended) return;
  say(navigator.onLine ? "reconnecting" : "offline");
  failures += 1;
  if (failures % DOUBTS === 0 && navigator.onLine) doubt();
  // Spread out, so that a restarted server is not met by everyone at once.
  timer = setTimeout(connect, wait * (0.75 + Math.random() / 2));
  wait = Math.min(wait * 2, MAX_WAIT_MS);
}

/** A stream that is refused does not say why: signed out, or not allowed any more. The page itself does. */
async function doubt() {
  const answer = await fetch(page.dataset.page, { method: "HEAD", redirect: "manual" }).catch(() => null);
  if (!answer || (answer.type !== "opaqueredirect" && answer.status !== 404)) return;
  ended = true;
  clearTimeout(timer);
  source?.close();
  say("gone");
}

function connect() {
  clearTimeout(timer);
  const url = new URL(page.dataset.live, location.href);
  url.searchParams.set("after", String(last));
  if (epoch !== null) url.searchParams.set("epoch", String(epoch));
  source = new EventSource(url);
  source.addEventListener("open", hear);
  source.addEventListener("error", reconnect);
  source.addEventListener("rows", (event) => {
    hear();
    take(JSON.parse(event.data).rows);
  });
  source.addEventListener("state", (event) => {
    hear();
    stateShow(JSON.parse(event.data));
  });
  source.addEventListener("reset", () => {
    // The stored rows were replaced by the server's own replay: begin the log afresh.
    source.close();
    log?.replaceChildren();
    queue = [];
    last = 0;
    epoch = null;
    connect();
  });
  source.addEventListener("end", () => {
    ended = true;
    clearTimeout(silence);
    source.close();
    say("ended");
    finish();
  });
}

window.addEventListener("online", () => {
  wait = FIRST_WAIT_MS;
  if (!source && !ended) connect();
});
window.addEventListener("offline", reconnect);

/* The log */

function take(rows) {
  if (!log) return;
  for (const row of rows) {
    if (row[0] <= last) continue;
    last = row[0];
    queue.push(row);
  }
  if (queue.length && !take.planned) {
    take.planned = true;
    // A hidden tab draws no frames: there a timer must do.
    if (document.hidden) setTimeout(append, 250);
    else requestAnimationFrame(append);
  }
}

function rowMake([seq, at, type, html]) {
  const row = document.createElement("div");
  row.id = `L${seq}`;
  row.className = `log-row${type === "build" ? "" : " log-row-phase"}${type === "site" ? " log-row-site" : ""}`;
  row.dataset.at = at;
  const number = document.createElement("a");
  number.className = "log-no";
  number.tabIndex = -1; // Thousands of stops would keep the keyboard from everything below the log.
  number.href = `#L${seq}`;
  number.textContent = seq;
  const text = document.createElement("span");
  text.className = "log-text";
  if (type !== "build") text.dataset.kind = type;
  // Escaped by the server, with nothing but spans of its own classes.
  text.innerHTML = html;
  row.append(number, text);
  return row;
}

function append() {
  take.planned = false;
  const rows = queue;
  queue = [];
  document.querySelector("#log-empty")?.remove();
  const part = document.createDocumentFragment();
  let isNewPhase = false;
  for (const row of rows) {
    part.append(rowMake(row));
    if (row[2] !== "build") isNewPhase = true;
  }
  log.append(part);
  if (log.childElementCount > (atBottom ? MAX_ROWS : MAX_ROWS_READING)) {
    const over = log.childElementCount - MAX_ROWS + CUT_ROWS;
    const range = document.createRange();
    range.setStartBefore(log.firstElementChild);
    range.setEndBefore(log.children[over]);
    range.deleteContents();
    document.querySelector("#log-cut").hidden = false;
  }
  if (count) count.textContent = last.toLocaleString();
  if (atBottom) scroller.scrollTop = scroller.scrollHeight;
  if (isNewPhase) statusRefresh();
}

function stick(on) {
  atBottom = on;
  follow?.setAttribute("aria-pressed", String(on));
}

scroller?.addEventListener("scroll", () => {
  stick(scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < STICK_PX);
}, { passive: true });
follow?.addEventListener("click", () => {
  stick(true);
  scroller.scrollTop = scroller.scrollHeight;
});

/* State, phases, title, favicon */

function stateShow(state) {
  epoch = state.epoch;
  // The same message also serves as a sign of life: only what changed is worth a request.
  const news = JSON.stringify([state.state, state.phases]);
  if (news === shown) return;
  shown = news;
  if (state.label && announce.textContent !== state.label) announce.textContent = state.label;
  statusRefresh();
}

async function fragment() {
  const answer = await fetch(page.dataset.page, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
  if (!answer.ok || answer.redirected) throw new Error(`the page answered ${answer.status}`);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

function titleShow(outcome) {
  if (outcome.dataset.title) document.title = outcome.dataset.title;
  if (outcome.dataset.favicon) document.querySelector("#favicon").href = outcome.dataset.favicon;
}

/** One request at a time; what happens meanwhile asks for one more. */
async function statusRefresh() {
  if (ended) return;
  if (refreshing) {
    refreshAgain = true;
    return;
  }
  refreshing = true;
  try {
    const fresh = await fragment();
    if (ended) return;
    for (const id of ["outcome", "phases"]) {
      const next = fresh.getElementById(id);
      if (next) document.getElementById(id)?.replaceWith(document.adoptNode(next));
    }
    titleShow(document.querySelector("#outcome"));
    document.dispatchEvent(new CustomEvent("kettle:swapped"));
  } catch {
    // The stream's own state tells that the connection is gone.
  } finally {
    refreshing = false;
    if (refreshAgain) {
      refreshAgain = false;
      setTimeout(statusRefresh, 400);
    }
  }
}

/* The end */

/** Whoever reads in the log keeps it where it is. */
function isReading() {
  const selection = document.getSelection();
  const live = document.querySelector("#live");
  return !atBottom || (selection && !selection.isCollapsed && live.contains(selection.anchorNode)) ||
    live.getBoundingClientRect().top < 0 || scroller?.contains(document.activeElement);
}

async function finish(tries = 0) {
  let fresh;
  try {
    fresh = await fragment();
  } catch {
    if (tries < 8) setTimeout(() => finish(tries + 1), Math.min(500 * 2 ** tries, MAX_WAIT_MS));
    else say("offline");
    return;
  }
  const swap = () => {
    const live = document.querySelector("#live");
    const isKept = isReading();
    const top = live.getBoundingClientRect().top;
    const inner = scroller?.scrollTop ?? 0;
    for (const id of ["outcome", "actions", "phases", "proof", "after"]) {
      const next = fresh.getElementById(id);
      if (!next) continue;
      document.getElementById(id)?.replaceWith(document.adoptNode(next));
      window.htmx?.process(next);
    }
    if (isKept) document.querySelector("#proof").before(live);
    else document.querySelector("#proof").after(live);
    if (scroller) scroller.scrollTop = atBottom ? scroller.scrollHeight : inner;
    if (isKept) window.scrollBy(0, live.getBoundingClientRect().top - top);
    // htmx saw neither the forms of the new parts nor their attributes.
    for (const id of ["actions", "proof", "after"]) {
      const part = document.getElementById(id);
      if (part) window.htmx?.process(part);
    }
    const outcome = document.querySelector("#outcome");
    titleShow(outcome);
    announce.textContent = outcome.querySelector(".verdict-sentence")?.textContent ?? "";
    document.dispatchEvent(new CustomEvent("kettle:swapped"));
  };
  if (document.startViewTransition && !matchMedia("(prefers-reduced-motion: reduce)").matches && !document.hidden) {
    document.startViewTransition(swap);
  } else swap();
}

if (scroller) {
  scroller.scrollTop = scroller.scrollHeight;
  logLinesStart(scroller);
}
if (location.hash.startsWith("#L")) document.getElementById(location.hash.slice(1))?.scrollIntoView({ block: "center" });
connect();
