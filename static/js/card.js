/** The card that other pages frame: fetches the documents and verifies them itself. It hears nothing that its parent says. */

import { materialInput } from "./material-input.js";
import { compareReports } from "./verify/compare.js";
import { verifyMaterial } from "./verify/index.js";

const own = document.querySelector("#embed-own");

/** Put one of the texts that the template brought into the second row. */
function say(text, differs = false) {
  own.textContent = text;
  own.classList.toggle("embed-differs", differs);
}

/** Judged twice: at the moment of the site's word, which alone can be compared with it, and now, which counts. */
async function judgedSay(material) {
  const input = await materialInput(material, new Date());
  const found = compareReports(await verifyMaterial({ ...input, now: material.server.at }), material.server, material.hidden);
  const { verdict } = await verifyMaterial(input);
  const said = !found.agrees ? "differs" : found.verdict === "fewer" ? "fewer" : verdict === material.server.verdict ? "" : "since";
  say(own.dataset[verdict] + (said && `: ${own.dataset[said]}`), !found.agrees);
}

async function start() {
  const url = document.querySelector("#embed").dataset.material;
  say(own.dataset.working);
  try {
    const answer = await fetch(url, { credentials: "same-origin", cache: "no-store" });
    if (!answer.ok) throw new Error(String(answer.status));
    const material = await answer.json();
    if (!material.documents.evidence && !material.hidden.length) {
      say(own.dataset.nothing);
      return;
    }
    if (material.hidden.length) {
      say(own.dataset.hidden);
      return;
    }
    await judgedSay(material);
  } catch {
    say(own.dataset.error);
  }
}

start();
