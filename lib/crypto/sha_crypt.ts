/**
 * Passwords as crypt(3) keeps them with SHA-256 and SHA-512, `$5$` and `$6$` (Drepper, "Unix crypt using SHA-256 and
 * SHA-512", version 0.6): what `openssl passwd -6` and mkpasswd write. The step numbers are that paper's.
 */
import { createHash } from "node:crypto";
import { equalBytes } from "./constant_time.ts";

const DIGITS = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const DEFAULT_ROUNDS = 5000, FEWEST_ROUNDS = 1000;
/** More would keep the daemon from its other work for seconds. */
const MOST_ROUNDS = 200_000;
const LONGEST_SALT = 16;
const LONGEST_PASSWORD = 256;

interface Kind {
  readonly hash: "sha256" | "sha512";
  readonly bytes: number;
  /** Groups of three bytes that make four digits, most significant first; the last may be shorter. */
  readonly order: readonly (readonly number[])[];
}

/** Step 22 has a table; it goes round: the third of the next group is where the first of this one was. */
function groups(count: number, third: number, step: number, last: readonly number[]): number[][] {
  const size = 3 * third;
  const rows = Array.from({ length: count }, (_, i) => {
    const at = [0, third, 2 * third].map((start) => (start + i * step) % size);
    return at;
  });
  return [...rows, [...last]];
}

const KINDS: Readonly<Record<string, Kind>> = {
  5: { hash: "sha256", bytes: 32, order: groups(10, 10, 21, [31, 30]) },
  6: { hash: "sha512", bytes: 64, order: groups(21, 21, 22, [63]) },
};
const FORM = /^\$([56])\$(?:rounds=(\d{1,9})\$)?([^$:]{0,64})\$([./0-9A-Za-z]+)$/;

/** @param crypted `$6$SALT$HASH` or `$6$rounds=N$SALT$HASH`, or the same with 5; nothing matches any other form */
export function matchesCrypt(password: Uint8Array, crypted: string): boolean {
  const [, number, roundsText, saltText, hash] = FORM.exec(crypted) ?? [];
  if (hash === undefined || password.length > LONGEST_PASSWORD) return false;
  const rounds = roundsText === undefined ? DEFAULT_ROUNDS : Math.max(FEWEST_ROUNDS, Number(roundsText));
  if (rounds > MOST_ROUNDS) return false;
  const kind = KINDS[number];
  const encoder = new TextEncoder();
  const salt = encoder.encode(saltText).subarray(0, LONGEST_SALT);
  return equalBytes(encoder.encode(digits(shaCrypt(password, salt, rounds, kind), kind)), encoder.encode(hash));
}

function shaCrypt(key: Uint8Array, salt: Uint8Array, rounds: number, { hash, bytes }: Kind): Uint8Array {
  const digest = (...parts: Uint8Array[]) => {
    const h = createHash(hash);
    for (const part of parts) h.update(part);
    return new Uint8Array(h.digest());
  };
  const b = digest(key, salt, key); // 4 to 8
  const bits: Uint8Array[] = [];
  for (let n = key.length; n > 0; n >>= 1) bits.push(n & 1 ? b : key); // 11
  const a = digest(key, salt, repeated(b, key.length), ...bits); // 1 to 12
  const dp = digest(...new Array<Uint8Array>(key.length).fill(key)); // 13 to 15
  const p = repeated(dp, key.length); // 16
  const ds = digest(...new Array<Uint8Array>(16 + a[0]).fill(salt)); // 17 to 19
  const s = repeated(ds.subarray(0, bytes), salt.length); // 20
  let c = a;
  for (let round = 0; round < rounds; round++) { // 21
    const parts = [round & 1 ? p : c];
    if (round % 3 !== 0) parts.push(s);
    if (round % 7 !== 0) parts.push(p);
    parts.push(round & 1 ? c : p);
    c = digest(...parts);
  }
  return c;
}

/** `length` bytes of one text after the other. */
function repeated(text: Uint8Array, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => text[i % text.length]);
}

/** Step 22: six bits a digit, the lowest first. */
function digits(hash: Uint8Array, { order }: Kind): string {
  let text = "";
  for (const group of order) {
    let word = group.reduce((sum, at) => sum << 8 | hash[at], 0);
    for (let i = 0; i <= group.length; i++) {
      text += DIGITS[word & 63];
      word >>>= 6;
    }
  }
  return text;
}
