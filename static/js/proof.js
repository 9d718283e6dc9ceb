/** The portable proof: checks the documents that are in this very file, twice: at the report's own time, and at today's. No network. */

import { materialInput } from "./material-input.js";
import { compareReports } from "./verify/compare.js";
import { base64Bytes, hexEncode } from "./verify/bytes.js";
import { verifyMaterial } from "./verify/index.js";
import { Sha256 } from "./verify/sha256.js";

const texts = document.querySelector("#texts").dataset;
const material = JSON.parse(document.querySelector("#kettle-material").textContent);

/** Put a verdict's word into its place. `note`: the name of a text that says how it stands to the site's. A difference is said loudly. */
function showVerdict(selector, verdict, note) {
  const place = document.querySelector(selector);
  place.textContent = texts[verdict] ?? verdict;
  place.classList.toggle("differs", note === "differs");
  if (note) place.append(` (${texts[note]})`);
}

/** Fill the second column: what this file finds for each check at the report's own time. `rows`: of `compareReports`. */
function showChecks(report, rows) {
  const found = new Map(report.checks.map((check) => [check.code, check]));
  const differing = new Set(rows.filter((row) => row.relation === "differs").map((row) => row.code));
  for (const cell of document.querySelectorAll("[data-check]")) {
    const check = found.get(cell.dataset.check);
    const outcome = check ? check.outcome : "skipped";
    cell.textContent = texts[outcome];
    cell.className = `own-${outcome}`;
    if (check?.reason) cell.title = check.reason;
    if (differing.has(cell.dataset.check)) cell.classList.add("differs");
  }
}

/** Offer the documents as files: they are in this one as base64. */
function documentsStart() {
  for (const button of document.querySelectorAll("[data-document]")) {
    button.addEventListener("click", () => {
      const { base64, name } = material.documents[button.dataset.document];
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([base64Bytes(base64)], { type: "application/json" }));
      link.download = name;
      link.click();
    });
  }
}

/** SHA-256 of a file in hex, read in pieces. Throws when it cannot be read, for instance because it changed meanwhile. */
async function fileDigest(file) {
  const hash = new Sha256();
  const reader = file.stream().getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) hash.update(piece.value);
  return hexEncode(hash.digest());
}

/** «Is this your file?»: hashed here, in pieces, and compared with the files of the list. */
function ownFileStart() {
  const input = document.querySelector("#own-file");
  const answer = document.querySelector("#own-answer");
  input.addEventListener("change", async () => {
    const file = input.files[0];
    if (!file) return;
    answer.textContent = texts.hashing;
    let digest;
    try {
      digest = await fileDigest(file);
    } catch {
      answer.textContent = texts.unreadable;
      return;
    }
    const row = document.querySelector(`[data-sha256="${digest}"]`);
    answer.textContent = `${texts.verdictFirst} ${row ? texts.isIt.replace("%s", row.dataset.name) : texts.isNone} SHA-256: ${digest}`;
    answer.className = row ? "" : "differs";
  });
}

async function start() {
  documentsStart();
  ownFileStart();
  try {
    const then = await verifyMaterial(await materialInput(material, material.server.at));
    const compared = compareReports(then, material.server, material.hidden);
    showVerdict("#own-then", then.verdict, compared.agrees ? (compared.verdict === "fewer" ? "fewer" : "") : "differs");
    showChecks(then, compared.rows);
    const today = await verifyMaterial(await materialInput(material, new Date()));
    showVerdict("#own-today", today.verdict, today.verdict === then.verdict ? "" : "since");
    document.querySelector("#own-today-at").textContent = new Date().toISOString().slice(0, 16).replace("T", " ") + " UTC";
  } catch (error) {
    for (const place of document.querySelectorAll("#own-then, #own-today")) {
      place.textContent = `${texts.broken} ${error.message}`;
      place.classList.add("differs");
    }
  }
  document.documentElement.dataset.checked = "yes";
}

start();
