/** What the policy demands beyond a recognised image, one row for each demand; what it does not demand gives no row. */

import { LAYOUT } from "./binding.js";
import { hexEncode } from "./bytes.js";
import { isGitObject } from "./digests.js";
import { PROVENANCE } from "./documents.js";
import { CheckFailed, CheckImpossible, passed, step } from "./outcomes.js";
import { addressNormal } from "./urls.js";

function builderId({ policy, statement }) {
  return allowed("policy.builder-id", "the policy does not allow this builder", policy.allowedBuilderIds, statement.builderId);
}

function buildType({ policy, statement }) {
  return allowed("policy.build-type", "the policy does not allow this build type", policy.allowedBuildTypes, statement.buildType);
}

function allowed(code, failure, values, actual) {
  const expected = values.join(" or ");
  if (!values.includes(actual)) throw new CheckFailed(code, failure, { expected, actual });
  return passed({ expected, actual });
}

function nonce(inquiry) {
  const actual = hexEncode(inquiry.signedData.nonce);
  if (!actual) {
    const message = "the policy demands a nonce, and the evidence was made without one";
    throw new CheckFailed("policy.nonce", message, { actual: "zeros, or no place" });
  }
  if (!inquiry.nonceHex) throw new CheckImpossible("policy.nonce-unknown", "the policy demands a nonce, and none was given to compare with");
  const expected = inquiry.nonceHex.toLowerCase();
  if (actual !== expected) throw new CheckFailed("policy.nonce", "the evidence carries another nonce", { expected, actual });
  return passed({ expected, actual });
}

function repository({ policy, statement }) {
  const expected = policy.requiredSource.repository;
  const actual = statement.sourceUri;
  if (addressNormal(actual) !== addressNormal(expected)) {
    throw new CheckFailed("policy.repository", "the policy demands another repository", { expected, actual });
  }
  return passed({ expected, actual });
}

function ref({ policy, statement, request }) {
  const wanted = policy.requiredSource.ref;
  const actual = statement.gitCommit;
  if (isGitObject(wanted)) {
    if (wanted !== actual) throw new CheckFailed("policy.ref", "the policy demands another commit", { expected: wanted, actual });
    return passed({ expected: wanted, actual });
  }
  if (request === null || request.claimed || !request.repo_url || !request.resolved_commit) {
    const message = `there is no record of what ${wanted} pointed to when the build was asked for`;
    throw new CheckImpossible("policy.ref-unknown", message);
  }
  const asked = request.repo_ref.replace(/^refs\/heads\//, "").replace(/^refs\/tags\//, "");
  if (asked !== wanted && request.repo_ref !== wanted) {
    const seen = { expected: wanted, actual: request.repo_ref || "default branch" };
    throw new CheckFailed("policy.ref", "another branch or tag was asked for", seen);
  }
  if (request.resolved_commit !== actual) {
    throw new CheckFailed("policy.ref", "another commit was built", { expected: request.resolved_commit, actual });
  }
  return passed({ expected: `${wanted}, which was ${request.resolved_commit}`, actual });
}

/** One step for each thing that the policy demands. Collateral has none: demanding it makes rows of the platform required. */
export function demandSteps(policy) {
  const source = policy.requiredSource;
  const document = [PROVENANCE];
  return [
    [step("policy.builder-id", "provenance", builderId, document), policy.allowedBuilderIds.length > 0],
    [step("policy.build-type", "provenance", buildType, document), policy.allowedBuildTypes.length > 0],
    [step("policy.nonce", "signed-data", nonce, [LAYOUT]), policy.requiredNonce],
    [step("policy.repository", "request", repository, document), Boolean(source?.repository)],
    [step("policy.ref", "request", ref, document), Boolean(source?.ref)],
  ].filter(([, wanted]) => wanted).map(([one]) => one);
}
