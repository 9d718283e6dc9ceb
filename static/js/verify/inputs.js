/** Do the inputs agree with the root that the document states over them? */

import { hexEncode } from "./bytes.js";
import { dependencyContradiction } from "./dependencies.js";
import { PROVENANCE } from "./documents.js";
import { merkleLeaves, merkleRoot } from "./merkle.js";
import { CheckFailed, CheckImpossible, passed, step } from "./outcomes.js";
import { ProvenanceError } from "./provenance-error.js";
import { quoted } from "./texts.js";

function merkle({ statement }) {
  if (!statement.merkleRoot) throw new CheckFailed("inputs.no-root", "the document states no root over its inputs");
  let leaves;
  try {
    leaves = merkleLeaves(statement);
  } catch (error) {
    throw error instanceof ProvenanceError ? new CheckImpossible(error.code, error.message) : error;
  }
  const expected = hexEncode(merkleRoot(leaves));
  const actual = statement.merkleRoot;
  if (expected === actual) return passed({ expected, actual: `${actual} over ${leaves.length} entries` });
  if (statement.toolchain === "pnpm") {
    // No real document of this toolchain has been seen, so a difference may as well be our fault.
    const message = "the order in which Kettle takes the inputs of pnpm builds is not established";
    throw new CheckImpossible("inputs.pnpm-order", message);
  }
  const message = "the inputs do not give the root that the document states: it contradicts itself";
  throw new CheckFailed("inputs.root-differs", message, { expected, actual });
}

function dependencies({ statement }) {
  let unknown = 0;
  for (const dependency of statement.dependencies) {
    const contradiction = dependencyContradiction(dependency);
    if (contradiction) {
      const message = `the dependency ${quoted(dependency.name, 120)}: ${contradiction}`;
      throw new CheckFailed("inputs.contradiction", message, { actual: dependency.uri });
    }
    if (!dependency.said.ecosystem) unknown++;
  }
  const count = statement.dependencies.length;
  const aside = unknown > 0 ? `; ${unknown} addresses of a form that is not known here were not compared` : "";
  return passed({ actual: `${count - unknown} of ${count} addresses agree with name and digest${aside}` });
}

export const INPUT_STEPS = [
  step("inputs.merkle-root", "inputs", merkle, [PROVENANCE]),
  step("inputs.dependencies", "inputs", dependencies, [PROVENANCE]),
];
