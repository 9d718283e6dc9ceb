/** The card that other pages frame: fetches the documents and verifies them itself. It hears nothing that its parent says. */

import { materialInput } from "./material-input.js";
import { verifyMaterial } from "./verify/index.js";

const own = document.querySelector("#embed-own");

/** Put one of the texts that the template brought into the second row. */
function say(text, differs = false) {
  own.textContent = text;
  own.classList.toggle("embed-differs", differs);
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
    const report = await verifyMaterial(await materialInput(material, new Date()));
    const differs = report.verdict !== material.server.verdict;
    const word = own.dataset[report.verdict];
    say(differs ? `${word}: ${own.dataset.differs}` : word, differs);
  } catch {
    say(own.dataset.error);
  }
}

start();
