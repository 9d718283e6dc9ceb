/**
 * Steps about the chip key's certificate (PCK) and Intel's chain above it, the same for every Intel platform. The evidence brings its
 * whole chain; its root must be a pinned one, byte for byte, and that pinned root alone decides whether this is hardware.
 */

import { valid } from "./amd-chain.js";
import { bytesEqual, hexEncode } from "./bytes.js";
import { CheckFailed, CheckImpossible, passed, require, step } from "./outcomes.js";
import { CA_NAMES, ecdsaSignatureDecode, pckChainParse } from "./pck.js";
import { sha256 } from "./sha256.js";
import { ecdsaP256Verify, p256Point } from "./signatures.js";

function parse(context) {
  context.chain = pckChainParse(context.tdQuote.chain);
  const leaf = context.chain.pck.certificate;
  return passed({ expected: "three certificates", actual: `${leaf.subjectCommonName}, issued by ${leaf.issuerCommonName}` });
}

async function root(context) {
  const certificate = context.chain.root;
  const fingerprint = hexEncode(sha256(certificate.raw));
  const anchor = context.anchors.find((one) => one.role === "intel-root" && one.certificateSha256 === fingerprint);
  if (!anchor || !bytesEqual(anchor.subject, certificate.subject) || !bytesEqual(anchor.spki, certificate.spki)) {
    const seen = { expected: "a pinned certificate", actual: certificate.subjectCommonName };
    throw new CheckFailed("chain.root.unknown", "The root of the chip key's chain is none that this program trusts.", seen);
  }
  await issuedBy(certificate, certificate.spki, "chain.root.signature", "The root is not signed by its own key.");
  context.intelRoot = anchor;
  const text = `pinned certificate ${anchor.certificateSha256}`;
  return passed({ expected: text, actual: text, anchor: anchor.name });
}

async function intermediate(context) {
  const { intermediate: certificate, intermediateIsAuthority } = context.chain;
  const anchor = context.intelRoot;
  const other = "The intermediate names another issuer than its root.";
  require(bytesEqual(certificate.issuer, anchor.subject), "chain.intermediate.issuer", other);
  const seen = { expected: Object.keys(CA_NAMES).join(" or "), actual: certificate.subjectCommonName };
  const known = Object.hasOwn(CA_NAMES, certificate.subjectCommonName);
  require(known, "chain.intermediate.name", "The intermediate is not one that issues chip keys.", seen);
  require(intermediateIsAuthority, "chain.intermediate.authority", "The intermediate may not issue certificates.");
  await issuedBy(certificate, anchor.spki, "chain.intermediate.signature", "The root did not sign the intermediate.");
  return passed({ expected: anchor.name, actual: "signature verified", anchor: anchor.name });
}

async function signature(context) {
  const { pck, intermediate: issuer } = context.chain;
  const other = "The chip key's certificate names another issuer.";
  require(bytesEqual(pck.certificate.issuer, issuer.subject), "pck.issuer", other);
  await issuedBy(pck.certificate, issuer.spki, "pck.signature", "The intermediate did not sign the chip key's certificate.");
  context.anchor = context.intelRoot;
  Object.assign(context.claims, {
    chip_id: hexEncode(pck.ppid), fmspc: hexEncode(pck.fmspc), pceid: hexEncode(pck.pceid),
    tcb: { reported: { components: pck.components, pcesvn: pck.pcesvn }, cpusvn: hexEncode(pck.cpusvn) },
  });
  return passed({ expected: issuer.subjectCommonName, actual: "signature verified", anchor: context.anchor.name });
}

async function issuedBy(certificate, issuerSpki, code, failure) {
  const [r, s] = ecdsaSignatureDecode(certificate.signature, "a certificate");
  await ecdsaP256Verify(p256Point(issuerSpki), r, s, certificate.tbs, code, failure);
}

function pckValidity(context) {
  return valid("pck.validity", "The certificate of the chip key", context.chain.pck.certificate, context.now());
}

function chainValidity(context) {
  const certificates = [context.chain.intermediate, context.chain.root];
  const rows = certificates.map((one) => valid("chain.validity", one.subjectCommonName, one, context.now()));
  return passed({ expected: rows.map((row) => row.expected).join("; "), actual: rows[0].actual });
}

/** Intel's lists do not come with the evidence, and a browser cannot ask Intel for them: what rests on them is not established here. */
function listsMissing() {
  throw new CheckImpossible("collateral.not-given", "no collateral was given");
}

/** From the chain's bytes to the pinned root and back to the chip key. */
export function pckChainSteps(prefix) {
  const code = (name) => `${prefix}.${name}`;
  const signed = [code("pck.signature")];
  return [
    step(code("pck.parse"), "chip-key", parse, [code("quote.parse")]),
    step(code("chain.root"), "vendor-root", root, [code("pck.parse")]),
    step(code("chain.intermediate"), "intermediate", intermediate, [code("chain.root")]),
    step(code("pck.signature"), "chip-key", signature, [code("chain.intermediate")]),
    step(code("pck.validity"), "chip-key", pckValidity, signed),
    step(code("chain.validity"), "intermediate", chainValidity, signed),
  ];
}

/** The rows of what a browser cannot look at, so that each says so; all of them wait for the first. */
export function collateralSteps(prefix) {
  const code = (name) => `${prefix}.${name}`;
  const options = { required: false, restsOnCollateral: true };
  const authentic = [code("collateral.signatures")];
  return [
    step(code("collateral.lists"), "chip-key", listsMissing, [code("pck.signature")], options),
    step(code("collateral.signatures"), "intermediate", listsMissing, [code("collateral.lists")], options),
    step(code("collateral.validity"), "intermediate", listsMissing, authentic, options),
    step(code("revocation"), "intermediate", listsMissing, authentic, options),
    step(code("qe.identity"), "report", listsMissing, [code("qe.signature"), code("collateral.validity")], options),
    step(code("tcb-status"), "report", listsMissing, [code("quote.signature"), code("qe.identity"), code("revocation")], options),
  ];
}
