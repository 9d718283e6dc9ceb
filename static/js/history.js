/** The list of builds: filters and plots fold away on a phone, and stay as they were left when the list changes. */

const narrow = window.matchMedia("(max-width: 44rem)");
let isOpen = !narrow.matches;

function apply() {
  const fold = document.querySelector("[data-refine]");
  if (fold) fold.open = isOpen;
}

document.addEventListener("toggle", (event) => {
  if (event.target.matches?.("[data-refine]")) isOpen = event.target.open;
}, true);
document.addEventListener("htmx:afterSwap", apply);
apply();
