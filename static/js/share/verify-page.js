/**
 * «Checked in your browser»: fetches the documents, verifies them as this page's code does, and puts the outcomes beside the site's.
 *
 * Everything is loaded with the page, so that it goes on working without a network. The fragment is `sharing/_browser_check.html`.
 */

import { materialInput } from "../material-input.js";
import { compareReports } from "../verify/compare.js";
import { PolicyError, policyOf, verifyMaterial } from "../verify/index.js";
import { hexEncode } from "../verify/bytes.js";
import { sha256 } from "../verify/sha256.js";
import { breakItStart } from "./break-it.js";
import { fileCheckStart } from "./file-check.js";
import { said, saidShow, saidStart } from "./said.js";
import { breathe, shapeOf, stateShow, textOf } from "./texts.js";

/** Bytes of a policy file that are read. */
const POLICY_LIMIT = 1024 * 1024;

/** What the page knows: the material, its documents, and the last report; other parts of the page are told when it changes. */
export class Session {
  constructor(material, input) {
    this.material = material;
    this.input = input;
    /** Of today, under the list that is in force. Null: not judged yet. */
    this.report = null;
    /** Of the moment at which the site judged, under its list. Null: there is no site's word. */
    this.then = null;
    this.ownPolicy = null;
    this.listeners = [];
  }

  /** Calls back with this session now, and after each judgement. */
  watch(listener) {
    this.listeners.push(listener);
    listener(this);
  }

  changed() {
    for (const listener of this.listeners) listener(this);
  }

  /** A report on the session's documents, or with some of the input replaced. */
  async judge(replaced = {}) {
    const policy = this.ownPolicy ? this.ownPolicy.text : this.input.policy;
    return verifyMaterial({ ...this.input, policy, now: new Date(), ...replaced });
  }
}

/** Fills the section from a material. `more`: further input of the verifier. Gives the session; null: nothing can be checked here. */
export async function browserCheckStart(section, material, more = {}) {
  const missing = nothingToCheck(material);
  if (missing) {
    stateShow(section, missing);
    return null;
  }
  stateShow(section, "working");
  try {
    const began = performance.now();
    const input = { ...(await materialInput(material, new Date())), ...more };
    const session = new Session(material, input);
    const then = material.server ? await judgedThen(section, session) : null;
    session.then = then;
    session.report = await session.judge();
    section.dataset.milliseconds = String(Math.round(performance.now() - began));
    if (then) comparisonShow(section, session, then);
    else aloneShow(section, session.report);
    resultShow(section, session);
    ownListStart(section, session);
    stateShow(section, "done");
    return session;
  } catch (error) {
    section.querySelector("[data-slot=error]").textContent = String(error.message ?? error);
    stateShow(section, "failed");
    return null;
  }
}

/** The name of the state in which the page says why nothing can be checked; empty: something can. */
function nothingToCheck(material) {
  if (!globalThis.crypto?.subtle) return "insecure";
  if (material.documents.evidence) return "";
  return material.hidden.includes("evidence") ? "hidden" : "unattested";
}

/** The report at the very moment of the site's, with its progress shown: only that one can be compared row by row. */
async function judgedThen(section, session) {
  const bar = section.querySelector("progress");
  let since = performance.now();
  const onProgress = async ({ done, total }) => {
    bar.max = total;
    bar.value = done;
    since = await breathe(since);
  };
  return verifyMaterial({ ...session.input, now: session.material.server.at, onProgress });
}

function comparisonShow(section, session, then) {
  const { material, input } = session;
  const found = compareReports(then, material.server, material.hidden);
  const swapped = ["provenance", "evidence"].filter((name) => {
    const bytes = input[`${name}Bytes`];
    return bytes !== null && material.documents[name].sha256 && hexEncode(sha256(bytes)) !== material.documents[name].sha256;
  });
  const agrees = found.agrees && swapped.length === 0;
  section.dataset.agrees = agrees ? "yes" : "no";
  const line = section.querySelector("[data-slot=comparison]");
  const counts = { same: found.same, notHere: found.notHere, differing: found.differing, total: found.rows.length };
  const said = agrees ? (found.notHere > 0 ? "agreesPartly" : "agrees") : found.verdict === "contradicts" ? "contradicts" : "differs";
  line.textContent = textOf(section, said, counts);
  const fewer = section.querySelector("[data-slot=fewer]");
  fewer.hidden = !agrees || found.verdict !== "fewer";
  const checks = found.unmade.map((row) => `«${row.title}»`).join(", ");
  fewer.querySelector("p").textContent = textOf(section, "fewer", { word: material.server.word, checks });
  section.querySelector("[data-slot=differs]").hidden = agrees;
  if (swapped.length > 0) line.append(" ", textOf(section, "swapped", { names: swapped.map((name) => `${name}.json`).join(", ") }));
  const body = section.querySelector("[data-slot=rows]");
  body.replaceChildren(...found.rows.map((row) => rowMake(section, row)));
}

/** Without a site's word there is one column, and nothing to agree with. */
function aloneShow(section, report) {
  section.querySelector("[data-slot=comparison]").hidden = true;
  const rows = report.checks.map(({ code, title, outcome, reason }) => {
    return { code, title, server: null, browser: outcome, reason: { text: reason, own: true }, relation: "alone" };
  });
  section.querySelector("[data-slot=rows]").replaceChildren(...rows.map((row) => rowMake(section, row)));
}

function rowMake(section, row) {
  const line = document.createElement("tr");
  line.dataset.relation = row.relation;
  line.dataset.code = row.code;
  const title = document.createElement("th");
  title.scope = "row";
  title.append(said(row.title));
  if (row.reason.text && row.browser !== "pass") {
    const reason = document.createElement("span");
    reason.className = "check-reason";
    if (row.reason.own) saidShow(reason, row.reason.text);
    else reason.textContent = row.reason.text;
    title.append(reason);
  }
  line.append(title, outcomeCell(section, row.server, "labelSite"), outcomeCell(section, row.browser, "labelBrowser"));
  if (row.relation === "differs") line.lastElementChild.append(shapeOf("differs"));
  return line;
}

function outcomeCell(section, outcome, label) {
  const cell = document.createElement("td");
  cell.dataset.label = textOf(section, label);
  cell.append(shapeOf(outcome === null ? "outcome-none" : `outcome-${outcome}`));
  return cell;
}

/** The verdict of today: under the site's list, or under the visitor's own. */
function resultShow(section, session) {
  const { report, ownPolicy, material } = session;
  section.querySelector("[data-slot=verdict]").replaceChildren(shapeOf(`verdict-${report.verdict}`));
  section.querySelector("[data-slot=meaning]").textContent = textOf(section, `meaning${capital(report.verdict)}`);
  const since = section.querySelector("[data-slot=since]");
  since.hidden = !material.server || ownPolicy !== null || report.verdict === session.then.verdict || section.dataset.agrees === "no";
  if (!since.hidden) since.textContent = textOf(section, "since");
  const list = section.querySelector("[data-slot=list]");
  const entry = report.policy_entry;
  const key = ownPolicy ? (entry ? "listOwn" : "listOwnNone") : entry ? "listSite" : "listNone";
  list.textContent = textOf(section, key, { file: ownPolicy?.name ?? "", image: entry?.name ?? "", who: entry?.pinned_by ?? "" });
  const told = report.verdict === "incomplete" ? ["fail", "error"] : ["fail"];
  const telling = report.checks.filter((check) => told.includes(check.outcome) && check.required && check.code !== "image.allow-list");
  section.querySelector("[data-slot=broken]").replaceChildren(...telling.map(tellingMake));
}

/** A check that the verdict rests on, with its reason. */
function tellingMake(check) {
  const line = document.createElement("li");
  const reason = document.createElement("span");
  saidShow(reason, check.reason);
  line.append(shapeOf(`outcome-${check.outcome}`), " ", `${said(check.title)}: `, reason);
  return line;
}

function capital(word) {
  return word[0].toUpperCase() + word.slice(1);
}

/** An allow-list of the visitor's own, in place of the site's; and back. */
function ownListStart(section, session) {
  const input = section.querySelector("[data-own-list]");
  const back = section.querySelector("[data-own-list-back]");
  const problem = section.querySelector("[data-slot=own-list-problem]");
  const judge = async (policy) => {
    session.ownPolicy = policy;
    session.report = await session.judge();
    back.hidden = policy === null;
    resultShow(section, session);
    session.changed();
  };
  input.addEventListener("change", async () => {
    const [file] = input.files;
    if (!file) return;
    problem.textContent = "";
    try {
      if (file.size > POLICY_LIMIT) throw new PolicyError(textOf(section, "ownListLarge"));
      const text = await file.text();
      policyOf(text);
      await judge({ name: file.name, text });
    } catch (error) {
      problem.textContent = textOf(section, "ownListBroken", { why: error.message });
    }
    input.value = "";
  });
  back.addEventListener("click", () => {
    problem.textContent = "";
    judge(null);
    input.focus();
  });
}

/** The share page: its material is at an address, or in the page itself. */
export async function pageStart() {
  const section = document.querySelector("[data-browser-check]");
  if (!section) return;
  const files = document.querySelector("[data-file-check]");
  const broken = document.querySelector("[data-break-it]");
  let material;
  try {
    [material] = await Promise.all([materialOf(section), saidStart(section.dataset.said)]);
  } catch (error) {
    section.querySelector("[data-slot=error]").textContent = String(error.message ?? error);
    stateShow(section, "failed");
    return;
  }
  const session = await browserCheckStart(section, material);
  if (files) fileCheckStart(files, session);
  if (broken && session) breakItStart(broken, session);
}

async function materialOf(section) {
  const inside = document.querySelector("#kettle-material");
  if (inside) return JSON.parse(inside.textContent);
  const answer = await fetch(section.dataset.material, { credentials: "same-origin", cache: "no-store" });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}
