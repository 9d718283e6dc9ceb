/** What the tests ask of the hashing that streams. */

import { base64Bytes, hexEncode } from "./static/js/verify/bytes.js";
import { Sha256, sha256 } from "./static/js/verify/sha256.js";
import { tarGzEntries } from "./static/js/verify/tar-entries.js";
import { zipEntries } from "./static/js/verify/zip-entries.js";

/** Digest of each text (base64), in one go and in pieces of the sizes that are given. */
export function digests(items) {
  return items.map(({ data, pieces }) => {
    const bytes = base64Bytes(data);
    const hash = new Sha256();
    let at = 0;
    for (const size of pieces) {
      hash.update(bytes.subarray(at, at + size));
      at += size;
    }
    hash.update(bytes.subarray(at));
    return [hexEncode(sha256(bytes)), hexEncode(hash.digest())];
  });
}

/** Digest of a byte repeated, which comes in chunks. */
export function repeated({ byte, count }) {
  const hash = new Sha256();
  const chunk = new Uint8Array(2 ** 20).fill(byte);
  for (let left = count; left > 0; left -= chunk.length) hash.update(chunk.subarray(0, Math.min(left, chunk.length)));
  return hexEncode(hash.digest());
}

async function attempt(make) {
  try {
    return await make();
  } catch (error) {
    return { error: error.name };
  }
}

/** Entries of a tarball (base64), or the name of the error. */
export function tarball(data) {
  return attempt(async () => {
    const found = await tarGzEntries(new Blob([base64Bytes(data)]).stream(), { keep: (name) => name.endsWith(".json") });
    return found.map(({ name, size, hex, bytes }) => ({ name, size, hex, kept: bytes ? new TextDecoder().decode(bytes) : null }));
  });
}

/** Entries of a ZIP (base64), or the name of the error. */
export function zip(data) {
  return attempt(async () => {
    const found = await zipEntries(base64Bytes(data), () => true);
    return Array.from(found, ([name, bytes]) => [name, hexEncode(bytes)]);
  });
}
