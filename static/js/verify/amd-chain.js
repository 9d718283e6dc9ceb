/**
 * Steps about the chip key's certificate (VCEK or VLEK) and AMD's chain above it, the same for every AMD platform.
 *
 * The chain of the evidence (`ask`, `ark`) is never used: issuers come from the anchors. The anchor whose name stands in the certificate,
 * byte for byte, and whose key verifies its signature, alone decides whether this is hardware or simulated.
 */

import { anyBit, bytesEqual, hexBytes } from "./bytes.js";
import { certificateParse } from "./certificate.js";
import { CheckFailed, CheckImpossible, CheckSkipped, Malformed, passed, require, step } from "./outcomes.js";
import { p384Point, rsaPssSha384Verify } from "./signatures.js";
import { generationsPossible, levelsText } from "./snp-report.js";
import { isoFormat, utcText } from "./times.js";
import { VLEK, vekParse } from "./vek.js";

function parse(context) {
  const asked = context.vekBytes === null;
  // Empty bytes are no certificate either.
  context.vek = vekParse(context.vekBytes?.length ? context.vekBytes : vekFromCollateral(context));
  const { certificate } = context.vek;
  p384Point(certificate.spki);
  const origin = asked ? ", from the collateral" : "";
  return passed({ actual: `${certificate.subjectCommonName}, issued by ${certificate.issuerCommonName}${origin}` });
}

/** The VCEK that the evidence does not bring, by chip id and reported firmware level. A masked chip id cannot be asked for. */
function vekFromCollateral(context) {
  const { report } = context;
  if (!anyBit(report.chipId)) {
    const message = "There is no certificate of the chip key, and the report hides which chip it is.";
    throw new CheckFailed("vek.missing-and-masked", message);
  }
  if (((report.keyInfo >>> 2) & 7) === 1) {
    const message = "The evidence lacks the certificate of its VLEK, which only the cloud provider has.";
    throw new CheckImpossible("vek.missing-vlek", message);
  }
  const possible = generationsPossible(report);
  if (context.veks === null || possible.length !== 1) {
    throw new CheckImpossible("vek.missing", context.vekMissing || "The evidence has no certificate of the chip key.");
  }
  const found = context.veks.find((one) => bytesEqual(one.chipId, report.chipId) && bytesEqual(one.tcb, report.reportedTcb));
  if (!found) throw new CheckImpossible("collateral.none", "The collateral that was given holds no certificate of this chip key.");
  return found.der;
}

/** The chip certificates of a report's collateral; null: it has none. They are believed only when a pinned key signed them. */
export function collateralVeks(collateral) {
  const listed = collateral?.amd?.veks;
  if (!Array.isArray(listed) || listed.length === 0) return null;
  return listed.map((one) => ({ chipId: hexBytes(String(one.chip_id)), tcb: hexBytes(String(one.tcb)), der: hexBytes(String(one.der)) }));
}

async function signature(context) {
  const { certificate, kind } = context.vek;
  const role = kind === VLEK ? "asvk" : "ask";
  const named = context.anchors.filter((anchor) => ["ask", "asvk"].includes(anchor.role) && bytesEqual(anchor.subject, certificate.issuer));
  const fitting = named.filter((anchor) => anchor.role === role);
  const unknown = "The chip key's certificate was issued by nobody whom this program trusts.";
  require(named.length > 0, "vek.unknown-issuer", unknown, { actual: certificate.issuerCommonName });
  const wrongRole = `The issuer of the chip key's certificate does not issue any for a ${kind.toUpperCase()}.`;
  require(fitting.length > 0, "vek.wrong-role", wrongRole);
  for (const anchor of fitting) {
    try {
      await rsaPssSha384Verify(anchor.spki, certificate.signature, certificate.tbs, "vek.signature", "Not signed by it.");
    } catch (error) {
      if (error instanceof CheckFailed) continue;
      throw error;
    }
    context.anchor = anchor;
    context.claims.generation = anchor.generation;
    return passed({ expected: anchor.name, actual: certificate.issuerCommonName, anchor: anchor.name });
  }
  const failure = "The chip key's certificate names a trusted issuer, but that issuer did not sign it.";
  throw new CheckFailed("vek.signature", failure, { expected: fitting[0].name });
}

async function intermediate(context) {
  const { anchor } = context;
  const root = rootOf(context);
  if (anchor.certificate !== null && root.certificate !== null) {
    const certificate = pinned(anchor);
    const other = "The intermediate names another issuer than its root.";
    require(bytesEqual(certificate.issuer, root.subject), "chain.intermediate.issuer", other);
    const failure = "The root did not sign the intermediate.";
    await rsaPssSha384Verify(root.spki, certificate.signature, certificate.tbs, "chain.intermediate.signature", failure);
    return passed({ expected: "signed by the root", actual: "signature verified", anchor: anchor.name });
  }
  const unfollowed = "A test anchor without certificates cannot be followed to its root.";
  require(anchor.kind !== "test", "chain.intermediate.certificate", unfollowed);
  const text = `pinned certificate ${anchor.certificateSha256}`;
  return passed({ expected: text, actual: text, anchor: anchor.name });
}

async function root(context) {
  const found = rootOf(context);
  if (found.certificate !== null) {
    const certificate = pinned(found);
    const failure = "The root certificate is not signed by its own key.";
    await rsaPssSha384Verify(found.spki, certificate.signature, certificate.tbs, "chain.root.signature", failure);
  }
  const text = `pinned certificate ${found.certificateSha256}`;
  return passed({ expected: text, actual: text, anchor: found.name });
}

/** The anchor's own certificate, which must say what the anchor's data say. */
function pinned(anchor) {
  const certificate = certificateParse(anchor.certificate, `The certificate of ${anchor.name}`);
  if (!bytesEqual(certificate.subject, anchor.subject) || !bytesEqual(certificate.spki, anchor.spki)) {
    throw new Malformed("chain.anchor-data", `The certificate of ${anchor.name} is not the anchor's.`);
  }
  return certificate;
}

/** The ARK above the matching intermediate, of the same kind and generation. */
function rootOf({ anchor, anchors }) {
  const found = anchors.find(
    (one) => one.name === anchor.root && one.role === "ark" && one.kind === anchor.kind && one.generation === anchor.generation,
  );
  if (!found) throw new CheckFailed("chain.no-root", "The anchors hold no root above the chip key's issuer.");
  return found;
}

function vekValidity(context) {
  const { certificate } = context.vek;
  return valid("vek.validity", "The certificate of the chip key", certificate, context.now());
}

function chainValidity(context) {
  const rows = [context.anchor, rootOf(context)].map((one) => valid("chain.validity", one.name, one, context.now()));
  return passed({ expected: rows.map((row) => row.expected).join("; "), actual: rows[0].actual });
}

/** Throws `CheckFailed` unless `now` lies within the dates of a certificate. */
export function valid(code, what, { notBefore, notAfter }, now) {
  const seen = { expected: `${utcText(notBefore)} to ${utcText(notAfter)} UTC`, actual: isoFormat(now) };
  require(now.us >= notBefore.us, `${code}.early`, `${what} is not valid yet.`, seen);
  require(now.us <= notAfter.us, `${code}.expired`, `${what} is no longer valid.`, seen);
  return passed(seen);
}

/** AMD's revocation lists do not come with the evidence, and a browser cannot ask AMD for them. */
function revocation(context) {
  if (context.anchor.kind === "test") {
    throw new CheckSkipped("revocation.test-root", "nobody publishes a revocation list for the public test root");
  }
  throw new CheckSkipped("revocation.no-list", "no revocation list was given");
}

/** The reported level: the one that the chip key was derived for. */
function minimumTcb(context) {
  const wanted = context.minimumTcbFor(context.claims, context.now());
  if (wanted === null) throw new CheckSkipped("minimum-tcb.none", "no minimum firmware level was given");
  const { reported } = context.claims.tcb;
  const expected = levelsText(wanted);
  const seen = { expected, actual: levelsText(reported) };
  for (const [name, level] of Object.entries(wanted)) {
    const lacking = `A minimum is set for ${name}, which this processor's firmware lacks.`;
    require(Object.hasOwn(reported, name), "minimum-tcb.component", lacking, seen);
    require(reported[name] >= level, `minimum-tcb.${name}`, `The firmware level of ${name} is below the wanted one.`, seen);
  }
  return passed({ expected: `at least ${expected}`, actual: seen.actual });
}

/** From the certificate's bytes to the vendor's root. `after`: codes of the steps that found the bytes and parsed the report. */
export function chainSteps(prefix, after) {
  const code = (name) => `${prefix}.${name}`;
  const signed = [code("vek.signature")];
  return [
    step(code("vek.parse"), "chip-key", parse, after),
    step(code("vek.signature"), "chip-key", signature, [code("vek.parse")]),
    step(code("chain.intermediate"), "intermediate", intermediate, signed),
    step(code("chain.root"), "vendor-root", root, signed),
    step(code("vek.validity"), "chip-key", vekValidity, signed),
    step(code("chain.validity"), "intermediate", chainValidity, signed),
    step(code("revocation"), "intermediate", revocation, signed, { required: false, restsOnCollateral: true }),
  ];
}

export function minimumTcbStep(prefix) {
  return step(`${prefix}.minimum-tcb`, "report", minimumTcb, [`${prefix}.report.signature`], { required: false });
}
