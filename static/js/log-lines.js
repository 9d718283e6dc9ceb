/**
 * Line numbers by keyboard. A log of thousands of lines must not be thousands of stops: one number at a time can be reached with
 * Tab, the arrow keys go on from there, and Enter makes the address of that line.
 */

const STEPS = { ArrowUp: "previousElementSibling", ArrowDown: "nextElementSibling" };
const ENDS = { Home: "firstElementChild", End: "lastElementChild" };

export function logLinesStart(scroller) {
  const rows = scroller.querySelector("#log-rows");
  let stop = null;

  const stopAt = (row) => {
    const number = row?.querySelector(".log-no");
    if (!number) return null;
    if (stop) stop.tabIndex = -1;
    stop = number;
    stop.tabIndex = 0;
    return stop;
  };

  const firstInView = () => {
    const top = scroller.getBoundingClientRect().top;
    return [...rows.children].find((row) => row.getBoundingClientRect().top >= top) ?? rows.lastElementChild;
  };

  scroller.addEventListener("focus", () => stopAt(firstInView()));
  scroller.addEventListener("keydown", (event) => {
    const row = event.target.closest?.(".log-no")?.parentElement;
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
    const next = event.key in STEPS ? row[STEPS[event.key]] : event.key in ENDS ? rows[ENDS[event.key]] : null;
    if (!next) return;
    event.preventDefault();
    stopAt(next)?.focus();
  });
}
