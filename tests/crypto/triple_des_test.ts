import assert from "node:assert/strict";
import { TripleDesCbc } from "../../lib/crypto/triple_des.ts";
import { CBC_VECTORS } from "./vectors.ts";

for (const { from, key, iv, plain, sealed } of CBC_VECTORS.filter(({ cipher }) => cipher === "3des")) {
  Deno.test(`TripleDesCbc agrees with ${from}`, () => {
    const view = new DataView(Uint8Array.fromHex(iv + plain).buffer);
    const cipher = new TripleDesCbc(Uint8Array.fromHex(key));
    cipher.encrypt(view, 0, 8, plain.length / 2);
    assert.equal(new Uint8Array(view.buffer).toHex(), iv + sealed);
    cipher.decrypt(view, 0, 8, plain.length / 2);
    assert.equal(new Uint8Array(view.buffer).toHex(), iv + plain);
  });
}

Deno.test("TripleDesCbc with three equal keys is DES (FIPS 46, the example of 133457799bbcdff1)", () => {
  const view = new DataView(Uint8Array.fromHex("0000000000000000" + "0123456789abcdef").buffer);
  new TripleDesCbc(Uint8Array.fromHex("133457799bbcdff1".repeat(3))).encrypt(view, 0, 8, 8);
  assert.equal(view.getBigUint64(8), 0x85e813540f0ab405n);
});

Deno.test("TripleDesCbc ignores the parity bits of its key", () => {
  const [even, odd] = ["10".repeat(24), "11".repeat(24)].map((key) => {
    const view = new DataView(new ArrayBuffer(24));
    new TripleDesCbc(Uint8Array.fromHex(key)).encrypt(view, 0, 8, 16);
    return new Uint8Array(view.buffer).toHex();
  });
  assert.equal(even, odd);
});

Deno.test("TripleDesCbc.wipe() forgets the key", () => {
  const [kept, wiped] = [false, true].map((wipe) => {
    const cipher = new TripleDesCbc(new Uint8Array(24).fill(0x5a));
    if (wipe) cipher.wipe();
    const view = new DataView(new ArrayBuffer(16));
    cipher.encrypt(view, 0, 8, 8);
    return view.getBigUint64(8);
  });
  assert.notEqual(kept, wiped);
});

Deno.test("TripleDesCbc refuses a key of two thirds, and part of a block", () => {
  assert.throws(() => new TripleDesCbc(new Uint8Array(16)), /3des: needs 24 bytes, has 16/);
  const cipher = new TripleDesCbc(new Uint8Array(24));
  assert.throws(() => cipher.encrypt(new DataView(new ArrayBuffer(32)), 0, 8, 7), RangeError);
  assert.throws(() => cipher.decrypt(new DataView(new ArrayBuffer(32)), 0, 8, 9), RangeError);
});
