/**
 * Signature verification by WebCrypto: the only place that hands bytes to it for a verdict. Each function throws `CheckFailed` unless the
 * signature holds; none gives a boolean that could be ignored. Whatever WebCrypto throws is a failure.
 */

import { base64Encode, bigEndian, bytesConcat, bytesEqual, hexBytes, hexEncode } from "./bytes.js";
import { CheckFailed, Malformed } from "./outcomes.js";

/** SubjectPublicKeyInfo up to the point: id-ecPublicKey, curve, BIT STRING. Source: RFC 5480. */
const SPKI_P384 = hexBytes("3076301006072a8648ce3d020106052b81040022036200");
const SPKI_P256 = hexBytes("3059301306072a8648ce3d020106082a8648ce3d030107034200");
/** Prime and b of the curves y² = x³ - 3x + b. Source: SP 800-186, section 3.2.1. */
const CURVES = {
  "P-256": {
    size: 32, hash: "SHA-256", p: 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
    b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
  },
  "P-384": {
    size: 48, hash: "SHA-384", p: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
    b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
  },
};

/** What was verified in this page: the second judgement, and the same key again, need no second look. Only successes are kept. */
const verified = new Set();

export async function sha384(data) {
  return new Uint8Array(await crypto.subtle.digest("SHA-384", data));
}

/** X and Y of the P-384 key in a SubjectPublicKeyInfo (DER) with an uncompressed point, which must lie on the curve. */
export function p384Point(spki) {
  if (spki.length !== SPKI_P384.length + 97 || !bytesEqual(spki.subarray(0, SPKI_P384.length), SPKI_P384)) {
    throw new Malformed("key.p384", "The public key is not an uncompressed elliptic curve key on P-384.");
  }
  const point = spki.subarray(SPKI_P384.length);
  if (point[0] !== 4 || !isOnCurve(point.subarray(1), "P-384")) {
    throw new Malformed("key.p384", "The public key is not a point on the curve P-384.");
  }
  return point.subarray(1);
}

/** X and Y of the P-256 key in a SubjectPublicKeyInfo (DER) with an uncompressed point. */
export function p256Point(spki) {
  const prefix = bytesConcat(SPKI_P256, [4]);
  if (spki.length !== prefix.length + 64 || !bytesEqual(spki.subarray(0, prefix.length), prefix)) {
    throw new Malformed("key.p256", "The public key is not an uncompressed elliptic curve key on P-256.");
  }
  return spki.subarray(prefix.length);
}

/** RSASSA-PSS, SHA-384, MGF1-SHA-384, salt 48, by the key in `spki` (DER). Source: AMD 57230; RFC 8017, section 8.1. */
export async function rsaPssSha384Verify(spki, signature, message, code, failure) {
  const algorithm = { name: "RSA-PSS", hash: "SHA-384", saltLength: 48 };
  await verify(["spki", spki, algorithm], signature, message, code, failure);
}

/** RSASSA-PKCS1-v1_5 with SHA-256, exponent 65537. Source: RFC 8017, section 8.2. */
export async function rsaPkcs1Sha256Verify(modulus, signature, message, code, failure) {
  const jwk = { kty: "RSA", n: base64url(modulus), e: "AQAB", ext: true };
  await verify(["jwk", jwk, { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }], signature, message, code, failure);
}

/** ECDSA on P-384 with SHA-384; `r` and `s` are BigInts. Source: FIPS 186-5. */
export async function ecdsaP384Verify(spki, r, s, message, code, failure) {
  await ecdsaVerify("P-384", p384Point(spki), r, s, message, code, failure);
}

/** ECDSA on P-256 with SHA-256 by the key with this X and Y (32 bytes each), which must lie on the curve. */
export async function ecdsaP256Verify(point, r, s, message, code, failure) {
  if (!isOnCurve(point, "P-256")) throw new Malformed("key.p256", "The public key is not a point on the curve P-256.");
  await ecdsaVerify("P-256", point, r, s, message, code, failure);
}

async function ecdsaVerify(curve, point, r, s, message, code, failure) {
  const { size, hash } = CURVES[curve];
  if (r >= 1n << BigInt(8 * size) || s >= 1n << BigInt(8 * size)) throw new CheckFailed(code, failure);
  const signature = bytesConcat(fixed(r, size), fixed(s, size));
  const key = bytesConcat([4], point);
  await verify(["raw", key, { name: "ECDSA", namedCurve: curve, hash }], signature, message, code, failure);
}

async function verify([format, key, algorithm], signature, message, code, failure) {
  const name = [algorithm.name, key instanceof Uint8Array ? hexEncode(key) : key.n, hexEncode(signature), hexEncode(message)].join();
  if (verified.has(name)) return;
  let holds = false;
  try {
    const imported = await crypto.subtle.importKey(format, key, algorithm, false, ["verify"]);
    holds = await crypto.subtle.verify(algorithm, imported, signature, message);
  } catch {
    holds = false;
  }
  if (holds !== true) throw new CheckFailed(code, failure);
  if (verified.size > 256) verified.clear();
  verified.add(name);
}

/** Whether X and Y solve the curve's equation. Done here, so that it does not depend on what an engine's import looks at. */
function isOnCurve(point, curve) {
  const { size, p, b } = CURVES[curve];
  const x = bigEndian(point.subarray(0, size));
  const y = bigEndian(point.subarray(size));
  return x < p && y < p && (y * y - (x * x * x - 3n * x + b)) % p === 0n;
}

function fixed(value, size) {
  return hexBytes(value.toString(16).padStart(2 * size, "0"));
}

function base64url(bytes) {
  return base64Encode(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
