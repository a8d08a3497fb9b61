/** Frames of IKE datagrams: what goes in comes out, however the stream is cut; what is no frame is refused. */
import { deepStrictEqual as deepEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { encodeIkeFrame, type IkeFrame, IkeFrameReader } from "../../lib/packet/ike_frame.ts";

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const port = fc.integer({ min: 0, max: 65535 });
const frame: fc.Arbitrary<IkeFrame> = fc.constantFrom("inet" as const, "inet6" as const).chain((family) =>
  fc.record({
    local: fc.record({ family: fc.constant(family), bytes: bytes(family === "inet" ? 4 : 16) }, {
      noNullPrototype: true,
    }),
    localPort: port,
    remote: fc.record({ family: fc.constant(family), bytes: bytes(family === "inet" ? 4 : 16) }, {
      noNullPrototype: true,
    }),
    remotePort: port,
    datagram: fc.uint8Array({ maxLength: 200 }),
  }, { noNullPrototype: true })
);

Deno.test("IkeFrameReader gives back what encodeIkeFrame was given, however the stream is cut", () => {
  fc.assert(fc.property(fc.array(frame, { maxLength: 5 }), fc.integer({ min: 1, max: 300 }), (frames, step) => {
    const stream = Uint8Array.from(frames.flatMap((one) => [...encodeIkeFrame(one)]));
    const reader = new IkeFrameReader();
    const found: IkeFrame[] = [];
    for (let at = 0; at < stream.length; at += step) found.push(...reader.push(stream.subarray(at, at + step)));
    deepEqual(found, frames);
  }));
});

Deno.test("IkeFrameReader never does other than give frames or throw RangeError", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (stream) => {
    try {
      new IkeFrameReader().push(stream);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }));
});

const REFUSED: [what: string, stream: number[]][] = [
  ["a frame longer than any datagram", [0x00, 0x02, 0x00, 0x00]],
  ["an unknown family", [0, 0, 0, 13, 5, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]],
  ["a frame that ends within its addresses", [0, 0, 0, 6, 4, 0, 0, 0, 0, 1]],
  ["an empty frame", [0, 0, 0, 0]],
];
for (const [what, stream] of REFUSED) {
  Deno.test(`IkeFrameReader refuses ${what}`, () => {
    throws(() => new IkeFrameReader().push(Uint8Array.from(stream)), RangeError);
  });
}
