/** Was built what was asked for? `inquiry.request` is the site's own record; null: there is none. */

import { digestSame, isGitObject } from "./digests.js";
import { PROVENANCE } from "./documents.js";
import { CheckFailed, CheckImpossible, NotAsked, passed, step } from "./outcomes.js";
import { CLOCK_TOLERANCE } from "./statement-checks.js";
import { isoFormat } from "./times.js";
import { addressNormal } from "./urls.js";

export const REPOSITORY = "request.repository";
export const REF = "request.ref";

function asked({ request }) {
  if (request === null) throw new NotAsked("request.none", "claimed: there is no record of a request");
  if (request.claimed) {
    throw new NotAsked("request.claimed", "claimed: the bundle was imported, this site did not ask for the build");
  }
  return request;
}

function upload(inquiry) {
  const request = asked(inquiry);
  if (request.repo_url) throw new NotAsked("request.not-upload", "the source was cloned by the builder, not uploaded");
  return request;
}

function repository(inquiry) {
  const { repo_url: expected } = asked(inquiry);
  if (!expected) throw new NotAsked("request.upload", "claimed: the source was uploaded, its origin is what its own .git says");
  const actual = inquiry.statement.sourceUri;
  if (addressNormal(actual) !== addressNormal(expected)) {
    throw new CheckFailed("request.repository-differs", "another repository was built", { expected, actual });
  }
  return passed({ expected, actual });
}

function ref(inquiry) {
  const request = asked(inquiry);
  if (!request.repo_url) throw new NotAsked("request.upload", "claimed: the source was uploaded, its commit is what its own .git says");
  const wanted = new Set(request.resolved_commit ? [request.resolved_commit] : []);
  if (isGitObject(request.repo_ref.toLowerCase())) wanted.add(request.repo_ref.toLowerCase());
  if (wanted.size === 0) {
    const name = request.repo_ref || "the default branch";
    throw new NotAsked("request.unresolved", `unchecked: it was not established what ${name} pointed to at the time`);
  }
  const actual = inquiry.statement.gitCommit;
  const commits = [...wanted].sort();
  for (const expected of commits) {
    if (expected !== actual) throw new CheckFailed("request.commit-differs", "another commit was built", { expected, actual });
  }
  return passed({ expected: commits.join(", "), actual });
}

function gitTree(inquiry) {
  const { git_tree: expected } = upload(inquiry);
  if (!expected) throw new CheckImpossible("request.no-tree", "the git tree of the uploaded files is not on record");
  const actual = inquiry.statement.gitTree;
  if (expected !== actual) {
    const message = "the commit that the build names does not hold the files that were uploaded";
    throw new CheckFailed("request.tree-differs", message, { expected, actual });
  }
  return passed({ expected, actual });
}

function lockfile(inquiry) {
  const { lockfile_sha256: expected } = upload(inquiry);
  if (!expected) throw new CheckImpossible("request.no-lockfile", "the digest of the uploaded lockfile is not on record");
  const actual = inquiry.statement.lockfileText;
  if (!digestSame(expected, actual, "sha256")) {
    const message = "another lockfile was used than the one that was uploaded";
    throw new CheckFailed("request.lockfile-differs", message, { expected, actual });
  }
  return passed({ expected, actual });
}

function times({ statement, nonceMadeAt: made, receivedAt: received }) {
  if (made === null && received === null) throw new NotAsked("times.no-record", "there are no times of a request on record");
  const started = statement.startedOn;
  const finished = statement.finishedOn ?? started;
  if (made !== null && made.us - started.us > CLOCK_TOLERANCE) {
    const seen = { expected: `after ${isoFormat(made)}`, actual: isoFormat(started) };
    throw new CheckFailed("times.before-request", "the build began before it was asked for", seen);
  }
  if (received !== null && finished.us - received.us > CLOCK_TOLERANCE) {
    const seen = { expected: `before ${isoFormat(received)}`, actual: isoFormat(finished) };
    throw new CheckFailed("times.after-receipt", "the build ended after its result was received", seen);
  }
  const between = `between ${made ? isoFormat(made) : "any time"} and ${received ? isoFormat(received) : "now"}`;
  return passed({ expected: between, actual: `${isoFormat(started)} to ${isoFormat(finished)}` });
}

export const REQUEST_STEPS = [
  step(REPOSITORY, "request", repository, [PROVENANCE]),
  step(REF, "request", ref, [PROVENANCE]),
  step("request.git-tree", "request", gitTree, [PROVENANCE]),
  step("request.lockfile", "request", lockfile, [PROVENANCE]),
  step("request.times", "request", times, [PROVENANCE]),
];
