import { deepEqual, equal, throws } from "node:assert/strict";
import { Malformed, Reader, Writer } from "../../lib/pfkey/bytes.ts";

/** Each writes its bytes into the room that `before` bytes leave. */
const WRITES: [name: string, write: (w: Writer) => void, bytes: number[]][] = [
  ["u8", (w) => w.u8(0x12), [0x12]],
  ["u16", (w) => w.u16(0x1234), [0x34, 0x12]],
  ["u32", (w) => w.u32(0x12345678), [0x78, 0x56, 0x34, 0x12]],
  ["n16", (w) => w.n16(0x1234), [0x12, 0x34]],
  ["n32", (w) => w.n32(0x12345678), [0x12, 0x34, 0x56, 0x78]],
  ["u64", (w) => w.u64(0x12_3456_789a), [0x9a, 0x78, 0x56, 0x34, 0x12, 0, 0, 0]],
  ["bytes", (w) => w.bytes(Uint8Array.of(1, 2, 3)), [1, 2, 3]],
  ["zeros", (w) => w.zeros(3), [0, 0, 0]],
];
for (const [name, write, bytes] of WRITES) {
  Deno.test(`Writer.${name}() writes across every growth`, () => {
    for (let before = 0; before < 600; before++) {
      const w = new Writer();
      for (let i = 0; i < before; i++) w.u8(0xee);
      write(w);
      deepEqual([...w.done().subarray(before)], bytes, `after ${before} bytes`);
      equal(w.length, before + bytes.length);
    }
  });
}

const READS: [name: string, read: (r: Reader) => unknown, bytes: number][] = [
  ["u8", (r) => r.u8(), 1],
  ["u16", (r) => r.u16(), 2],
  ["u32", (r) => r.u32(), 4],
  ["n16", (r) => r.n16(), 2],
  ["n32", (r) => r.n32(), 4],
  ["u64", (r) => r.u64(), 8],
  ["copy", (r) => r.copy(5), 5],
  ["skip", (r) => r.skip(5), 5],
];
for (const [name, read, size] of READS) {
  Deno.test(`Reader.${name}() stops at its end, though there are more bytes behind it`, () => {
    const bytes = new Uint8Array(64);
    const r = new Reader(bytes, 8, 8 + size);
    read(r);
    equal(r.left, 0);
    throws(() => read(new Reader(bytes, 8, 8 + size - 1)), Malformed);
  });
}

Deno.test("Reader reads a view that does not begin at its buffer's start", () => {
  equal(new Reader(Uint8Array.of(9, 9, 1, 2, 3, 4).subarray(2)).n32(), 0x01020304);
});

Deno.test("Reader.u64() holds what a number cannot express to 2^53 - 1", () => {
  equal(new Reader(new Uint8Array(8).fill(0xff)).u64(), Number.MAX_SAFE_INTEGER);
});
