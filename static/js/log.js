/** The log of a build that has ended: shows the line that the address names. */

import { logLinesStart } from "./log-lines.js";

const scroller = document.querySelector("#log-scroll");

function lineShow() {
  const row = /^#L\d+$/.test(location.hash) && document.getElementById(location.hash.slice(1));
  if (row && scroller.contains(row)) row.scrollIntoView({ block: "center" });
}

if (scroller) {
  // Where a build failed, the reason stands at the end.
  if ("atEnd" in scroller.dataset) scroller.scrollTop = scroller.scrollHeight;
  lineShow();
  logLinesStart(scroller);
  window.addEventListener("hashchange", lineShow);
}
