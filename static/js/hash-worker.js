/**
 * Hashes a file beside the page, so that the page stays usable: a module worker.
 *
 * `postMessage({ file })` → `{ done, total }` (bytes) now and then → `{ hex, size }`, or `{ error }` (a sentence of the browser's).
 * `postMessage({ file, look: true })`: a gzip-compressed tarball is also looked into: `{ hex, size, entries: [{ name, size, hex }] }`;
 * with `documents: true` the bytes of provenance.json and evidence.json in it come too. `entriesError`: why it could not be looked into.
 * The page cancels by `postMessage({ cancel: true })`, after which nothing more is said of that file, or by `terminate()`. Nothing leaves the machine: this file makes no request.
 */

import { hexEncode } from "./verify/bytes.js";
import { Sha256 } from "./verify/sha256.js";
import { looksLikeGzip, tarGzEntries } from "./verify/tar-entries.js";

/** Bytes read at a time: constant memory, whatever the file's size. */
const CHUNK = 4 * 2 ** 20;
const DOCUMENTS = /(^|\/)(provenance|evidence)\.json$/;

/** Goes up with each question and each cancel: who finds that it is no longer the newest stops. */
let newest = 0;

class Cancelled extends Error {}

async function hashFile(file, own) {
  const hash = new Sha256();
  for (let at = 0; at < file.size; at += CHUNK) {
    if (own !== newest) throw new Cancelled();
    hash.update(new Uint8Array(await file.slice(at, at + CHUNK).arrayBuffer()));
    postMessage({ done: Math.min(at + CHUNK, file.size), total: file.size });
  }
  return { hex: hexEncode(hash.digest()), size: file.size };
}

async function lookInto(file, documents) {
  const head = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  if (!looksLikeGzip(head)) return {};
  try {
    return { entries: await tarGzEntries(file.stream(), { keep: (name) => documents && DOCUMENTS.test(name) }) };
  } catch (error) {
    // A gzip file that is no tarball is a file like any other; its own digest still counts.
    return { entriesError: String(error.message ?? error) };
  }
}

addEventListener("message", async ({ data }) => {
  const own = ++newest;
  if (data.cancel) return;
  try {
    let found = await hashFile(data.file, own);
    if (data.look) found = { ...found, ...(await lookInto(data.file, data.documents === true)) };
    if (own === newest) postMessage(found);
  } catch (error) {
    if (own === newest) postMessage({ error: String(error.message ?? error) });
  }
});
