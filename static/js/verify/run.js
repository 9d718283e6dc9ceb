/**
 * All checks of one bundle, in their order, and the two judgements that follow: now, and as of the build.
 *
 * 1. The evidence can be read, and the platform's procedure leads from the vendor's root to the signed field. 2. The provenance can be
 * read. 3. The signed field covers the document and the nonce. 4. The builder image is on the allow-list, and what else the policy demands
 * holds. 5. The document is a build provenance and agrees with itself. 6. It is what was asked for. 7. Its inputs give its root. 8. Its
 * files match.
 */

import { collateralVeks } from "./amd-chain.js";
import { bindingSteps } from "./binding.js";
import { hexEncode } from "./bytes.js";
import { demandSteps } from "./demands.js";
import { EVIDENCE, EVIDENCE_STEP, PROVENANCE_STEP } from "./documents.js";
import { Executor } from "./executor.js";
import { DIGESTS, FILE_STEPS, resultsShown } from "./files.js";
import { headline } from "./headline.js";
import { IMAGE_STEPS } from "./image.js";
import { INPUT_STEPS } from "./inputs.js";
import { procedureFor } from "./platforms.js";
import { entryFor } from "./policy.js";
import { REQUEST_STEPS } from "./request.js";
import { sha256 } from "./sha256.js";
import { STATEMENT_STEPS } from "./statement-checks.js";
import { isoFormat } from "./times.js";
import { verdictOf } from "./verdict.js";

/** The report on a bundle: `README.md`, «Output». `question` is what `index.js` made of a page's input. Never throws for a bundle. */
export async function runChecks(question, onCheck = null) {
  const today = await judge({ ...question, judgedAt: question.now }, onCheck);
  let asOfBuild = null;
  const { statement } = today.inquiry;
  if (statement !== null) {
    // The claim is bounded by what we know: nothing was built after we look at it, or after its result came.
    const claimed = statement.finishedOn ?? statement.startedOn;
    const bounds = [claimed, question.now, question.receivedAt ?? question.now];
    const judgedAt = bounds.reduce((least, one) => (one.us < least.us ? one : least));
    asOfBuild = (await judge({ ...question, judgedAt, statement })).judgement;
  }
  return report(today, asOfBuild);
}

async function judge(question, onCheck = null) {
  const inquiry = {
    statement: null, platform: "", evidence: null, signedField: null, claims: {}, signedData: null, policyEntry: null,
    artifactResults: null, ...question,
  };
  const executor = new Executor(onCheck);
  await executor.run(EVIDENCE_STEP, inquiry);
  const { title, codes, context } = await attestation(executor, inquiry);
  if (context !== null) {
    inquiry.signedField = context.signedData;
    inquiry.claims = context.claims;
  }
  const own = [
    PROVENANCE_STEP, ...bindingSteps(codes), ...IMAGE_STEPS, ...demandSteps(inquiry.policy), ...STATEMENT_STEPS, ...REQUEST_STEPS,
    ...INPUT_STEPS, ...FILE_STEPS,
  ];
  for (const step of own) await executor.run(step, inquiry);
  const { checks } = executor;
  const anchor = context?.anchor ?? null;
  const verdict = verdictOf(checks, { hasEvidence: inquiry.evidenceBytes !== null, anchorKind: anchor?.kind ?? "" });
  const judgement = { verdict, at: isoFormat(inquiry.judgedAt), headline: headline(verdict, checks, inquiry, title) };
  return { inquiry, checks, title, anchor, judgement };
}

/** Runs the platform's procedure; gives its title, the codes that signed data rests on, and what it found. */
async function attestation(executor, inquiry) {
  if (!executor.passed(EVIDENCE)) return { title: "", codes: [], context: null };
  const procedure = procedureFor(inquiry.platform);
  const context = contextFor(inquiry);
  for (const step of procedure.steps) {
    const demanded = step.restsOnCollateral && inquiry.policy.requiredCollateral;
    await executor.run(demanded ? { ...step, required: true } : step, context);
  }
  // Dates are judged in rows of their own: an expired certificate does not change what was signed.
  const codes = procedure.steps.filter((step) => step.required && !step.code.endsWith(".validity")).map((step) => step.code);
  return { title: procedure.title, codes, context };
}

/** What a procedure's steps work on and fill. `signedData`, `anchor` and `claims` are filled only by steps that authenticated them. */
function contextFor(inquiry) {
  return {
    evidence: inquiry.evidence, anchors: inquiry.anchors, veks: collateralVeks(inquiry.collateral),
    now: () => inquiry.judgedAt,
    minimumTcbFor: (claims, now) => entryFor(inquiry.policy, inquiry.platform, claims, now)?.minimumTcb ?? null,
    signedData: null, anchor: null, claims: {}, vekBytes: null, vekMissing: "", eventLogBytes: null, tdQuote: null,
  };
}

function report({ inquiry, checks, title, anchor, judgement }, asOfBuild) {
  const { signedData, policyEntry: entry, statement } = inquiry;
  return {
    verdict: judgement.verdict, headline: judgement.headline, now: judgement, as_of_build: asOfBuild,
    platform: inquiry.platform, platform_title: title, anchor_name: anchor?.name ?? "", anchor_kind: anchor?.kind ?? "",
    checks,
    artifacts: resultsShown(inquiry, checks.find((check) => check.code === DIGESTS).reason),
    claims: inquiry.claims,
    signed_data: signedData && {
      layout: signedData.layout, title: signedData.title, length: signedData.data.length, hex: hexEncode(signedData.data),
      nonce_hex: hexEncode(signedData.nonce),
    },
    subjects: statement?.subjects.map(({ name, sha256: hex }) => ({ name, sha256: hex })) ?? [],
    provenance_sha256: digestHex(inquiry.provenanceBytes), evidence_sha256: digestHex(inquiry.evidenceBytes),
    policy_version: inquiry.policy.version,
    policy_entry: entry && { name: entry.name, platform: entry.platform, pinned_by: entry.pinned_by, reason: entry.reason },
  };
}

function digestHex(bytes) {
  return bytes === null ? "" : hexEncode(sha256(bytes));
}
