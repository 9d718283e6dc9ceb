/** The list of builds: filters and plots fold away on a phone, and stay as they were left when the list changes. */

const narrow = window.matchMedia("(max-width: 44rem)");
let isOpen = !narrow.matches;
let isMoreOpen = false;

function apply() {
  const fold = document.querySelector("[data-refine]");
  if (fold) fold.open = isOpen;
  const more = document.querySelector("[data-more]");
  if (more) more.open ||= isMoreOpen;
}

document.addEventListener("toggle", (event) => {
  if (event.target.matches?.("[data-refine]")) isOpen = event.target.open;
  if (event.target.matches?.("[data-more]")) isMoreOpen = event.target.open;
}, true);
document.addEventListener("htmx:afterSwap", apply);
apply();
