/**
 * Lists of builds that stay true: home and the history. What changed is told by `changes.js`; what it looks like now is read
 * from the page's own address, so that nobody sees more than a reload would show.
 */

import { changesStart } from "./changes.js";

const PAUSE_MS = 400; // Changes that come together are looked at together.

const root = document.querySelector("[data-changes]");
const announce = document.querySelector("#builds-announce");
const isWhole = root?.dataset.changes === "whole"; // The page moves rows between its lists; else a row stays where it is.
let wanted = new Set();
let fresh = false;
let timer = 0;
let first = true;
let stale = false;

function rowsShown() {
  return [...document.querySelectorAll("li[data-build]")];
}

function plan() {
  // A hidden tab asks for nothing; it looks once when it is looked at again.
  if (document.hidden) {
    stale = true;
    return;
  }
  clearTimeout(timer);
  timer = setTimeout(update, PAUSE_MS);
}

function heard({ event, data }) {
  if (event === "hello") {
    // The page is as old as its loading; what ran then is looked at again, after a lost connection everything is.
    for (const row of rowsShown()) if (!first || "running" in row.dataset) wanted.add(row.dataset.build);
    fresh ||= isWhole && (!first || wanted.size > 0);
    first = false;
  } else if (event === "build") {
    if (document.querySelector(`li[data-build="${data.uid}"]`)) wanted.add(data.uid);
    fresh ||= isWhole || data.is_new;
  }
  if (wanted.size || fresh) plan();
}

async function read(address) {
  const answer = await fetch(address, { credentials: "same-origin" });
  if (!answer.ok || answer.redirected) throw new Error(`${address} answered ${answer.status}`);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

/** Put `next` where `old` is, with the keyboard's focus where it was. */
function replace(old, next) {
  const href = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  const node = document.adoptNode(next);
  old.replaceWith(node);
  if (href) [...node.querySelectorAll("a")].find((link) => link.getAttribute("href") === href)?.focus({ preventScroll: true });
}

async function wholeUpdate() {
  const page = await read(location.href);
  const next = page.querySelector("[data-changes-body]");
  const body = document.querySelector("[data-changes-body]");
  if (!next || !body) return location.reload();
  replace(body, next);
  const icon = page.querySelector("#favicon");
  if (icon) document.querySelector("#favicon").href = icon.href;
}

async function rowsUpdate(uids) {
  const address = new URL(root.dataset.rows, location.href);
  for (const uid of uids) address.searchParams.append("uid", uid);
  const page = await read(address);
  for (const next of page.querySelectorAll("li[data-build]")) {
    const old = document.querySelector(`li[data-build="${next.dataset.build}"]`);
    if (!old || old.innerHTML === next.innerHTML) continue;
    const word = next.querySelector(".build-mark")?.textContent.trim();
    if (announce && old.querySelector(".build-mark")?.textContent.trim() !== word) {
      announce.textContent = `${next.querySelector(".build-name")?.textContent.trim()}: ${word}`;
    }
    replace(old, next);
  }
}

async function update() {
  const uids = [...wanted];
  const hasNew = fresh;
  wanted = new Set();
  fresh = false;
  try {
    if (isWhole) await wholeUpdate();
    else if (uids.length) await rowsUpdate(uids.slice(0, 50));
    // In a list that someone reads nothing is pushed down: new ones are offered.
    if (hasNew && !isWhole) document.querySelector("#builds-new")?.removeAttribute("hidden");
    document.dispatchEvent(new CustomEvent("kettle:swapped"));
  } catch {
    // The next change, or the next `hello` of a new connection, looks again.
    for (const uid of uids) wanted.add(uid);
    fresh ||= hasNew;
  }
}

if (root) {
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || !stale) return;
    stale = false;
    plan();
  });
  changesStart({ address: root.dataset.changesUrl, person: root.dataset.person, tell: heard });
}
