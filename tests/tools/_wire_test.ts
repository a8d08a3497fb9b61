import { deepStrictEqual as deepEqual, strictEqual as equal } from "node:assert/strict";
import { fileHeader, record } from "../../tools/_capture.ts";
import { decodeSeen, dump, holds } from "../../tools/_wire.ts";
import { readCapture } from "../netns/_wire.ts";

const bytes = (hex: string) => Uint8Array.fromHex(hex.replaceAll(" ", ""));

const ESP4 = "45000024 00000000 40320000 c0000201 c0000202 00001000 00000001 01020304 05060708";
const ICMP6 = "60000000 00083a40 20010db8000000000000000000000001 20010db8000000000000000000000002 8000000000000000";

const SEEN: [what: string, hex: string, seen: [string, string, string, number] | undefined][] = [
  ["ESP over IPv4", ESP4, ["ESP", "192.0.2.1", "192.0.2.2", 20]],
  ["an IPv4 header with options", `46${ESP4.slice(2)}`, ["ESP", "192.0.2.1", "192.0.2.2", 24]],
  ["ICMPv6", ICMP6, ["ICMPv6", "2001:db8::1", "2001:db8::2", 40]],
  ["an unknown protocol", ESP4.replace("4032", "4084"), ["protocol 132", "192.0.2.1", "192.0.2.2", 20]],
  ["ARP", "0001080006040001", undefined],
  ["a cut IPv4 header", ESP4.slice(0, 35), undefined],
  ["a cut IPv6 header", ICMP6.slice(0, 59), undefined],
];
for (const [what, hex, expected] of SEEN) {
  Deno.test(`decodeSeen() of ${what}`, () => {
    const seen = decodeSeen(bytes(hex));
    deepEqual(seen && [seen.protocol, seen.source, seen.destination, seen.headerBytes], expected);
  });
}

const HOLDS: [where: string, text: string, expected: boolean][] = [
  ["at the start", "goo", true],
  ["at the end", "ose", true],
  ["only in part", "goosey", false],
  ["not", "swan", false],
];
for (const [where, text, expected] of HOLDS) {
  Deno.test(`holds() of a text that is there ${where}`, () =>
    equal(holds(new TextEncoder().encode("goose"), text), expected));
}

Deno.test("dump() shows 16 bytes a line, and what is no text as dots", () => {
  deepEqual(dump(new Uint8Array([...new TextEncoder().encode("honk at midnight"), 0, 127, 65])), [
    "68 6f 6e 6b 20 61 74 20 6d 69 64 6e 69 67 68 74  honk at midnight",
    `00 7f 41${" ".repeat(41)}..A`,
  ]);
});

Deno.test("record() after fileHeader() is a capture file", () => {
  const frame = bytes(`0000000000010000000000020800 ${ESP4}`);
  const file = new Uint8Array([...fileHeader(), ...record(frame, 1500.25)]);
  deepEqual(readCapture(file).map((packet) => packet.bytes), [frame.subarray(14)]);
  const view = new DataView(file.buffer);
  deepEqual([view.getUint32(24, true), view.getUint32(28, true)], [1, 500250]); // seconds, microseconds
});
