import { deepEqual, equal, notEqual } from "node:assert/strict";
import { SmallBytes } from "../../lib/packet/small_bytes.ts";

Deno.test("SmallBytes.take() gives zeroes that nobody else has, several of one page", () => {
  const bytes = new SmallBytes(64);
  const taken = Array.from({ length: 20 }, () => bytes.take(8));
  deepEqual(taken.map((one) => [...one]), taken.map(() => new Array(8).fill(0)));
  taken.forEach((one, i) => one.fill(i + 1));
  deepEqual(taken.map((one) => [...one]), taken.map((_, i) => new Array(8).fill(i + 1)));
  equal(new Set(taken.map((one) => one.buffer)).size, 3);
});

Deno.test("SmallBytes.take() gives memory of its own where a quarter of a page is not enough", () => {
  const bytes = new SmallBytes(64);
  const small = bytes.take(16), large = bytes.take(17);
  equal(small.buffer.byteLength, 64);
  equal(large.buffer.byteLength, 17);
  notEqual(small.buffer, large.buffer);
});

Deno.test("SmallBytes.copy() keeps its own copy", () => {
  const given = Uint8Array.of(1, 2, 3);
  const kept = new SmallBytes().copy(given);
  given.fill(9);
  deepEqual([...kept], [1, 2, 3]);
});
