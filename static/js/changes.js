/**
 * Tells this page which builds changed. Through a SharedWorker all tabs of a browser have one connection; where there is none,
 * the page has its own while it is looked at.
 */

import { changesOpen } from "./changes-worker.js";

/** Call `tell({event, data})` for `hello` (anything may have changed before) and `build` messages of `address`. */
export function changesStart({ address, person, tell }) {
  const absolute = new URL(address, location.href).href;
  if ("SharedWorker" in window) {
    const worker = new SharedWorker(new URL("./changes-worker.js", import.meta.url), { type: "module", name: "kettle-changes" });
    worker.port.addEventListener("message", ({ data }) => tell(data));
    worker.port.start();
    const enter = () => worker.port.postMessage({ address: absolute, person });
    enter();
    // A page that is only put aside comes back by itself: a port that is gone for good is never heard of.
    window.addEventListener("pagehide", () => worker.port.postMessage({ leave: true }));
    window.addEventListener("pageshow", (event) => {
      if (event.persisted) enter();
    });
    return;
  }
  let stream = null;
  const look = () => {
    if (document.hidden) {
      stream?.close();
      stream = null;
    } else {
      stream ??= changesOpen(absolute, tell);
    }
  };
  document.addEventListener("visibilitychange", look);
  look();
}
