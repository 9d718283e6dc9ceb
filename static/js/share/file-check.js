/**
 * «Is this your file?»: a file is hashed in a worker and never leaves the machine; its digest is looked for among the files that the
 * provenance names. A result tarball is looked into. A digest can be pasted instead. The fragment is `sharing/_file_check.html`.
 */

import { digestParse } from "../verify/digests.js";
import { hexEncode } from "../verify/bytes.js";
import { shapeOf, stateShow, textOf } from "./texts.js";

/** Entries of a tarball that are listed one by one; the rest is counted. */
const LISTED = 50;

/** `session` null: the documents are not here, and the section says so; the files that the page lists can still be compared. */
export function fileCheckStart(section, session) {
  const subjects = () => subjectsOf(section, session);
  const hasher = new Hasher(section.dataset.worker);
  const show = (found) => answerShow(section, session, subjects(), found);
  // A digest can be compared at once; files as soon as the worker answers, which then needs no network any more.
  hasher.hash(new Blob([]), () => {}).catch(() => {}).finally(() => stateShow(section, "ready"));
  dropStart(section, (file) => fileAsk(section, hasher, file, show));
  pasteStart(section, show);
}

/** What the provenance names: of the report when there is one, else of the page's own table. */
function subjectsOf(section, session) {
  if (session?.report?.subjects.length) return session.report.subjects;
  const listed = section.querySelector("template[data-subjects]")?.content.querySelectorAll("data") ?? [];
  return Array.from(listed, (item) => ({ name: item.textContent, sha256: item.value }));
}

/** One worker for all files: it is there from the start, so that it works without a network too. */
class Hasher {
  constructor(url) {
    this.url = url;
    // Out of a file that stands alone the worker is one script, and browsers load no module from there.
    this.worker = new Worker(url, { type: url.startsWith("blob:") ? "classic" : "module" });
  }

  /** What the worker finds of a file; `onProgress` is called with `{ done, total }`. Rejects with null when it was cancelled. */
  hash(file, onProgress) {
    return new Promise((resolve, reject) => {
      this.stop = () => reject(null);
      this.worker.onmessage = ({ data }) => {
        if (data.total !== undefined) onProgress(data);
        else if (data.error !== undefined) reject(new Error(data.error));
        else resolve(data);
      };
      this.worker.onerror = (event) => reject(new Error(event.message ?? ""));
      this.worker.postMessage({ file, look: true });
    });
  }

  cancel() {
    this.worker.postMessage({ cancel: true });
    this.stop?.();
  }
}

function dropStart(section, ask) {
  const zone = section.querySelector("[data-own-drop]");
  const input = section.querySelector("input[type=file]");
  input.addEventListener("change", () => {
    if (input.files[0]) ask(input.files[0]);
    input.value = "";
  });
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("drop-over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("drop-over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("drop-over");
    if (event.dataTransfer.files[0]) ask(event.dataTransfer.files[0]);
  });
}

async function fileAsk(section, hasher, file, show) {
  const bar = section.querySelector("progress");
  const line = section.querySelector("[data-slot=progress]");
  const cancel = section.querySelector("[data-cancel]");
  stateShow(section, "hashing");
  bar.value = 0;
  line.textContent = textOf(section, "hashing", { name: file.name, percent: 0 });
  cancel.onclick = () => hasher.cancel();
  try {
    const found = await hasher.hash(file, ({ done, total }) => {
      const share = total > 0 ? done / total : 1;
      bar.value = share;
      line.textContent = textOf(section, "hashing", { name: file.name, percent: Math.floor(share * 100) });
    });
    show({ name: file.name, ...found });
  } catch (error) {
    if (error === null) stateShow(section, "ready");
    else {
      section.querySelector("[data-slot=answer]").textContent = textOf(section, "unreadable", { name: file.name, why: error.message });
      section.querySelector("[data-slot=entries]").replaceChildren();
      section.querySelector("[data-slot=digest]").textContent = "";
      section.dataset.match = "none";
      stateShow(section, "answered");
    }
  }
}

/** A digest in any spelling: hex, base64, SRI, or with its algorithm's name before it. */
function pasteStart(section, show) {
  const form = section.querySelector("form");
  const field = form.querySelector("input");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const problem = section.querySelector("[data-slot=paste-problem]");
    problem.textContent = "";
    field.removeAttribute("aria-invalid");
    // What tools print: the digest, then perhaps the file's name; or the name, then «= digest».
    const words = field.value.trim().replace(/^SHA2?-?256 ?\((.*)\) ?= ?/i, "").split(/\s+/);
    try {
      const { algorithm, bytes } = digestParse(words[0].replace(/^sha-?256[:=-]/i, "sha256:"), "sha256");
      if (algorithm !== "sha256") throw new Error(algorithm);
      show({ name: "", hex: hexEncode(bytes) });
    } catch {
      problem.textContent = textOf(section, "noDigest");
      field.setAttribute("aria-invalid", "true");
      field.focus();
    }
  });
}

/** The verdict first, then whether the file is one of those: a match with a refused proof is worth nothing. */
function answerShow(section, session, subjects, { name, hex, entries, entriesError }) {
  const match = subjects.find((subject) => subject.sha256 === hex);
  const inside = (entries ?? []).map((entry) => ({ ...entry, match: subjects.find((subject) => subject.sha256 === entry.hex) }));
  const matches = inside.filter((entry) => entry.match);
  const files = inside.filter((entry) => !isDocument(entry.name)).length;
  verdictRepeat(section, session);
  const what = name || textOf(section, "pasted");
  const values = { name: what, subject: match?.name ?? "", count: matches.length, total: subjects.length, files };
  section.querySelector("[data-slot=answer]").textContent = textOf(section, answerKey(match, entries, matches), values);
  section.querySelector("[data-slot=note]").textContent = entriesError ? textOf(section, "notTar", { name: what }) : "";
  section.querySelector("[data-slot=digest]").textContent = hex;
  section.dataset.match = match || matches.length > 0 ? "yes" : "none";
  section.querySelector("[data-slot=shape]").replaceChildren(shapeOf(section.dataset.match === "yes" ? "match" : "no-match"));
  const list = section.querySelector("[data-slot=entries]");
  list.replaceChildren(...inside.slice(0, LISTED).map((entry) => entryMake(section, entry)));
  list.hidden = inside.length === 0;
  stateShow(section, "answered");
}

function answerKey(match, entries, matches) {
  if (match) return "isOne";
  if (entries === undefined) return "isNone";
  return matches.length > 0 ? "tarMatches" : "tarNone";
}

function verdictRepeat(section, session) {
  const verdict = session?.report?.verdict ?? section.dataset.siteVerdict;
  const place = section.querySelector("[data-slot=verdict]");
  place.replaceChildren(shapeOf(`verdict-${verdict}`), " ", textOf(section, `first${verdict[0].toUpperCase()}${verdict.slice(1)}`));
}

/** Whether an archive's entry is one of the proof's own documents. */
function isDocument(name) {
  return /(^|\/)(provenance|evidence)\.json$/.test(name);
}

function entryMake(section, { name, hex, match }) {
  const line = document.createElement("li");
  line.dataset.match = match ? "yes" : "none";
  const file = document.createElement("bdi");
  file.className = "mono breakable";
  file.textContent = name;
  const key = match ? "entryIs" : isDocument(name) ? "entryDocument" : "entryIsNot";
  line.append(shapeOf(match ? "match" : isDocument(name) ? "document" : "no-match"), " ", file, ` ${textOf(section, key, { subject: match?.name ?? "" })} `);
  const digest = document.createElement("code");
  digest.className = "mono breakable soft small";
  digest.textContent = hex;
  line.append(digest);
  return line;
}
