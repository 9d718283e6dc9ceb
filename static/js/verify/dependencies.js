/**
 * Addresses of dependencies, read leniently: they look like package URLs but are not always valid ones. What a form does not say stays
 * empty: `{ ecosystem, name, version, algorithm, text }`.
 */

import { digestSame } from "./digests.js";
import { cut, quoted } from "./texts.js";

/** Of an address of an unknown form, `ecosystem` is empty. */
function said({ ecosystem = "", name = "", version = "", algorithm = "", text = "" } = {}) {
  return { ecosystem, name, version, algorithm, text };
}

export function dependencyUriParse(uri) {
  const [body, query] = partition(uri, "?");
  if (body.startsWith("pkg:cargo/")) return cargo(body.slice(10), query);
  if (body.startsWith("pkg:npm/")) {
    const [name, version] = nameVersion(body.slice(8));
    const text = query.startsWith("checksum=") ? query.slice(9) : "";
    return said({ ecosystem: "npm", name, version, algorithm: text.includes("-") ? partition(text, "-")[0] : "", text });
  }
  if (body.startsWith("pkg:nix-fetch/")) {
    const [algorithm, text] = query.startsWith("hash=") ? partition(query.slice(5), ":") : ["", ""];
    return said({ ecosystem: "nix", name: body.slice(14), algorithm, text });
  }
  if (body.startsWith("https://codeload.github.com/")) return said({ ecosystem: "npm", text: uri.slice(uri.lastIndexOf("/") + 1) });
  return said();
}

function cargo(body, query) {
  const [name, version] = nameVersion(body);
  if (query.startsWith("checksum=")) {
    const [algorithm, text] = partition(query.slice(9), ":");
    return said({ ecosystem: "cargo", name, version, algorithm, text });
  }
  if (query.startsWith("vcs_url=git+")) {
    const source = query.slice(12);
    return said({ ecosystem: "cargo", name, version, algorithm: "gitCommit", text: source.slice(source.lastIndexOf("@") + 1) });
  }
  return said({ ecosystem: "cargo", name, version });
}

/** Cut at the last `@` that is not the first letter (of an npm scope). */
function nameVersion(body) {
  const at = body.lastIndexOf("@");
  return at <= 0 ? [body, ""] : [body.slice(0, at), body.slice(at + 1)];
}

/** What is before and behind the first separator; without one, all of it and nothing. */
function partition(text, separator) {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}

/**
 * How a dependency's address contradicts the name or digest beside it; empty: it does not. An unknown form cannot contradict; a known one
 * must hold the digest, because the Merkle root covers only addresses. nix and pnpm write any hash under `sha256` or `sha512`, so there
 * the texts are compared and not the algorithms' names.
 */
export function dependencyContradiction({ uri, name, algorithm, text }) {
  const stated = dependencyUriParse(uri);
  // Of the known forms only the address of a commit's tarball has no place for a name.
  if (stated.name !== name && (stated.name || (stated.ecosystem && uri.startsWith("pkg:")))) {
    return `the address names ${quoted(stated.name, 120)}, the entry ${quoted(name, 120)}`;
  }
  if (stated.ecosystem === "cargo" && stated.text && stated.algorithm !== algorithm) {
    return `the address has a ${cut(stated.algorithm, 20)}, the entry a ${algorithm}`;
  }
  if (stated.text) {
    const known = ["sha1", "sha256", "sha384", "sha512"].includes(stated.algorithm) ? stated.algorithm : "";
    const same = digestSame(stated.text, text, known);
    return same ? "" : `the address says ${quoted(stated.text, 140)}, the entry ${quoted(text, 140)}`;
  }
  return stated.ecosystem ? "the address holds no digest" : "";
}
