import { deepEqual, equal, throws } from "node:assert/strict";
import fc from "fast-check";
import { MessageReader } from "../../lib/pfkey/framing.ts";

/** A message of `words`, whose body counts up from `seed`. */
function message(words: number, seed = 0): Uint8Array {
  const raw = Uint8Array.from({ length: words * 8 }, (_, i) => seed + i & 0xff);
  raw[0] = 2;
  new DataView(raw.buffer).setUint16(4, words, true);
  return raw;
}

const THREE = [message(2, 1), message(5, 2), message(3, 3)];
const STREAM = Uint8Array.from(THREE.flatMap((raw) => [...raw]));

function collect(chunks: Iterable<Uint8Array>): Uint8Array[] {
  const reader = new MessageReader();
  return [...chunks].flatMap((chunk) => reader.push(chunk));
}

Deno.test("MessageReader finds messages wherever the stream is split in two", () => {
  for (let at = 0; at <= STREAM.length; at++) {
    deepEqual(collect([STREAM.subarray(0, at), STREAM.subarray(at)]), THREE, `split at ${at}`);
  }
});

Deno.test("MessageReader finds messages that come byte by byte, each when its last byte is there", () => {
  const reader = new MessageReader();
  const counts = [...STREAM].map((byte) => reader.push(Uint8Array.of(byte)).length);
  const complete = counts.flatMap((count, i) => count ? [i + 1] : []);
  deepEqual(complete, [16, 16 + 40, 16 + 40 + 24]);
});

Deno.test("MessageReader finds any messages in any chunks", () => {
  const sizes = fc.array(fc.integer({ min: 2, max: 600 }), { maxLength: 12 });
  const cuts = fc.array(fc.nat(), { maxLength: 20 });
  fc.assert(fc.property(sizes, cuts, (sizes, cuts) => {
    const messages = sizes.map((words, i) => message(words, i));
    const stream = Uint8Array.from(messages.flatMap((raw) => [...raw]));
    const at = [0, ...cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b), stream.length];
    deepEqual(collect(at.slice(1).map((end, i) => stream.subarray(at[i], end))), messages);
  }));
});

Deno.test("MessageReader copies: a chunk and a message can be overwritten", () => {
  const reader = new MessageReader();
  const chunk = STREAM.slice(0, 30);
  const [first] = reader.push(chunk);
  chunk.fill(0xff);
  first.fill(0xff);
  deepEqual(reader.push(STREAM.subarray(30)), THREE.slice(1));
});

Deno.test("MessageReader reads the largest message", () => {
  const largest = message(65535);
  const chunks = Array.from({ length: 17 }, (_, i) => largest.subarray(i * 32768, (i + 1) * 32768));
  deepEqual(collect(chunks), [largest]);
});

const GARBAGE: [what: string, bytes: Uint8Array][] = [
  ["a length of 0", Uint8Array.from([2, ...new Array(15).fill(0)])],
  ["a length of 8 bytes", Uint8Array.from([2, 0, 0, 0, 1, ...new Array(11).fill(0)])],
  ["text", new TextEncoder().encode("GET / HTTP/1.1\r\nHost: gateway\r\n")],
  ["ones", new Uint8Array(16).fill(0xff)],
];
for (const [what, bytes] of GARBAGE) {
  Deno.test(`MessageReader refuses ${what}`, () => {
    throws(() => new MessageReader().push(bytes), RangeError);
  });
}

Deno.test("MessageReader hands out a short message of another version, so that it can be refused", () => {
  const raw = message(2);
  raw[0] = 1;
  equal(collect([raw]).length, 1);
});
