import assert from "node:assert/strict";
import fc from "fast-check";
import { equalAt, equalBytes } from "../../lib/crypto/constant_time.ts";

Deno.test("equalBytes() says what comparing as text says", () => {
  const few = fc.uint8Array({ max: 1, maxLength: 4 });
  fc.assert(fc.property(few, few, (a, b) => equalBytes(a, b) === (a.toHex() === b.toHex())));
});

Deno.test("equalAt() compares the range alone", () => {
  const [a, b] = [Uint8Array.of(9, 1, 2, 3, 9), Uint8Array.of(1, 2, 3)];
  assert.ok(equalAt(a, 1, b, 0, 3));
  assert.equal(equalAt(a, 0, b, 0, 3), false);
});

Deno.test("equalAt() never takes what lies past the end for zeros", () => {
  assert.equal(equalAt(new Uint8Array(4), 0, new Uint8Array(8), 0, 8), false);
  assert.equal(equalAt(new Uint8Array(8), 0, new Uint8Array(8), 1, 8), false);
});
