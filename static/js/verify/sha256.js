/**
 * SHA-256 of bytes that come piece by piece, in constant memory. WebCrypto can only digest what is in memory as a whole, and a
 * downloaded file may have gigabytes. Source: FIPS 180-4, sections 4.1.2, 5.3.3 and 6.2.2; tested against NIST's vectors.
 */

const BLOCK_BYTES = 64;

/** First 32 bits of the fractional parts of the cube roots of the first 64 primes. */
const K = new Int32Array([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
  0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
  0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
  0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
  0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
  0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);

const INITIAL = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];

export class Sha256 {
  constructor() {
    this.state = new Int32Array(INITIAL);
    this.schedule = new Int32Array(64);
    this.pending = new Uint8Array(BLOCK_BYTES);
    this.pendingSize = 0;
    /** Bytes so far; exact up to 2^53. */
    this.size = 0;
  }

  /** Takes in more bytes (a Uint8Array); gives itself. */
  update(bytes) {
    this.size += bytes.length;
    let at = 0;
    if (this.pendingSize > 0) {
      at = Math.min(BLOCK_BYTES - this.pendingSize, bytes.length);
      this.pending.set(bytes.subarray(0, at), this.pendingSize);
      this.pendingSize += at;
      if (this.pendingSize < BLOCK_BYTES) return this;
      compress(this.state, this.schedule, this.pending, 0, BLOCK_BYTES);
      this.pendingSize = 0;
    }
    const whole = bytes.length - ((bytes.length - at) % BLOCK_BYTES);
    compress(this.state, this.schedule, bytes, at, whole);
    if (whole < bytes.length) {
      this.pending.set(bytes.subarray(whole));
      this.pendingSize = bytes.length - whole;
    }
    return this;
  }

  /** The 32 bytes of the digest. The object is used up. */
  digest() {
    const bits = this.size * 8;
    const tail = new Uint8Array(this.pendingSize < BLOCK_BYTES - 8 ? BLOCK_BYTES : 2 * BLOCK_BYTES);
    tail.set(this.pending.subarray(0, this.pendingSize));
    tail[this.pendingSize] = 0x80;
    const view = new DataView(tail.buffer);
    view.setUint32(tail.length - 8, Math.floor(bits / 2 ** 32));
    view.setUint32(tail.length - 4, bits % 2 ** 32);
    compress(this.state, this.schedule, tail, 0, tail.length);
    const digest = new DataView(new ArrayBuffer(32));
    this.state.forEach((word, index) => digest.setInt32(index * 4, word));
    return new Uint8Array(digest.buffer);
  }
}

/** SHA-256 of bytes at hand. */
export function sha256(...parts) {
  const hash = new Sha256();
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** Takes the blocks of bytes[start..end) into the state. All additions are modulo 2^32, which `| 0` does. */
function compress(state, w, bytes, start, end) {
  let [h0, h1, h2, h3, h4, h5, h6, h7] = state;
  for (let at = start; at < end; at += BLOCK_BYTES) {
    for (let i = 0; i < 16; i++) {
      const j = at + 4 * i;
      w[i] = (bytes[j] << 24) | (bytes[j + 1] << 16) | (bytes[j + 2] << 8) | bytes[j + 3];
    }
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15];
      const y = w[i - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
    }
    let a = h0, b = h1, c = h2, d = h3, e = h4, f = h5, g = h6, h = h7;
    for (let i = 0; i < 64; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + t1) | 0;
      d = c;
      c = b;
      b = a;
      a = (t1 + t2) | 0;
    }
    h0 = (h0 + a) | 0;
    h1 = (h1 + b) | 0;
    h2 = (h2 + c) | 0;
    h3 = (h3 + d) | 0;
    h4 = (h4 + e) | 0;
    h5 = (h5 + f) | 0;
    h6 = (h6 + g) | 0;
    h7 = (h7 + h) | 0;
  }
  state.set([h0, h1, h2, h3, h4, h5, h6, h7]);
}
