/**
 * X.509 certificates in the shapes that AMD and Intel use: version 3, canonical DER, one of the algorithms that the caller names.
 * Source: RFC 5280, section 4.1; AMD document 57230, chapter 3; evidence facts, section 2.
 */

import { bytesEqual, hexBytes, hexEncode, utf8Decode } from "./bytes.js";
import { DerReader, TAG, derEncode, integerDecode, oidEncode, timeDecode } from "./der.js";
import { Malformed } from "./outcomes.js";
import { characterCount, isPrintable } from "./texts.js";

/** Real chip certificates have some 1,350 bytes, AMD's own some 1,650. */
const MAX_CERTIFICATE_BYTES = 8192;
const MAX_COMMON_NAME_CHARACTERS = 64;
/** AlgorithmIdentifiers: RSA-PSS with SHA-384 and salt 48, with the trailer field spelled out (before 2025, and all of AMD's own)… */
const PSS_SHA384_EXPLICIT_TRAILER = hexBytes(
  "304606092a864886f70d01010a3039a00f300d06096086480165030402020500a11c301a06092a864886f70d010108300d06096086480165030402020500" +
    "a203020130a303020101",
);
/** …and left out (newer ones). */
const PSS_SHA384 = hexBytes(
  "304106092a864886f70d01010a3034a00f300d06096086480165030402020500a11c301a06092a864886f70d010108300d06096086480165030402020500a203020130",
);
/** AlgorithmIdentifier of all of Intel's certificates. Source: RFC 5758, section 3.2. */
const ECDSA_SHA256 = hexBytes("300a06082a8648ce3d040302");
export const AMD_ALGORITHMS = [PSS_SHA384_EXPLICIT_TRAILER, PSS_SHA384];
export const INTEL_ALGORITHMS = [ECDSA_SHA256];

const OID_COMMON_NAME = oidEncode("2.5.4.3");
const VERSION_3 = hexBytes("a003020102");
const VERSION_TAG = 0xa0;
const EXTENSIONS_TAG = 0xa3;

/**
 * The certificate in `data` (DER): `{ raw, tbs, serial, issuer, issuerCommonName, notBefore, notAfter, subject, subjectCommonName, spki,
 * extensions, signature }`. Names are DER and compared byte for byte; `extensions` is a Map from the OID's hex to `{ critical, value }`.
 * Throws `Malformed`.
 */
export function certificateParse(data, what, algorithms = AMD_ALGORITHMS) {
  if (data.length > MAX_CERTIFICATE_BYTES) {
    throw new Malformed("certificate.too-large", `${what} has more than ${MAX_CERTIFICATE_BYTES} bytes.`);
  }
  const outer = new DerReader(data, what);
  const body = outer.inside(TAG.SEQUENCE);
  outer.finish();
  const tbs = body.element(TAG.SEQUENCE);
  const algorithm = body.element(TAG.SEQUENCE);
  const signature = body.element(TAG.BIT_STRING);
  body.finish();
  if (!algorithms.some((known) => bytesEqual(known, algorithm.raw))) {
    throw new Malformed("certificate.algorithm", `${what} is not signed with the algorithm that its vendor uses, in a form that it uses.`);
  }
  if (signature.content[0] !== 0) throw new Malformed("certificate.signature", `${what} has a signature that is not whole octets.`);
  const parsed = { raw: data, ...tbsParse(tbs, algorithm.raw, what), tbs: tbs.raw, signature: signature.content.subarray(1) };
  const again = derEncode(TAG.SEQUENCE, parsed.tbs, algorithm.raw, derEncode(TAG.BIT_STRING, [0], parsed.signature));
  if (!bytesEqual(again, data)) throw new Malformed("certificate.not-canonical", `${what} is not in its canonical encoding.`);
  return parsed;
}

/** Content of an extension's OCTET STRING by its encoded OID; null: the certificate has none. */
export function extensionValue(certificate, oid) {
  return certificate.extensions.get(hexEncode(oid))?.value ?? null;
}

function tbsParse(tbs, algorithm, what) {
  const fields = new DerReader(tbs.content, what);
  if (!bytesEqual(fields.element(VERSION_TAG).raw, VERSION_3)) {
    throw new Malformed("certificate.version", `${what} is not an X.509 certificate of version 3.`);
  }
  const serial = integerDecode(fields.element(TAG.INTEGER), `Serial number of ${what}`);
  if (!bytesEqual(fields.element(TAG.SEQUENCE).raw, algorithm)) {
    throw new Malformed("certificate.algorithm", `${what} names two different signature algorithms.`);
  }
  const issuer = fields.element(TAG.SEQUENCE);
  const validity = fields.inside(TAG.SEQUENCE);
  const notBefore = timeDecode(validity.element(), `notBefore of ${what}`);
  const notAfter = timeDecode(validity.element(), `notAfter of ${what}`);
  validity.finish();
  const subject = fields.element(TAG.SEQUENCE);
  const spki = fields.element(TAG.SEQUENCE);
  const extensions = extensionsParse(fields.inside(EXTENSIONS_TAG), what);
  fields.finish();
  return {
    serial, issuer: issuer.raw, issuerCommonName: commonName(issuer, what), notBefore, notAfter, subject: subject.raw,
    subjectCommonName: commonName(subject, what), spki: spki.raw, extensions,
  };
}

function extensionsParse(wrapper, what) {
  const items = wrapper.inside(TAG.SEQUENCE);
  wrapper.finish();
  const found = new Map();
  let doubled = false;
  while (!items.done) {
    const item = items.inside(TAG.SEQUENCE);
    const oid = hexEncode(item.element(TAG.OID).raw);
    const critical = item.peek() === TAG.BOOLEAN;
    if (critical && !bytesEqual(item.element().content, [0xff])) {
      throw new Malformed("certificate.extension", `${what} has an extension whose critical flag is not DER.`);
    }
    doubled ||= found.has(oid);
    found.set(oid, { critical, value: item.element(TAG.OCTET_STRING).content });
    item.finish();
  }
  if (doubled) throw new Malformed("certificate.duplicate-extension", `${what} has the same extension twice.`);
  return found;
}

/** The first CN of a name; empty: it has none. */
function commonName(name, what) {
  const sets = new DerReader(name.content, what);
  let found = "";
  while (!sets.done) {
    const members = sets.inside(TAG.SET);
    while (!members.done) {
      const attribute = members.inside(TAG.SEQUENCE);
      const oid = attribute.element(TAG.OID);
      const value = attribute.element();
      attribute.finish();
      if (bytesEqual(oid.raw, OID_COMMON_NAME) && found === "") found = commonNameText(value, what);
    }
  }
  return found;
}

function commonNameText(value, what) {
  if (value.tag !== TAG.UTF8_STRING && value.tag !== TAG.PRINTABLE_STRING) {
    throw new Malformed("certificate.name", `${what} has a common name that is not text.`);
  }
  let text;
  try {
    text = utf8Decode(value.content);
  } catch {
    throw new Malformed("certificate.name", `${what} has a common name that is not UTF-8.`);
  }
  if (characterCount(text) > MAX_COMMON_NAME_CHARACTERS || !isPrintable(text)) {
    throw new Malformed("certificate.name", `${what} has a common name that is not a short line of text.`);
  }
  return text;
}
