import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { anyAddress, type NameLookup, parseAddress } from "../../lib/text/address.ts";
import {
  formatSaId,
  MAGIC_SPIS,
  parseSaId,
  protocolName,
  resolveSaId,
  SA_PROTOCOLS,
  type SaId,
  type SaIdFormat,
  sameSaId,
} from "../../lib/text/sa_id.ts";
import { anAddress, aText, unwrap } from "./_arbitraries.ts";

const NON_DNS = "illegal (non-DNS-name) character in name";
const NAME_FAILED = "does not look numeric and name lookup failed";
const NO_PROTOCOL = "SA specifier lacks valid protocol prefix";
const NON_DIGIT = "non-digit in number";
const NOT_IPV6 = "non-ipv6 address may not contain `:'";
const KEYWORD = "unknown % keyword";

/** Vectors: text-forms.md §6, read and written in format 0. */
const READ: [text: string, written: string][] = [
  ["esp257@1.2.3.0", "esp.101@1.2.3.0"],
  ["ah0x20@1.2.3.4", "ah.20@1.2.3.4"],
  ["tun20@1.2.3.4", "tun.14@1.2.3.4"],
  ["esp257@0bc:12de::1", "esp:101@bc:12de::1"],
  ["esp:101@::1", "esp:101@::1"],
  ["ah0@0", "ah.0@0.0.0.0"],
  ["comp.5@1.2.3.4", "comp.5@1.2.3.4"],
  ["tun.0@1.2.3.4", "tun.0@1.2.3.4"],
  ["tun0@::", "%passthrough6"],
  ["tun:0@::", "%passthrough6"],
  ["tun.0@0.0.0.0", "%passthrough4"],
  ["int256@0.0.0.0", "%pass"],
  ["int.100@1.2.3.4", "%pass"],
  ["int.106@0.0.0.0", "int.106@0.0.0.0"],
  ["esp.FFFFFFFF@1.2.3.4", "esp.ffffffff@1.2.3.4"],
  ["%passthrough", "%passthrough4"],
  ["%passthrough4", "%passthrough4"],
  ["%passthrough6", "%passthrough6"],
  ["%pass", "%pass"],
  ["%drop", "%drop"],
  ["%reject", "%reject"],
  ["%hold", "%hold"],
  ["%trap", "%trap"],
  ["%trapsubnet", "%trapsubnet"],
];
for (const [text, written] of READ) {
  Deno.test(`parseSaId() reads ${text}, which is ${written}`, () =>
    equal(formatSaId(unwrap(parseSaId(text))), written));
}

const REFUSED: [text: string, error: string][] = [
  ["", "empty string"],
  ["esp.1@", "empty string"],
  ["ah0@", "string too short to be SA identifier"],
  ["%any", "string too short to be SA identifier"],
  ["%hold ", KEYWORD],
  ["%bogus", KEYWORD],
  ["%PASS", KEYWORD],
  ["%constructor", KEYWORD],
  ["esp.5a7", "no @ in SA specifier"],
  ["foo.5@1.2.3.4", NO_PROTOCOL],
  ["ESP.5@1.2.3.4", NO_PROTOCOL],
  ["@esp.5", NO_PROTOCOL],
  ["esp@1.2.3.4", "no SPI in SA specifier"],
  ["esp.@1.2.3.4", "no SPI found in SA specifier"],
  ["esp:@::1", "no SPI found in SA specifier"],
  ["esp.0x12@1.2.3.4", "non-hex digit in hex number"],
  ["esp.123456789@1.2.3.4", "hex number too long"],
  ["esp4294967296@1.2.3.4", "unsigned-long overflow"],
  ["espp9@1.2.3.4", NON_DIGIT],
  ["esp7x7@1.2.3.4", NON_DIGIT],
  ["esp.5@%any", NON_DNS],
  ["esp.101@::1", NOT_IPV6],
  ["tun.500@3049:1::1", NOT_IPV6],
  ["esp:101@1.2.3.4", NAME_FAILED],
  ["esp.5@1.2.3.4@5", "extra garbage on end of dotted-decimal address"],
];
for (const [text, error] of REFUSED) {
  Deno.test(`parseSaId() refuses "${text}": ${error}`, () => deepEqual(parseSaId(text), { ok: false, error }));
}

const lookup: NameLookup = (name) => Promise.resolve(name === "east" ? Uint8Array.of(192, 0, 2, 2) : undefined);
const RESOLVED: [text: string, outcome: string][] = [
  ["esp.101@east", "esp.101@192.0.2.2"],
  ["esp257@east", "esp.101@192.0.2.2"],
  ["esp.101@none", NAME_FAILED],
  ["%pass", "%pass"],
  ["esp.0x1@east", "non-hex digit in hex number"],
];
for (const [text, outcome] of RESOLVED) {
  Deno.test(`resolveSaId() of ${text} gives ${outcome}`, async () => {
    const id = await resolveSaId(text, lookup);
    equal(id.ok ? formatSaId(id.value) : id.error, outcome);
  });
}

function saId(protocol: number, spi: number, destination: string): SaId {
  return { protocol, spi, destination: unwrap(parseAddress(destination, 0)) };
}

const FORMATS: [format: SaIdFormat, v4: string, v6: string, unknown: string, magic: string][] = [
  [0, "esp.5a7@1.2.3.4", "tun:5a7@1::2", "unk77.9@1.2.3.4", "%trapsubnet"],
  ["f", "esp.000005a7@1.2.3.4", "tun:000005a7@1::2", "unk77.00000009@1.2.3.4", "%trapsubnet"],
  ["x", "esp0x5a7@1.2.3.4", "tun0x5a7@1::2", "unk770x9@1.2.3.4", "%trapsubnet"],
  ["d", "esp1447@1.2.3.4", "tun1447@1::2", "unk779@1.2.3.4", "%trapsubnet"],
];
for (const [format, ...texts] of FORMATS) {
  Deno.test(`formatSaId() in format ${format}: both families, an unknown protocol, a magic SA`, () => {
    const ids = [
      saId(50, 0x5a7, "1.2.3.4"),
      saId(4, 0x5a7, "1::2"),
      saId(77, 9, "1.2.3.4"),
      saId(61, 261, "1.2.3.4"),
    ];
    deepEqual(ids.map((id) => formatSaId(id, format)), texts);
  });
}

Deno.test("protocolName() names the protocols of SAs, and numbers others", () => {
  deepEqual(Object.values(SA_PROTOCOLS).map(protocolName), ["ah", "esp", "tun", "comp", "int"]);
  equal(protocolName(6), "unk6");
});

Deno.test("sameSaId() compares protocol, SPI and destination", () => {
  const id = saId(50, 0x100, "192.0.2.1");
  equal(sameSaId(id, saId(50, 0x100, "192.0.2.1")), true);
  equal(sameSaId(id, saId(51, 0x100, "192.0.2.1")), false);
  equal(sameSaId(id, saId(50, 0x101, "192.0.2.1")), false);
  equal(sameSaId(id, saId(50, 0x100, "192.0.2.2")), false);
  equal(sameSaId({ ...id, destination: anyAddress("inet") }, { ...id, destination: anyAddress("inet6") }), false);
});

const SA_IDS = fc.record({
  protocol: fc.constantFrom(...Object.values(SA_PROTOCOLS)),
  spi: fc.oneof(fc.constantFrom(0, ...Object.values(MAGIC_SPIS)), fc.nat(0xffffffff)),
  destination: anAddress(),
}, { noNullPrototype: true });

for (const format of [0, "f", "x", "d"] as const) {
  Deno.test(`parseSaId() reads what formatSaId() wrote in format ${format}`, () => {
    fc.assert(fc.property(SA_IDS, (id) => {
      const text = formatSaId(id, format);
      // The name of a magic SA does not tell its address.
      const destination = text.startsWith("%") && id.protocol === SA_PROTOCOLS.int
        ? anyAddress("inet")
        : id.destination;
      deepEqual(parseSaId(text), { ok: true, value: { ...id, destination } });
    }));
  });
}

Deno.test("parseSaId() answers any text", () => {
  const texts = aText("esp", "ah", "tun", "int", ".", ":", "@", "%pass", "%", "100", "0x", "::1", "1.2.3.4", "é", " ");
  fc.assert(fc.property(texts, (text) => {
    const parsed = parseSaId(text);
    if (!parsed.ok) return equal(typeof parsed.error, "string");
    equal(formatSaId(unwrap(parseSaId(formatSaId(parsed.value)))), formatSaId(parsed.value));
  }));
});
