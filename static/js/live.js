/** A running build, live: the connection, what it brings to the log, and what the page says of the build's state. */

import { Connection } from "./connection.js";
import { hiddenStart } from "./hidden.js";
import { logStart } from "./log.js";
import { notifyStart } from "./notify.js";
import { PageState } from "./page-state.js";

const page = document.querySelector("[data-live]");
const label = document.querySelector("#connection");
// An imported bundle has no log: its page waits for the verdict alone.
const log = logStart();

document.addEventListener("kettle:connection", ({ detail }) => {
  if (!label) return;
  label.dataset.state = detail.state;
  label.textContent = label.dataset[detail.state] ?? detail.state;
});

if (log) {
  document.addEventListener("kettle:rows", ({ detail }) => {
    log.model.grow(detail.line);
    log.model.put(detail.rows);
  });
  document.addEventListener("kettle:reset", ({ detail }) => log.model.reset(detail.epoch));
}

const state = new PageState(page, log);
const connection = new Connection(page.dataset);
hiddenStart({ page, connection, state });
notifyStart();
connection.connect();
