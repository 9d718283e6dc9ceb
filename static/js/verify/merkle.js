/**
 * The root over a build's inputs, as the provenance's `input_merkle_root` states it. Leaves are SHA-256 of each entry's UTF-8 text; an
 * inner node is SHA-256(left || right) without a prefix; a node without a partner moves up unchanged. The order is frozen per toolchain.
 */

import { utf8Encode } from "./bytes.js";
import { ProvenanceError } from "./provenance-error.js";
import { sha256 } from "./sha256.js";
import { quoted } from "./texts.js";

/** The root over entries, 32 bytes. There always is one: source and tools come first. */
export function merkleRoot(leaves) {
  let level = leaves.map((leaf) => sha256(utf8Encode(leaf)));
  while (level.length > 1) {
    const above = [];
    for (let at = 0; at < level.length; at += 2) above.push(at + 1 < level.length ? sha256(level[at], level[at + 1]) : level[at]);
    level = above;
  }
  return level[0];
}

/** The entries that the root of a document covers, in the order of its toolchain. Throws `ProvenanceError`. */
export function merkleLeaves(statement) {
  const order = { cargo, nix, pnpm }[statement.toolchain];
  if (!order) throw new ProvenanceError("merkle.toolchain", "the order of inputs is not known for this toolchain");
  return order(statement);
}

function toolOf(statement, name) {
  const tool = statement.tools.get(name);
  if (!tool) throw new ProvenanceError("merkle.tool", `the document names no ${name}`);
  return [tool.digestText, tool.version];
}

function cargo(statement) {
  const tools = [...toolOf(statement, "rustc"), ...toolOf(statement, "cargo")];
  return [statement.gitCommit, statement.gitTree, ...tools, statement.lockfileText, ...statement.dependencies.map(({ uri }) => uri)];
}

function nix(statement) {
  const fetches = statement.dependencies.map(nixFetch);
  return [statement.gitCommit, statement.gitTree, statement.lockfileText, ...fetches, ...toolOf(statement, "nix")];
}

function nixFetch({ uri, name, said }) {
  if (said.ecosystem !== "nix" || !said.algorithm) {
    throw new ProvenanceError("merkle.dependency", `${quoted(uri, 120)} is not the address of a nix fetch`);
  }
  return `fetch:${name}:${said.algorithm}:${said.text}`;
}

function pnpm(statement) {
  const tools = [...toolOf(statement, "node"), ...toolOf(statement, "pnpm")];
  return [statement.gitCommit, statement.gitTree, ...tools, statement.lockfileText, ...statement.dependencies.map(({ uri }) => uri)];
}
