/** The log of a build that has ended: shows the line that the address names. */

const scroller = document.querySelector("#log-scroll");

function lineShow() {
  const row = /^#L\d+$/.test(location.hash) && document.getElementById(location.hash.slice(1));
  if (row && scroller.contains(row)) row.scrollIntoView({ block: "center" });
}

if (scroller) {
  lineShow();
  window.addEventListener("hashchange", lineShow);
}
