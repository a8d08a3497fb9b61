/**
 * Triple DES in CBC mode, keying option 1 (FIPS 46-3, NIST SP 800-67; for ESP RFC 2451). Only for old peers: the block
 * of 64 bits is too small for much traffic under one key (SP 800-67 r2 §3.3), and table look-ups leak through caches.
 *
 * The tables below are those of the standard, bits counted from 1 at the left. S-boxes and the permutation P are joined
 * at load into eight tables of 64 words; the parity bits of the key are ignored.
 */
import { checkBlocks, checkCipherKey } from "./checks.ts";

// deno-fmt-ignore
const PC1 = [
  57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36,
  63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4,
];

// deno-fmt-ignore
const PC2 = [
  14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2,
  41, 52, 31, 37, 47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
];

/** Bits that C and D are rotated by, in all, at each round. */
const ROTATIONS = [1, 2, 4, 6, 8, 10, 12, 14, 15, 17, 19, 21, 23, 25, 27, 28];

// deno-fmt-ignore
const P = [
  16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25,
];

/** Eight boxes of four rows, a digit for each column. */
const S = [
  ["e4d12fb83a6c5907", "0f74e2d1a6cb9538", "41e8d62bfc973a50", "fc8249175b3ea06d"],
  ["f18e6b34972dc05a", "3d47f28ec01a69b5", "0e7ba4d158c6932f", "d8a13f42b67c05e9"],
  ["a09e63f51dc7b428", "d709346a285ecbf1", "d6498f30b12c5ae7", "1ad069874fe3b52c"],
  ["7de3069a1285bc4f", "d8b56f03472c1ae9", "a690cb7df13e5284", "3f06a1d8945bc72e"],
  ["2c417ab6853fd0e9", "eb2c47d150fa3986", "421bad78f9c5630e", "b8c71e2d6f09a453"],
  ["c1af92680d34e75b", "af427c9561de0b38", "9ef528c3704a1db6", "432c95fabe17608d"],
  ["4b2ef08d3c975a61", "d0b7491ae35c2f86", "14bdc37eaf680592", "6bd814a7950fe23c"],
  ["d2846fb1a93e50c7", "1fd8a374c56b0e92", "7b419ce206adf358", "21e74a8dfc90356b"],
];

/** `SP[64 * box + six bits]`: what the box gives, already permuted by P. */
const SP = joinBoxes();

function joinBoxes(): Int32Array {
  const joined = new Int32Array(8 * 64);
  for (let box = 0; box < 8; box++) {
    for (let six = 0; six < 64; six++) {
      const row = (six >>> 4 & 2) | (six & 1);
      const word = parseInt(S[box][row][six >>> 1 & 15], 16) << (28 - 4 * box);
      for (let bit = 0; bit < 32; bit++) joined[64 * box + six] |= (word >>> (32 - P[bit]) & 1) << (31 - bit);
    }
  }
  return joined;
}

/** The f of FIPS 46-3: expansion E is eight overlapping windows of six bits on the half `r`. */
function f(r: number, keys: Uint8Array, k: number): number {
  return SP[((r << 5 | r >>> 27) & 63) ^ keys[k]] ^
    SP[64 + ((r >>> 23 & 63) ^ keys[k + 1])] ^
    SP[128 + ((r >>> 19 & 63) ^ keys[k + 2])] ^
    SP[192 + ((r >>> 15 & 63) ^ keys[k + 3])] ^
    SP[256 + ((r >>> 11 & 63) ^ keys[k + 4])] ^
    SP[320 + ((r >>> 7 & 63) ^ keys[k + 5])] ^
    SP[384 + ((r >>> 3 & 63) ^ keys[k + 6])] ^
    SP[448 + (((r << 1 | r >>> 31) & 63) ^ keys[k + 7])];
}

/** Sixteen rounds of eight keys of six bits, written to `keys` from `at`. */
function scheduleDes(des: Uint8Array, keys: Uint8Array, at: number): void {
  const bit = (n: number) => des[(n - 1) >>> 3] >>> (7 - ((n - 1) & 7)) & 1;
  for (let round = 0; round < 16; round++) {
    for (let i = 0; i < 48; i++) {
      const from = PC2[i] - 1;
      const half = from < 28 ? 0 : 28;
      const chosen = bit(PC1[half + (from - half + ROTATIONS[round]) % 28]);
      keys[at + 8 * round + Math.floor(i / 6)] |= chosen << (5 - i % 6);
    }
  }
}

/** Order of the rounds turned about, which is the inverse. */
function reverseRounds(keys: Uint8Array): Uint8Array {
  const turned = new Uint8Array(keys.length);
  for (let at = 0; at < keys.length; at += 8) turned.set(keys.subarray(at, at + 8), keys.length - 8 - at);
  return turned;
}

/** One key of Triple DES; works in place on whole blocks of 8 bytes. */
export class TripleDesCbc {
  /** 48 rounds of encryption: E(k1), D(k2), E(k3). */
  readonly #encryption = new Uint8Array(3 * 16 * 8);
  readonly #decryption: Uint8Array;
  /** The block last put through the cipher, as two words. */
  #left = 0;
  #right = 0;

  /** @param key of 24 bytes; copied */
  constructor(key: Uint8Array) {
    checkCipherKey("3des", key);
    for (let i = 0; i < 3; i++) scheduleDes(key.subarray(8 * i, 8 * i + 8), this.#encryption, 128 * i);
    const middle = this.#encryption.subarray(128, 256);
    middle.set(reverseRounds(middle));
    this.#decryption = reverseRounds(this.#encryption);
  }

  /** Encrypts `length` bytes at `at` of `view`, the IV being the 8 bytes at `iv`. */
  encrypt(view: DataView, iv: number, at: number, length: number): void {
    checkBlocks(8, length);
    this.#left = view.getInt32(iv);
    this.#right = view.getInt32(iv + 4);
    for (const end = at + length; at < end; at += 8) {
      this.#block(this.#left ^ view.getInt32(at), this.#right ^ view.getInt32(at + 4), this.#encryption);
      view.setInt32(at, this.#left);
      view.setInt32(at + 4, this.#right);
    }
  }

  decrypt(view: DataView, iv: number, at: number, length: number): void {
    checkBlocks(8, length);
    let chainLeft = view.getInt32(iv);
    let chainRight = view.getInt32(iv + 4);
    for (const end = at + length; at < end; at += 8) {
      const left = view.getInt32(at);
      const right = view.getInt32(at + 4);
      this.#block(left, right, this.#decryption);
      view.setInt32(at, this.#left ^ chainLeft);
      view.setInt32(at + 4, this.#right ^ chainRight);
      chainLeft = left;
      chainRight = right;
    }
  }

  wipe(): void {
    this.#encryption.fill(0);
    this.#decryption.fill(0);
    this.#left = this.#right = 0;
  }

  /** The initial permutation as five exchanges of bits between the halves, 3 x 16 rounds, and its inverse. */
  #block(l: number, r: number, keys: Uint8Array): void {
    let t = (l >>> 4 ^ r) & 0x0f0f0f0f;
    r ^= t, l ^= t << 4;
    t = (l >>> 16 ^ r) & 0x0000ffff;
    r ^= t, l ^= t << 16;
    t = (r >>> 2 ^ l) & 0x33333333;
    l ^= t, r ^= t << 2;
    t = (r >>> 8 ^ l) & 0x00ff00ff;
    l ^= t, r ^= t << 8;
    t = (l >>> 1 ^ r) & 0x55555555;
    r ^= t, l ^= t << 1;

    // The permutations between two of the three ciphers cancel; the exchange of the halves after each stays.
    for (let k = 0; k < 384; k += 128) {
      for (let round = k; round < k + 128; round += 16) {
        l ^= f(r, keys, round);
        r ^= f(l, keys, round + 8);
      }
      t = l, l = r, r = t;
    }

    t = (l >>> 1 ^ r) & 0x55555555;
    r ^= t, l ^= t << 1;
    t = (r >>> 8 ^ l) & 0x00ff00ff;
    l ^= t, r ^= t << 8;
    t = (r >>> 2 ^ l) & 0x33333333;
    l ^= t, r ^= t << 2;
    t = (l >>> 16 ^ r) & 0x0000ffff;
    r ^= t, l ^= t << 16;
    t = (l >>> 4 ^ r) & 0x0f0f0f0f;
    r ^= t, l ^= t << 4;
    this.#left = l;
    this.#right = r;
  }
}
