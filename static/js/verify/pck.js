/**
 * Intel's certificates: the provisioning certification key (PCK), what Intel put into it, and the authorities above it.
 * Source: Intel, «SGX PCK Certificate and CRL Profile Specification», sections 1.3 and 1.4; evidence facts, section 6.
 */

import { bytesEqual, hexEncode } from "./bytes.js";
import { INTEL_ALGORITHMS, certificateParse, extensionValue } from "./certificate.js";
import { DerReader, TAG, integerDecode, oidEncode } from "./der.js";
import { Malformed } from "./outcomes.js";
import { pemChainParse } from "./pem.js";

/** Common name of the issuer of a PCK certificate → which of the two it is. */
export const CA_NAMES = { "Intel SGX PCK Platform CA": "platform", "Intel SGX PCK Processor CA": "processor" };
const SGX = "1.2.840.113741.1.13.1";
const OID_SGX = oidEncode(SGX);
const OID_BASIC_CONSTRAINTS = oidEncode("2.5.29.19");
const OID_KEY_USAGE = oidEncode("2.5.29.15");
const KNOWN_CRITICAL = [OID_BASIC_CONSTRAINTS, OID_KEY_USAGE].map(hexEncode);
const arc = (suffix) => hexEncode(oidEncode(`${SGX}.${suffix}`));
const FLAGS = { [arc("7.1")]: "dynamic_platform", [arc("7.2")]: "cached_keys", [arc("7.3")]: "smt" };
const COMPONENTS = 16;
const WHAT = "Intel's extension of the chip key's certificate";

/** A certificate signed with ECDSA and SHA-256; its critical extensions are known ones. Throws `Malformed`. */
export function intelCertificateParse(data, what) {
  const certificate = certificateParse(data, what, INTEL_ALGORITHMS);
  for (const [oid, extension] of certificate.extensions) {
    if (extension.critical && !KNOWN_CRITICAL.includes(oid)) {
      throw new Malformed("certificate.extension", `${what} has a critical extension that is not known.`);
    }
  }
  return certificate;
}

/** Whether basicConstraints let it issue certificates. */
export function isAuthority(certificate) {
  const value = extensionValue(certificate, OID_BASIC_CONSTRAINTS);
  if (value === null) return false;
  const reader = new DerReader(value, "basicConstraints");
  const inner = reader.inside(TAG.SEQUENCE);
  reader.finish();
  return inner.peek() === TAG.BOOLEAN && bytesEqual(inner.element().content, [0xff]);
}

/** R and S of an ECDSA-Sig-Value in DER, as BigInts. Source: RFC 3279, section 2.2.3. */
export function ecdsaSignatureDecode(signature, what) {
  const reader = new DerReader(signature, `The signature of ${what}`);
  const inner = reader.inside(TAG.SEQUENCE);
  reader.finish();
  const r = integerDecode(inner.element(TAG.INTEGER), `The signature of ${what}`);
  const s = integerDecode(inner.element(TAG.INTEGER), `The signature of ${what}`);
  inner.finish();
  return [r, s];
}

/** The PCK certificate in `data` (DER). Throws `Malformed`. */
export function pckParse(data) {
  const certificate = intelCertificateParse(data, "The chip key's certificate");
  const value = extensionValue(certificate, OID_SGX);
  if (value === null) throw new Malformed("pck.extension", "The chip key's certificate says nothing about its chip.");
  if (isAuthority(certificate)) throw new Malformed("pck.authority", "The chip key's certificate is one that may issue others.");
  const found = pairs(value);
  const tcb = pairs(taken(found, arc("2"), TAG.SEQUENCE).raw);
  const components = Array.from({ length: COMPONENTS }, (_, index) => number(tcb, arc(`2.${index + 1}`), 0xffn));
  const pcesvn = number(tcb, arc("2.17"), 0xffffn);
  const cpusvn = octets(tcb, arc("2.18"), 16);
  noneLeft(tcb);
  const parsed = {
    certificate, components, pcesvn, cpusvn, ppid: octets(found, arc("1"), 16), pceid: octets(found, arc("3"), 2),
    fmspc: octets(found, arc("4"), 6), sgxType: sgxType(found),
    instanceId: found.has(arc("6")) ? octets(found, arc("6"), 16) : null, flags: flags(found),
  };
  noneLeft(found);
  return parsed;
}

/** The chain in `pem`: exactly chip key, intermediate, root. A zero byte may end it. Throws `Malformed`. */
export function pckChainParse(pem) {
  const found = pemChainParse(pem, "The chip key's certificate chain", ["", "\0"]);
  if (found.length !== 3) {
    throw new Malformed("pck.chain-length", `The chip key's certificate chain has ${found.length} certificates instead of three.`);
  }
  const intermediate = intelCertificateParse(found[1], "The intermediate certificate");
  const pck = pckParse(found[0]);
  const intermediateIsAuthority = isAuthority(intermediate);
  return { pck, intermediate, intermediateIsAuthority, root: intelCertificateParse(found[2], "The root certificate") };
}

/** The members of a SEQUENCE of SEQUENCE{OID, value} by the OID's hex, each at most once. */
function pairs(value) {
  const reader = new DerReader(value, WHAT);
  const items = reader.inside(TAG.SEQUENCE);
  reader.finish();
  const found = new Map();
  while (!items.done) {
    const item = items.inside(TAG.SEQUENCE);
    const oid = hexEncode(item.element(TAG.OID).raw);
    if (found.has(oid)) throw new Malformed("pck.extension", `${WHAT} says the same thing twice.`);
    found.set(oid, item.element());
    item.finish();
  }
  return found;
}

function taken(found, oid, tag) {
  const element = found.get(oid);
  found.delete(oid);
  if (element?.tag !== tag) throw new Malformed("pck.extension", `${WHAT} lacks a member, or one is of another type.`);
  return element;
}

function octets(found, oid, size) {
  const { content } = taken(found, oid, TAG.OCTET_STRING);
  if (content.length !== size) throw new Malformed("pck.extension", `${WHAT} has a member of the wrong length.`);
  return content;
}

function number(found, oid, largest) {
  const value = integerDecode(taken(found, oid, TAG.INTEGER), `A level in ${WHAT}`);
  if (value > largest) throw new Malformed("pck.extension", `A level in ${WHAT} is too large.`);
  return Number(value);
}

function sgxType(found) {
  const { content } = taken(found, arc("5"), TAG.ENUMERATED);
  if (content.length !== 1) throw new Malformed("pck.extension", `${WHAT} has a type that is not known.`);
  return content[0];
}

function flags(found) {
  if (!found.has(arc("7"))) return {};
  const named = {};
  for (const [oid, element] of pairs(taken(found, arc("7"), TAG.SEQUENCE).raw)) {
    const known = Object.hasOwn(FLAGS, oid) && element.tag === TAG.BOOLEAN && element.content.length === 1;
    if (!known || ![0, 0xff].includes(element.content[0])) {
      throw new Malformed("pck.extension", `${WHAT} has a switch that is not known.`);
    }
    named[FLAGS[oid]] = element.content[0] === 0xff;
  }
  return named;
}

function noneLeft(found) {
  if (found.size > 0) throw new Malformed("pck.extension", `${WHAT} has a member that is not known.`);
}
