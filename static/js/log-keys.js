/**
 * The log by keyboard, while the focus is in it: elsewhere `/` is the site's search and the browser's keys are the browser's.
 *
 * A log of thousands of lines must not be thousands of stops: one number at a time can be reached with Tab, the arrow keys go on
 * from there, and Enter makes the address of that line.
 */

const STEPS = { ArrowUp: -1, ArrowDown: 1 };

function isTyping(target) {
  return /^(input|textarea|select)$/i.test(target.tagName) && target.type !== "checkbox";
}

export function logKeysStart(root, { view, search, marks, error }) {
  const { scroller } = view;
  let stop = 0;

  const stopAt = (line) => {
    const before = view.element(stop)?.querySelector(".log-no");
    if (before) before.tabIndex = -1;
    stop = line;
    const number = view.element(line)?.querySelector(".log-no");
    if (number) number.tabIndex = 0;
    return number;
  };

  const go = (line) => {
    const wanted = Math.max(1, Math.min(line, view.model.lines));
    view.reveal(wanted);
    stopAt(wanted)?.focus({ preventScroll: true });
  };

  scroller.addEventListener("focus", () => { if (view.model.lines) stopAt(view.firstVisible); });
  view.addEventListener("drawn", () => {
    const number = stop && view.element(stop)?.querySelector(".log-no");
    if (number) number.tabIndex = 0;
  });

  const keys = {
    "/": () => search.open(),
    n: () => search.step(1),
    N: () => search.step(-1),
    g: () => view.start(),
    G: () => view.end(),
    f: () => error(),
    Home: () => view.start(),
    End: () => view.end(),
    Escape: () => marks.clear(),
  };

  root.addEventListener("keydown", (event) => {
    const isFind = (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "f";
    if (isFind && event.target !== search.field) {
      // The second time the field has the focus, and the browser's own search opens.
      event.preventDefault();
      search.open();
      return;
    }
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "a" && scroller.contains(event.target)) {
      event.preventDefault();
      marks.all();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    const number = event.target.closest?.(".log-no");
    const line = number ? Number(number.parentElement.id.slice(1)) : 0;
    if (line && event.key in STEPS) {
      event.preventDefault();
      go(line + STEPS[event.key]);
      return;
    }
    const act = keys[event.key];
    if (!act || (/^[A-Z]/i.test(event.key) && event.key.length > 1 && !scroller.contains(event.target))) return;
    event.preventDefault();
    event.stopPropagation();
    act();
    if (line && (event.key === "Home" || event.key === "End")) go(event.key === "Home" ? 1 : view.model.lines);
  });
}
