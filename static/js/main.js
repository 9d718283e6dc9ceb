/** What every page runs: theme, copy buttons, digests, times, the search key, menus that close. */

import { copyStart } from "./copy.js";
import { digestsStart } from "./digests.js";
import { findStart } from "./find.js";
import { suggestStart } from "./suggest.js";
import { themeStart } from "./theme.js";
import { timesStart } from "./times.js";

function isTyping(target) {
  return target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName);
}

function searchKeyStart() {
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    const field = document.querySelector("#search");
    if (!field) return;
    event.preventDefault();
    field.focus();
    field.select();
  });
}

function menusStart() {
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
}

/** Folds that the address names open: a link to a check must show the check. */
function foldsStart() {
  const openTarget = () => {
    const id = decodeURIComponent(location.hash.slice(1));
    const target = id && document.getElementById(id);
    if (!target) return;
    for (let node = target; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
    target.scrollIntoView({ block: "nearest" });
  };
  openTarget();
  window.addEventListener("hashchange", openTarget);
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-unfold]");
    if (!button) return;
    const folds = document.querySelectorAll(`${button.dataset.unfold} details`);
    const open = button.getAttribute("aria-pressed") !== "true";
    for (const fold of folds) fold.open = open;
    button.setAttribute("aria-pressed", String(open));
    [button.textContent, button.dataset.other] = [button.dataset.other, button.textContent];
  });
}

/** A form sent twice is sent once; the server says the same, this only spares the wait. */
function onceStart() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (form.dataset.sent) event.preventDefault();
    else form.dataset.sent = "1";
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });
}

themeStart();
copyStart();
digestsStart();
findStart();
timesStart();
searchKeyStart();
menusStart();
foldsStart();
onceStart();
for (const input of document.querySelectorAll("input[data-suggest]")) suggestStart(input);
