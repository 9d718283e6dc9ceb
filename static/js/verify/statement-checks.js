/** Is the document a build provenance of Kettle, and does it agree with itself? */

import { isGitObject } from "./digests.js";
import { PROVENANCE } from "./documents.js";
import { CheckFailed, passed, require, step } from "./outcomes.js";
import { BUILD_TYPES, PREDICATE_TYPE, STATEMENT_TYPE } from "./statement.js";
import { isoFormat } from "./times.js";
import { urlSplit } from "./urls.js";

/** How far two honest clocks may lie apart, in microseconds: five minutes. */
export const CLOCK_TOLERANCE = 300_000_000n;

function types({ statement }) {
  const seen = { expected: `${STATEMENT_TYPE}, ${PREDICATE_TYPE}`, actual: `${statement.typeUri}, ${statement.predicateType}` };
  require(statement.typeUri === STATEMENT_TYPE, "provenance.statement-type", "it is no in-toto Statement v1", seen);
  const slsa = statement.predicateType === PREDICATE_TYPE;
  require(slsa, "provenance.predicate-type", "its predicate is no SLSA provenance v1", seen);
  return passed(seen);
}

function builder({ statement }) {
  const { builderId, buildType, toolchain } = statement;
  const address = urlSplit(builderId);
  const named = address !== null && address.scheme !== "" && (address.netloc !== "" || address.path !== "");
  require(named, "provenance.builder-id", "the builder's name is not an address", { actual: builderId });
  require(BUILD_TYPES.has(buildType), "provenance.build-type", "the build type is not known", { actual: buildType });
  const tools = { actual: [...statement.tools.keys()].join(", ") };
  require(toolchain !== "", "provenance.toolchain", "its tools are of no known toolchain", tools);
  const expected = BUILD_TYPES.get(buildType);
  const failure = "the build type and the tools are of different toolchains";
  require(!expected || expected === toolchain, "provenance.build-type-tools", failure, { expected, actual: toolchain });
  return passed({ actual: `${builderId}, ${buildType}` });
}

function source({ statement }) {
  for (const [what, text] of [["commit", statement.gitCommit], ["tree", statement.gitTree]]) {
    const seen = { expected: "40 or 64 lower-case hex digits", actual: text };
    require(isGitObject(text), `provenance.git-${what}`, `the ${what} is not a full git object name`, seen);
  }
  const lockfile = { actual: statement.lockfileText };
  require(statement.lockfileSha256 !== "", "provenance.lockfile", "the lockfile's digest is no SHA-256", lockfile);
  return passed({ actual: `commit ${statement.gitCommit}, tree ${statement.gitTree}` });
}

function times({ statement, now }) {
  const { startedOn: started, finishedOn: finished } = statement;
  if (finished !== null && finished.us < started.us) {
    const seen = { expected: `after ${isoFormat(started)}`, actual: isoFormat(finished) };
    throw new CheckFailed("times.order", "the build ended before it began", seen);
  }
  const latest = finished ?? started;
  const seen = { expected: `before ${isoFormat(now)}`, actual: isoFormat(latest) };
  require(latest.us - now.us <= CLOCK_TOLERANCE, "times.future", "the build lies in the future", seen);
  return passed({ actual: `${isoFormat(started)} to ${finished === null ? "an end that is not stated" : isoFormat(finished)}` });
}

export const STATEMENT_STEPS = [
  step("provenance.types", "provenance", types, [PROVENANCE]),
  step("provenance.builder", "provenance", builder, [PROVENANCE]),
  step("provenance.source", "provenance", source, [PROVENANCE]),
  step("provenance.times", "provenance", times, [PROVENANCE]),
];
