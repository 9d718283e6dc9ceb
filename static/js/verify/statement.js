/**
 * A provenance document as a value: in-toto Statement v1 around SLSA build provenance v1, as Kettle writes it. Reading is strict about the
 * shape and judges nothing of what the document says.
 */

import { dependencyUriParse } from "./dependencies.js";
import { sha256Hex } from "./digests.js";
import { ProvenanceError } from "./provenance-error.js";
import { sha256 } from "./sha256.js";
import { strictJsonParse } from "./strict-json.js";
import { quoted } from "./texts.js";
import { timeParse } from "./times.js";

export const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";
export const PREDICATE_TYPE = "https://slsa.dev/provenance/v1";
/** Every build type that Kettle has written, and the toolchain that it names (empty: any). */
export const BUILD_TYPES = new Map([
  ["https://lunal.dev/kettle/cargo@v1", "cargo"], ["https://lunal.dev/kettle/nix@v1", "nix"],
  ["https://lunal.dev/kettle/pnpm@v1", "pnpm"], ["https://confidential.ai/attested-builds/v1", ""],
]);
/** Bytes. The largest known document has 143 kB. */
const DOCUMENT_LIMIT = 16 * 1024 * 1024;
/** Which tools make a toolchain. */
const TOOLCHAINS = [["cargo", ["cargo", "rustc"]], ["nix", ["nix"]], ["pnpm", ["pnpm", "node"]]];

/** Reads a document of at most 16 MiB. Throws `ProvenanceError`, and nothing else, for whatever bytes. */
export function statementParse(data) {
  const document = strictJsonParse(data, { maxBytes: DOCUMENT_LIMIT, what: "provenance.json" });
  if (!(document instanceof Map)) throw new ProvenanceError("statement.shape", "provenance.json is not an object");
  const definition = objectAt(document, "predicate", "buildDefinition");
  const external = objectAt(definition, "externalParameters");
  const internal = objectAt(definition, "internalParameters");
  const details = objectAt(document, "predicate", "runDetails");
  const metadata = objectAt(details, "metadata");
  const tools = new Map(Array.from(objectAt(internal, "toolchain"), ([name, value]) => [name, toolRead(name, value)]));
  const lockfileText = textAt(internal, "lockfileHash", "sha256");
  const finished = metadata.get("finishedOn") ?? null;
  return {
    raw: data, document, rawSha256: sha256(data), tools, toolchain: toolchainOf(tools),
    typeUri: textAt(document, "_type"),
    predicateType: textAt(document, "predicateType"),
    buildType: textAt(definition, "buildType"),
    buildCommand: textAt(external, "buildCommand"),
    sourceUri: textAt(external, "source", "uri"),
    gitCommit: textAt(external, "source", "digest", "gitCommit"),
    gitTree: textAt(external, "source", "digest", "gitTree"),
    lockfileText,
    lockfileSha256: sha256Hex(lockfileText),
    dependencies: listAt(definition, "resolvedDependencies").map(dependencyRead),
    builderId: textAt(details, "builder", "id"),
    merkleRoot: merkleRootOf(listAt(details, "byproducts")),
    invocationId: textAt(metadata, "invocationId"),
    startedOn: timeParse(textAt(metadata, "startedOn")),
    finishedOn: finished === null ? null : timeParse(textAt(metadata, "finishedOn")),
    subjects: listAt(document, "subject").map(subjectRead),
  };
}

function toolRead(name, value) {
  if (!(value instanceof Map)) throw new ProvenanceError("statement.shape", `the tool ${quoted(name, 60)} is not an object`);
  return { version: textAt(value, "version"), digestText: textAt(value, "digest", "sha256") };
}

/** Which toolchain follows from the tools' names, in every generation of build types; two at once are none. */
function toolchainOf(tools) {
  const found = TOOLCHAINS.filter(([, needed]) => needed.every((name) => tools.has(name)));
  return found.length === 1 ? found[0][0] : "";
}

function dependencyRead(item) {
  const uri = textAt(item, "uri");
  const name = textAt(item, "name");
  const pairs = digestPairs(item);
  if (pairs.length !== 1) {
    throw new ProvenanceError("statement.digest", `the dependency ${quoted(name, 60)} has ${pairs.length} digests, not one`);
  }
  const [[algorithm, text]] = pairs;
  return { uri, name, algorithm, text, said: dependencyUriParse(uri) };
}

function subjectRead(item) {
  const digests = digestPairs(item);
  return { name: textAt(item, "name"), sha256: sha256Hex(new Map(digests).get("sha256") ?? ""), digests };
}

function merkleRootOf(byproducts) {
  const found = byproducts.filter((item) => item instanceof Map && item.get("name") === "input_merkle_root");
  if (found.length > 1) throw new ProvenanceError("statement.merkle-root", "the document states two roots over its inputs");
  return found.length === 1 ? textAt(found[0], "digest", "sha256") : "";
}

/** Algorithm and text of all that an entry's `digest` holds, in the document's order. */
function digestPairs(value) {
  const digest = objectAt(value, "digest");
  return Array.from(digest.keys(), (algorithm) => [algorithm, textAt(digest, algorithm)]);
}

function at(value, path) {
  let found = value;
  path.forEach((key, depth) => {
    if (!(found instanceof Map)) {
      throw new ProvenanceError("statement.shape", `${path.slice(0, depth).join(".") || "an entry"} is not an object`);
    }
    if (!found.has(key)) throw new ProvenanceError("statement.missing", `${path.slice(0, depth + 1).join(".")} is missing`);
    found = found.get(key);
  });
  return found;
}

function objectAt(value, ...path) {
  const found = at(value, path);
  if (!(found instanceof Map)) throw new ProvenanceError("statement.shape", `${path.join(".")} is not an object`);
  return found;
}

function listAt(value, ...path) {
  const found = at(value, path);
  if (!Array.isArray(found)) throw new ProvenanceError("statement.shape", `${path.join(".")} is not a list`);
  return found;
}

function textAt(value, ...path) {
  const found = at(value, path);
  if (typeof found !== "string") throw new ProvenanceError("statement.shape", `${path.join(".")} is not a string`);
  return found;
}
