/**
 * Entry of `verifier.html`, the verifier as a file of its own: reads a result (tarball, or provenance.json and evidence.json), a portable
 * proof (HTML or ZIP), or the documents of a link, and shows the same sections as a share page. It asks the network for nothing but the
 * address that the reader gives it.
 */

import { base64Encode, hexEncode, utf8Encode } from "../verify/bytes.js";
import { Sha256 } from "../verify/sha256.js";
import { looksLikeGzip, tarGzEntries } from "../verify/tar-entries.js";
import { looksLikeZip, zipEntries } from "../verify/zip-entries.js";
import { breakItStart } from "./break-it.js";
import { fileCheckStart } from "./file-check.js";
import { textOf } from "./texts.js";
import { browserCheckStart } from "./verify-page.js";

/** Bytes of a document or proof that are read; provenance.json has at most 16 MiB, and a proof holds it as base64. */
const DOCUMENT_LIMIT = 64 * 2 ** 20;
const DOCUMENTS = ["provenance.json", "evidence.json"];
const LEAF = /[^/]*$/;

class Unreadable extends Error {}

const form = document.querySelector("[data-verifier]");
const problem = form.querySelector("[data-slot=problem]");

/** What was given: documents by name, digests of other files, and the material that a proof or link brought. */
function nothingGiven() {
  return { documents: new Map(), artifacts: null, material: null };
}

async function filesRead(files) {
  const given = nothingGiven();
  for (const file of files) await fileRead(file, given);
  return given;
}

async function fileRead(file, given) {
  const head = new Uint8Array(await file.slice(0, 4).arrayBuffer());
  if (looksLikeGzip(head)) return tarballRead(file, given);
  if (DOCUMENTS.includes(file.name)) return documentKeep(given, file.name, await bytesRead(file));
  if (looksLikeZip(head)) return zipRead(await bytesRead(file), given);
  if (/\.html?$/i.test(file.name)) return proofRead(new TextDecoder().decode(await bytesRead(file)), given);
  return artifactKeep(given, file.name, await fileHash(file));
}

async function bytesRead(file) {
  if (file.size > DOCUMENT_LIMIT) throw new Unreadable(textOf(form, "large", { name: file.name }));
  return new Uint8Array(await file.arrayBuffer());
}

function documentKeep(given, name, bytes) {
  given.documents.set(name, bytes);
}

function artifactKeep(given, name, { hex, size }) {
  given.artifacts ??= new Map();
  given.artifacts.set(name, [...(given.artifacts.get(name) ?? []), { hex, size }]);
}

/** Constant memory, whatever the size. */
async function fileHash(file) {
  const hash = new Sha256();
  const reader = file.stream().getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) hash.update(piece.value);
  return { hex: hexEncode(hash.digest()), size: file.size };
}

/** A result: the documents, and beside them or in `artifacts/` the files. */
async function tarballRead(file, given) {
  const isDocument = (name) => DOCUMENTS.includes(LEAF.exec(name)[0]);
  const entries = await tarGzEntries(file.stream(), { keep: isDocument });
  const provenance = entries.find((entry) => LEAF.exec(entry.name)[0] === DOCUMENTS[0]);
  if (!provenance) throw new Unreadable(textOf(form, "noDocuments", { name: file.name }));
  const folder = provenance.name.replace(LEAF, "");
  given.artifacts ??= new Map();
  for (const entry of entries) {
    const name = LEAF.exec(entry.name)[0];
    const place = entry.name.replace(LEAF, "");
    if (place === folder && DOCUMENTS.includes(name)) documentKeep(given, name, entry.bytes);
    else if (place === folder || place === `${folder}artifacts/`) artifactKeep(given, name, entry);
  }
}

async function zipRead(bytes, given) {
  const found = await zipEntries(bytes, (name) => /(^|\/)(proof\.html|provenance\.json|evidence\.json)$/.test(name));
  const proof = [...found].find(([name]) => name.endsWith("proof.html"));
  if (proof) return proofRead(new TextDecoder().decode(proof[1]), given);
  for (const [name, data] of found) documentKeep(given, LEAF.exec(name)[0], data);
  return undefined;
}

/** Out of a proof only its data are taken, which hold no «<»; the page itself is not even parsed. */
function proofRead(html, given) {
  const data = /<script [^<>]*id="kettle-material"[^<>]*>([^<]*)<\/script>/.exec(html);
  if (!data) throw new Unreadable(textOf(form, "noProof"));
  given.material = JSON.parse(data[1]);
}

/** The documents of a link, from the address that the reader gave. Cookies are not sent. */
async function linkRead(text) {
  const address = new URL(text.trim());
  const found = /^(.*\/s\/[\w-]+)(?:\/.*|\.json)?$/.exec(address.origin + address.pathname);
  if (!found) throw new Unreadable(textOf(form, "noLink"));
  const given = nothingGiven();
  const fetched = async (url) => {
    const answer = await fetch(url, { credentials: "omit", cache: "no-store", referrerPolicy: "no-referrer" });
    if (!answer.ok) throw new Unreadable(textOf(form, "linkClosed", { status: answer.status }));
    return answer;
  };
  try {
    given.material = await (await fetched(`${found[1]}/material.json`)).json();
    for (const [name, document] of Object.entries(given.material.documents)) {
      if (!document?.url) continue;
      const url = new URL(document.url, `${found[1]}/`);
      if (url.origin !== address.origin) throw new Unreadable(textOf(form, "noLink"));
      documentKeep(given, `${name}.json`, new Uint8Array(await (await fetched(url)).arrayBuffer()));
    }
  } catch (error) {
    if (error instanceof Unreadable) throw error;
    throw new Unreadable(textOf(form, "linkUnreachable", { proof: `${found[1]}/proof.html` }));
  }
  return given;
}

/** A material of what was given. What the proof or link says of the site's verdict stands beside ours; its anchors would not be read. */
function materialOf({ documents, material }) {
  const made = material ?? { documents: { provenance: null, evidence: null }, hidden: [], policy: null, request: null, server: null };
  for (const name of ["provenance", "evidence"]) {
    const bytes = documents.get(`${name}.json`);
    if (bytes) made.documents[name] = { base64: base64Encode(bytes), sha256: made.documents[name]?.sha256 };
  }
  const nonce = form.elements.nonce.value.replace(/[\s:]/g, "").toLowerCase();
  if (nonce && !/^[0-9a-f]{32}$/.test(nonce)) throw new Unreadable(textOf(form, "noNonce"));
  return {
    received_at: null, nonce_made_at: null, endpoint_attests: false, collateral: null, ...made, nonce_hex: nonce || (made.nonce_hex ?? ""),
  };
}

async function check(read) {
  problem.textContent = "";
  try {
    const given = await read();
    if (given.documents.size === 0 && given.material === null) throw new Unreadable(textOf(form, "nothing"));
    const material = materialOf(given);
    const section = document.querySelector("[data-browser-check]");
    document.querySelector("[data-found]").hidden = false;
    form.hidden = true;
    const session = await browserCheckStart(section, material, given.artifacts ? { artifacts: given.artifacts } : {});
    fileCheckStart(document.querySelector("[data-file-check]"), session);
    if (session) breakItStart(document.querySelector("[data-break-it]"), session);
    document.querySelector("[data-found] h2").scrollIntoView({ block: "nearest" });
  } catch (error) {
    problem.textContent = error instanceof Unreadable ? error.message : textOf(form, "unreadable", { why: error.message });
  }
}

function start() {
  const worker = document.querySelector("#kettle-worker").textContent;
  const address = URL.createObjectURL(new Blob([utf8Encode(worker)], { type: "text/javascript" }));
  document.querySelector("[data-file-check]").dataset.worker = address;
  const input = form.elements.files;
  input.addEventListener("change", () => check(() => filesRead([...input.files])));
  form.addEventListener("dragover", (event) => event.preventDefault());
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    check(() => filesRead([...event.dataTransfer.files]));
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    check(() => linkRead(form.elements.link.value));
  });
  document.querySelector("[data-another]").addEventListener("click", () => location.reload());
  form.hidden = false;
}

start();
