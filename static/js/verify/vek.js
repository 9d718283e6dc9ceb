/**
 * The versioned chip endorsement key (VCEK) and the versioned loaded endorsement key (VLEK): a certificate and what AMD put into it.
 * Source: AMD document 57230 (VCEK certificate and KDS interface), chapter 3; evidence facts, section 2.
 */

import { certificateParse, extensionValue } from "./certificate.js";
import { DerReader, TAG, integerDecode, oidEncode } from "./der.js";
import { Malformed } from "./outcomes.js";
import { isAscii, isPrintable } from "./texts.js";

export const VCEK = "vcek";
export const VLEK = "vlek";
const AMD = "1.3.6.1.4.1.3704.1";
const LEVELS = [
  ["bootloader", oidEncode(`${AMD}.3.1`)], ["tee", oidEncode(`${AMD}.3.2`)], ["snp", oidEncode(`${AMD}.3.3`)],
  ["microcode", oidEncode(`${AMD}.3.8`)],
];
const OID_FMC = oidEncode(`${AMD}.3.9`);
const OID_PRODUCT_NAME = oidEncode(`${AMD}.2`);
const OID_HWID = oidEncode(`${AMD}.4`);
const OID_CSP_ID = oidEncode(`${AMD}.5`);
/** Of the product's and the provider's name; real ones have some 30. */
const MAX_TEXT_CHARACTERS = 128;

/**
 * The VCEK or VLEK in `data` (DER): `{ certificate, kind, levels, hwid, product, cspId }`. `levels`: TCB component → level, `fmc` only
 * where the certificate has it; `hwid`: chip id, 64 bytes, Turin 8, null: not there. Throws `Malformed`.
 */
export function vekParse(data) {
  const certificate = certificateParse(data, "The chip key's certificate");
  if ([...certificate.extensions.values()].some((extension) => extension.critical)) {
    throw new Malformed("vek.extension", "The chip key's certificate has a critical extension, which AMD's have not.");
  }
  const levels = Object.fromEntries(LEVELS.map(([name, oid]) => [name, level(certificate, oid, name)]));
  if (extensionValue(certificate, OID_FMC) !== null) levels.fmc = level(certificate, OID_FMC, "fmc");
  return {
    certificate, kind: kind(certificate), levels, hwid: hwid(extensionValue(certificate, OID_HWID)),
    product: ia5(extensionValue(certificate, OID_PRODUCT_NAME)), cspId: ia5(extensionValue(certificate, OID_CSP_ID)),
  };
}

function kind({ subjectCommonName: name }) {
  if (name.includes("VLEK")) return VLEK;
  if (name.includes("VCEK")) return VCEK;
  throw new Malformed("vek.kind", "The chip key's certificate is named neither VCEK nor VLEK.");
}

/** An unsigned 8-bit INTEGER, in exactly its DER form. */
function level(certificate, oid, name) {
  const value = extensionValue(certificate, oid);
  if (value === null) throw new Malformed("vek.level-missing", `The chip key's certificate does not state the level of ${name}.`);
  const what = `Level of ${name} in the chip key's certificate`;
  const reader = new DerReader(value, what);
  const found = integerDecode(reader.element(TAG.INTEGER), what);
  reader.finish();
  if (found > 0xffn) throw new Malformed("vek.level", `The level of ${name} in the chip key's certificate has more than 8 bits.`);
  return Number(found);
}

/** Raw in real certificates. An inner OCTET STRING is looked for only in other lengths: a raw chip id may begin like one. */
function hwid(value) {
  if (value === null || value.length === 8 || value.length === 64) return value;
  const inner = value[0] === TAG.OCTET_STRING && value.length === 2 + value[1] ? value.subarray(2) : value;
  if (inner.length < 8 || inner.length > 64) {
    throw new Malformed("vek.hwid", "The chip id in the chip key's certificate has an impossible length.");
  }
  return inner;
}

function ia5(value) {
  if (value === null) return "";
  const reader = new DerReader(value, "A text in the chip key's certificate");
  const { content } = reader.element(TAG.IA5_STRING);
  reader.finish();
  const text = String.fromCharCode(...content);
  if (content.length > MAX_TEXT_CHARACTERS || !isAscii(text) || !isPrintable(text)) {
    throw new Malformed("vek.text", "A text in the chip key's certificate is not a short line of ASCII.");
  }
  return text;
}
