import { deepStrictEqual as deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { Reassembly, splitMessage } from "../../lib/ike/fragments.ts";
import { decodeHeader, encodeMessage } from "../../lib/ike/header_codec.ts";
import type { Payload } from "../../lib/ike/payload.ts";
import { decodePayloads } from "../../lib/ike/payload_codec.ts";

type Fragment = Extract<Payload, { type: "FRAG" }>;

const HEADER = {
  initiatorCookie: new Uint8Array(8).fill(1),
  responderCookie: new Uint8Array(8).fill(2),
  exchange: 2,
  flags: 1,
  messageId: 0,
};
/** A message whose body is numbered, so that no two pieces are alike. */
const message = (bytes: number, seed = 0) =>
  encodeMessage(HEADER, 5, Uint8Array.from({ length: bytes - 28 }, (_, i) => (i * 7 + (i >> 8) + seed) & 0xff));

function fragment(datagram: Uint8Array): Fragment {
  const header = decodeHeader(datagram);
  ok(header.ok && header.firstPayload === 132 && header.header.flags === 0);
  const decoded = decodePayloads(header.firstPayload, datagram.subarray(28));
  ok(decoded.ok && decoded.payloads.length === 1 && decoded.payloads[0].type === "FRAG");
  return decoded.payloads[0];
}

Deno.test("splitMessage() leaves alone what fits, and what would be more than 64 pieces", () => {
  const small = message(500);
  deepEqual(splitMessage(small, 500), [small]);
  equal(splitMessage(message(64 * 100), 136).length, 64);
  equal(splitMessage(message(64 * 100 + 1), 136).length, 1);
  equal(splitMessage(small, 36).length, 1);
});

Deno.test("a piece is a message in clear, with a header of its own: as strongSwan and libreswan send it", () => {
  const pieces = splitMessage(message(100), 90);
  equal(
    pieces[0].slice(0, 36).toHex(),
    "0101010101010101" + "0202020202020202" + "84100200" + "00000000" + "0000005a" + "0000003e" + "00010100",
  );
  equal(pieces[1].slice(16, 36).toHex(), "84100200" + "00000000" + "00000052" + "00000036" + "00010201");
});

Deno.test("Reassembly joins what splitMessage() has split, in any order, with repeats", () => {
  const order = fc.infiniteStream(fc.nat(1000));
  fc.assert(
    fc.property(fc.integer({ min: 28, max: 3000 }), fc.integer({ min: 90, max: 600 }), order, (size, most, chance) => {
      const whole = message(size);
      const datagrams = splitMessage(whole, most);
      if (datagrams.length === 1) return;
      for (const one of datagrams) ok(one.length <= most);
      const left = datagrams.map(fragment);
      const joined = new Reassembly();
      while (left.length) {
        const [{ value: at }, { value: repeat }] = [chance.next(), chance.next()];
        const [one] = left.splice(at % left.length, 1);
        const outcome = joined.add(one);
        if (left.length === 0) deepEqual(outcome, { state: "whole", message: whole });
        else {
          equal(outcome.state, "waiting");
          if (repeat % 3 === 0) equal(joined.add(one).state, "waiting");
        }
      }
    }),
  );
});

Deno.test("Reassembly: what is left of one message does not spoil the next, though the id is the same", () => {
  const [first, second] = [message(400), message(300, 99)].map((one) => splitMessage(one, 136).map(fragment));
  const joined = new Reassembly();
  for (const left of [first[1], first[3]]) joined.add(left); // the last and one in the middle
  const outcomes = second.map((one) => joined.add(one));
  deepEqual(outcomes.map(({ state }) => state), ["waiting", "waiting", "whole"]);
  deepEqual(outcomes[2], { state: "whole", message: message(300, 99) });
});

Deno.test("Reassembly: a message may become longer than the one before it", () => {
  const joined = new Reassembly();
  const piece = (number: number, last: boolean): Fragment => ({
    type: "FRAG",
    id: 1,
    number,
    last,
    data: Uint8Array.of(number),
  });
  equal(joined.add(piece(2, true)).state, "waiting");
  equal(joined.add(piece(2, false)).state, "waiting");
  equal(joined.add(piece(1, false)).state, "waiting");
  deepEqual(joined.add(piece(3, true)), { state: "whole", message: Uint8Array.of(1, 2, 3) });
});

Deno.test("Reassembly has one id at a time", () => {
  const joined = new Reassembly();
  const piece = (id: number, number: number): Fragment => ({
    type: "FRAG",
    id,
    number,
    last: number === 2,
    data: Uint8Array.of(id),
  });
  joined.add(piece(1, 1));
  joined.add(piece(2, 1));
  equal(joined.add(piece(1, 2)).state, "waiting");
  deepEqual(joined.add(piece(1, 1)), { state: "whole", message: Uint8Array.of(1, 1) });
});

const piece = (number: number, bytes: number, last = false): Fragment => ({
  type: "FRAG",
  id: 1,
  number,
  last,
  data: new Uint8Array(bytes),
});

Deno.test("Reassembly refuses numbers out of range", () => {
  for (const number of [0, 65, 255]) {
    deepEqual(new Reassembly().add(piece(number, 1)), {
      state: "refused",
      reason: `fragment ${number}: must be from 1 to 64`,
    });
  }
});

Deno.test("Reassembly holds 64 KB at most, and forgets all of what is more", () => {
  const joined = new Reassembly();
  equal(joined.add(piece(1, 40000)).state, "waiting");
  deepEqual(joined.add(piece(2, 30000)), { state: "refused", reason: "fragments of 70000 bytes together" });
  deepEqual(joined.add(piece(1, 2, true)), { state: "whole", message: new Uint8Array(2) });
});

Deno.test("Reassembly gives up on what does not become whole", () => {
  const joined = new Reassembly();
  for (let i = 0; i < 256; i++) equal(joined.add(piece(1, 1)).state, "waiting");
  deepEqual(joined.add(piece(1, 1)), { state: "refused", reason: "no whole message in 256 fragments" });
  equal(joined.add(piece(1, 1)).state, "waiting");
});

Deno.test("Reassembly takes any fragments, and holds no more than a message", () => {
  const any = fc.record({
    number: fc.integer({ min: 0, max: 66 }),
    last: fc.boolean(),
    size: fc.nat(3000),
    id: fc.nat(1),
  });
  fc.assert(fc.property(fc.array(any, { maxLength: 100 }), (fragments) => {
    const joined = new Reassembly();
    for (const { number, last, size, id } of fragments) {
      const outcome = joined.add({ type: "FRAG", id, number, last, data: new Uint8Array(size) });
      if (outcome.state === "whole") ok(outcome.message.length <= 65535);
    }
  }));
});
