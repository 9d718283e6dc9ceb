/**
 * The one connection of a browser to `/builds/changes`, shared by all its tabs: a browser gives a host six connections on
 * HTTP/1, and each tab with a stream of its own would use one up. A SharedWorker, or a page where there is none
 * (`changes.js`), runs this.
 */

const FIRST_WAIT_MS = 1000;
const MAX_WAIT_MS = 30_000;
const SILENCE_MS = 40_000; // The server says something every 15 s.

/** Keeps the stream at `address` open and gives each message to `tell({event, data})`; `close()` ends it. */
export function changesOpen(address, tell) {
  let source = null;
  let wait = FIRST_WAIT_MS;
  let timer = 0;
  let silence = 0;
  let closed = false;

  function again() {
    source?.close();
    clearTimeout(silence);
    clearTimeout(timer);
    if (closed) return;
    // Spread out, so that a restarted server is not met by everyone at once.
    timer = setTimeout(connect, wait * (0.75 + Math.random() / 2));
    wait = Math.min(wait * 2, MAX_WAIT_MS);
  }

  function hear(event, data) {
    wait = FIRST_WAIT_MS;
    clearTimeout(silence);
    silence = setTimeout(again, SILENCE_MS);
    tell({ event, data });
  }

  function connect() {
    source = new EventSource(address);
    // One that is neither made nor refused says nothing, for as long as the network likes.
    clearTimeout(silence);
    silence = setTimeout(again, SILENCE_MS);
    for (const name of ["hello", "alive", "build"]) {
      source.addEventListener(name, (event) => hear(name, JSON.parse(event.data)));
    }
    source.addEventListener("error", again);
  }

  connect();
  return {
    close() {
      closed = true;
      source?.close();
      clearTimeout(timer);
      clearTimeout(silence);
    },
  };
}

/* As a SharedWorker: every page that connects names the address and for whom; another person means another stream. */

if (typeof SharedWorkerGlobalScope !== "undefined" && self instanceof SharedWorkerGlobalScope) {
  const ports = new Set();
  let stream = null;
  let person = null;
  let said = false;

  const tellAll = (message) => {
    said ||= message.event === "hello";
    for (const port of ports) port.postMessage(message);
  };

  self.addEventListener("connect", (connection) => {
    const [port] = connection.ports;
    port.addEventListener("message", ({ data }) => {
      if (data.leave) {
        ports.delete(port);
        if (!ports.size) {
          stream?.close();
          stream = null;
        }
        return;
      }
      ports.add(port);
      if (!stream || data.person !== person) {
        stream?.close();
        person = data.person;
        said = false;
        stream = changesOpen(data.address, tellAll);
      } else if (said) {
        port.postMessage({ event: "hello", data: {} });
      }
    });
    port.start();
  });
}
