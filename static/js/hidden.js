/**
 * A tab that nobody looks at gives its stream back: a browser has six connections for a host, and twelve tabs must work. What its
 * build comes to is still told to it, by the one connection that all tabs share, so that title and favicon stay true.
 */

import { changesStart } from "./changes.js";

const GRACE_MS = 5000; // Going to and fro between tabs is no reason to connect anew each time.
const LOOK_MS = 60_000; // Where nobody tells it, a hidden tab looks once a minute, for the grace's time.

export function hiddenStart({ page, connection, state }) {
  if (!page.dataset.changesUrl) return;
  let timer = 0;
  let heard = false;

  function rest() {
    listen();
    connection.pause();
  }

  function look() {
    connection.resume();
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(rest, GRACE_MS);
  }

  function listen() {
    if (heard) return;
    heard = true;
    if (!("SharedWorker" in window)) {
      // The connection of its own that it would have for this is the one that it gives back.
      setInterval(() => { if (connection.isPaused && document.hidden) look(); }, LOOK_MS);
      return;
    }
    changesStart({
      address: page.dataset.changesUrl,
      person: page.dataset.person,
      tell: ({ event, data }) => {
        if (!connection.isPaused) return;
        // What happened before the shared stream began is not told, and the end may be among it: look once, and go again.
        if (event === "hello") look();
        else if (event === "build" && data.uid === page.dataset.uid) {
          if (data.is_over) connection.resume();
          else state.refresh();
        }
      },
    });
  }

  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(rest, GRACE_MS);
    else connection.resume();
  });
  if (document.hidden) timer = setTimeout(rest, GRACE_MS);
}
