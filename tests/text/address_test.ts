import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import {
  anyAddress,
  compareAddresses,
  type Family,
  formatAddress,
  isAnyAddress,
  isLoopbackAddress,
  loopbackAddress,
  makeAddress,
  type NameLookup,
  parseAddress,
  parseNumericAddress,
  resolveAddress,
  sameAddress,
} from "../../lib/text/address.ts";
import { anAddress, aText, unwrap } from "./_arbitraries.ts";

const OVERFLOW = "byte overflow in dotted-decimal address";
const SYNTAX = "syntax error in dotted-decimal address";
const GARBAGE = "extra garbage on end of dotted-decimal address";
const NON_NUMERIC = "non-numeric component in dotted-decimal address";
const NON_HEX_DIGIT = "non-hex digit in hex number";
const NON_DNS = "illegal (non-DNS-name) character in name";
const NAME_FAILED = "does not look numeric and name lookup failed";
const NOT_IPV6 = "non-ipv6 address may not contain `:'";
const LEADING = "illegal leading `:' in IPv6 numeric address";
const TRAILING = "illegal trailing `:' in IPv6 numeric address";
const TWO_GAPS = "more than one :: in IPv6 numeric address";
const PREMATURE = "IPv6 numeric address ends prematurely";
const SYNTAX_6 = "syntax error in IPv6 numeric address";
const GARBAGE_6 = "extra garbage on end of IPv6 numeric address";
const IDLE_GAP = "non-abbreviating empty field in IPv6 numeric address";
const NON_HEX_FIELD = "non-hex field in IPv6 numeric address";
const LONG_FIELD = "field in IPv6 numeric address longer than 4 hex digits";

/** Vectors: text-forms.md §3. */
const READ: [family: Family | 0, text: string, address: string][] = [
  ["inet", "1.2.3.4", "1.2.3.4"],
  ["inet", "010.020.1.1", "10.20.1.1"],
  ["inet", "0000000255.0.0.1", "255.0.0.1"],
  ["inet", "10", "10.0.0.0"],
  ["inet", "10.0.1", "10.0.1.0"],
  ["inet", "127.1", "127.1.0.0"],
  ["inet", "1.", "1.0.0.0"],
  ["inet", "1.2.3.", "1.2.3.0"],
  ["inet", "0x01020304", "1.2.3.4"],
  ["inet", "0XfFfe0009", "255.254.0.9"],
  ["inet", "0h01020304", "4.3.2.1"],
  ["inet", "0H01020304", "4.3.2.1"],
  [0, "1.2.3.4", "1.2.3.4"],
  [0, "::1", "::1"],
  ["inet6", "::", "::"],
  ["inet6", "0::", "::"],
  ["inet6", "::0", "::"],
  ["inet6", "1::", "1::"],
  ["inet6", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
  ["inet6", "1:2:3:4:5:6::", "1:2:3:4:5:6::"],
  ["inet6", "::1:2:3:4:5:6", "::1:2:3:4:5:6"],
  ["inet6", "1:2:3:4:5::8", "1:2:3:4:5::8"],
  ["inet6", "1::0:0:2", "1::2"],
  ["inet6", "::ffff:1:2", "::ffff:1:2"],
  ["inet6", "0012:000a::FFFF", "12:a::ffff"],
];
for (const [family, text, address] of READ) {
  Deno.test(`parseAddress() reads ${text} in ${family} as ${address}`, () => {
    equal(formatAddress(unwrap(parseAddress(text, family))), address);
  });
}

const REFUSED: [family: Family | 0, text: string, error: string][] = [
  ["inet", "", "empty string"],
  ["inet6", "", "empty string"],
  [0, "", "empty string"],
  ["inet", "256", OVERFLOW],
  ["inet", "256.1.1.1", OVERFLOW],
  ["inet", "0400", OVERFLOW],
  ["inet", "4294967295", OVERFLOW],
  ["inet", "1.2.3.256", OVERFLOW],
  ["inet", "1.2a.com", SYNTAX],
  ["inet", "1.2.3a.4", SYNTAX],
  ["inet", "1.2.3.4.", GARBAGE],
  ["inet", "1.2.3.4.5", GARBAGE],
  ["inet", "1.2.3.4x", GARBAGE],
  ["inet", "1.2.3.4 ", GARBAGE],
  ["inet", "1.2.3.4\n", GARBAGE],
  ["inet", "1.2..3", NON_NUMERIC],
  ["inet", "1.2.3.+4", NON_NUMERIC],
  ["inet", "0x0102030g", NON_HEX_DIGIT],
  ["inet", "0h0102 304", NON_HEX_DIGIT],
  ["inet", "%any", NON_DNS],
  ["inet", "%defaultroute", NON_DNS],
  ["inet", "a,b", NON_DNS],
  ["inet", " 1.2.3.4", NON_DNS],
  ["inet", "1/2", NON_DNS],
  ["inet", "::1", NOT_IPV6],
  ["inet6", ":1", LEADING],
  ["inet6", ":", LEADING],
  ["inet6", "1:", TRAILING],
  ["inet6", "1:2:3:4:5:6:7:", TRAILING],
  ["inet6", "1::2::3", TWO_GAPS],
  ["inet6", ":::", TWO_GAPS],
  ["inet6", "1:::2", TWO_GAPS],
  ["inet6", "1:2:3", PREMATURE],
  ["inet6", "1:2:3:4:5:6:7", PREMATURE],
  ["inet6", "::1.2.3.4", SYNTAX_6],
  ["inet6", "fe80::1%eth0", SYNTAX_6],
  ["inet6", "1:2:3:4:5:6:7:8:9", GARBAGE_6],
  ["inet6", "1:2:3:4:5:6:7:8%eth0", GARBAGE_6],
  ["inet6", "1:2:3:4:5:6:7::", GARBAGE_6],
  ["inet6", "::1:2:3:4:5:6:7:8", GARBAGE_6],
  ["inet6", "1::2:3:4:5:6:7", IDLE_GAP],
  ["inet6", "::1:2:3:4:5:6:7", IDLE_GAP],
  ["inet6", "::2:3:4:5:6:7:8", IDLE_GAP],
  ["inet6", "g::", NON_HEX_FIELD],
  ["inet6", "[::1]", NON_HEX_FIELD],
  ["inet6", "12345::", LONG_FIELD],
  [0, "g::", NON_HEX_FIELD],
];
for (const [family, text, error] of REFUSED) {
  Deno.test(`parseAddress() refuses "${text}" in ${family}: ${error}`, () => {
    deepEqual(parseAddress(text, family), { ok: false, error });
  });
}

const NAMES: [family: Family | 0, name: string][] = [
  ["inet", "1a"],
  ["inet", "1a.b.com"],
  ["inet", "1..2"],
  ["inet", ".1"],
  ["inet", "-1"],
  ["inet", "0x0102"],
  ["inet", "0x0102030405"],
  ["inet", "east_1.example"],
  ["inet", "münchen.example"],
  ["inet6", "1.2.3.4"],
  ["inet6", "a"],
  ["inet6", "0x01020304"],
  [0, "east.example"],
  [0, "0x01020304"],
];
for (const [family, name] of NAMES) {
  Deno.test(`parseAddress() leaves ${name} in ${family} to a name lookup`, () => {
    deepEqual(parseAddress(name, family), { ok: false, error: NAME_FAILED, name });
  });
}

const HOSTS: Record<string, Partial<Record<Family, number[]>>> = {
  "east.example": { inet: [192, 0, 2, 2], inet6: [0x20, 1, ...new Array(13).fill(0), 2] },
  "odd.example": { inet: [1, 2, 3] },
};
const lookup: NameLookup = (name, family) => {
  const bytes = HOSTS[name]?.[family];
  return Promise.resolve(bytes && Uint8Array.from(bytes));
};

const RESOLVED: [family: Family | 0, text: string, outcome: string][] = [
  ["inet", "192.0.2.1", "192.0.2.1"],
  ["inet", "east.example", "192.0.2.2"],
  ["inet6", "east.example", "2001::2"],
  ["inet", "none.example", NAME_FAILED],
  ["inet", "odd.example", "address-type mismatch from gethostbyname2!!!"],
  ["inet", "%any", NON_DNS],
  [0, "east.example", NAME_FAILED],
];
for (const [family, text, outcome] of RESOLVED) {
  Deno.test(`resolveAddress() of ${text} in ${family} gives ${outcome}`, async () => {
    const address = await resolveAddress(text, family, lookup);
    equal(address.ok ? formatAddress(address.value) : address.error, outcome);
  });
}

Deno.test("resolveAddress() looks no number up, and no name of a wrong form", async () => {
  const never: NameLookup = () => Promise.reject(new Error("looked up"));
  for (const text of ["1.2.3.4", "1.2.3.4.5", "1.2.3.256", "%any", ""]) await resolveAddress(text, "inet", never);
});

const NUMERIC: [family: Family | 0, text: string, outcome: string][] = [
  ["inet", "10.1", "10.1.0.0"],
  ["inet", "1.2.3.400", OVERFLOW],
  ["inet", "0x01020304", "does not appear to be numeric address"],
  ["inet", "east.example", "does not appear to be numeric address"],
  ["inet", "::1", "does not appear to be numeric address"],
  ["inet", "", "empty string"],
  ["inet6", "1::2", "1::2"],
  ["inet6", "1.2.3.4", SYNTAX_6],
  ["inet6", "west", NON_HEX_FIELD],
  [0, "1::2", "1::2"],
  [0, "1.2.3.4", "1.2.3.4"],
  [0, "east", "does not appear to be either IPv4 or IPv6 numeric address"],
];
for (const [family, text, outcome] of NUMERIC) {
  Deno.test(`parseNumericAddress() of "${text}" in ${family} gives ${outcome}`, () => {
    const address = parseNumericAddress(text, family);
    equal(address.ok ? formatAddress(address.value) : address.error, outcome);
  });
}

const WRITTEN: [address: string, format: 0 | "Q" | "r", text: string][] = [
  ["010.2.3.4", 0, "10.2.3.4"],
  ["1.2.3.4", "Q", "1.2.3.4"],
  ["1.2.3.4", "r", "4.3.2.1.IN-ADDR.ARPA."],
  ["1:2:0:0:3:4:0:0", 0, "1:2::3:4:0:0"],
  ["1:0:2:3:4:5:6:7", 0, "1:0:2:3:4:5:6:7"],
  ["1:0:0:0:3:0:0:2", 0, "1::3:0:0:2"],
  ["1:0:0:3:0:0:0:2", 0, "1::3:0:0:0:2"],
  ["1:2:3:4:5:6:0:0", 0, "1:2:3:4:5:6::"],
  ["1:2:3:4:5:6:7:0", 0, "1:2:3:4:5:6:7:0"],
  ["0:0:0:0:0:0:0:0", 0, "::"],
  ["1:2::3:4", "Q", "1:2:0:0:0:0:3:4"],
  ["1:2::3:4", "r", "4.0.0.0.3.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.2.0.0.0.1.0.0.0.IP6.ARPA."],
];
for (const [address, format, text] of WRITTEN) {
  Deno.test(`formatAddress() writes ${address} in format ${format} as ${text}`, () => {
    equal(formatAddress(unwrap(parseAddress(address, 0)), format), text);
  });
}

Deno.test("makeAddress() takes bytes of the family's length only", () => {
  deepEqual(makeAddress(Uint8Array.of(1, 2, 3, 4), "inet"), {
    ok: true,
    value: { family: "inet", bytes: Uint8Array.of(1, 2, 3, 4) },
  });
  deepEqual(makeAddress(new Uint8Array(16), "inet"), {
    ok: false,
    error: "IPv4 address must be exactly 4 bytes",
  });
  deepEqual(makeAddress(new Uint8Array(4), "inet6"), {
    ok: false,
    error: "IPv6 address must be exactly 16 bytes",
  });
});

const SPECIAL: [address: string, any: boolean, loopback: boolean][] = [
  ["0.0.0.0", true, false],
  ["::", true, false],
  ["127.0.0.1", false, true],
  ["::1", false, true],
  ["127.0.0.2", false, false],
  ["::2", false, false],
];
for (const [text, any, loopback] of SPECIAL) {
  Deno.test(`isAnyAddress() of ${text} is ${any}, isLoopbackAddress() ${loopback}`, () => {
    const address = unwrap(parseAddress(text, 0));
    deepEqual([isAnyAddress(address), isLoopbackAddress(address)], [any, loopback]);
  });
}

Deno.test("anyAddress() and loopbackAddress() are those of the family", () => {
  deepEqual((["inet", "inet6"] as const).map((family) => formatAddress(anyAddress(family))), ["0.0.0.0", "::"]);
  deepEqual((["inet", "inet6"] as const).map((family) => formatAddress(loopbackAddress(family))), ["127.0.0.1", "::1"]);
});

Deno.test("compareAddresses() goes by bytes, then by length", () => {
  const sorted = ["::", "0.0.0.1", "9.0.0.0", "10.0.0.0", "a00::", "10.0.0.1", "200.0.0.0"];
  const addresses = sorted.map((text) => unwrap(parseAddress(text, 0)));
  deepEqual(addresses.toSorted(compareAddresses).map((address) => formatAddress(address)), [
    "::",
    "0.0.0.1",
    "9.0.0.0",
    "10.0.0.0",
    "a00::",
    "10.0.0.1",
    "200.0.0.0",
  ]);
  equal(compareAddresses(anyAddress("inet"), anyAddress("inet6")), -1);
});

Deno.test("compareAddresses() is an order, and 0 for the same address only", () => {
  fc.assert(fc.property(anAddress(), anAddress(), (a, b) => {
    equal(compareAddresses(a, b) + compareAddresses(b, a), 0);
    equal(sameAddress(a, b), a.family === b.family && formatAddress(a, "Q") === formatAddress(b, "Q"));
  }));
});

for (const format of [0, "Q"] as const) {
  Deno.test(`parseAddress() reads what formatAddress() wrote in format ${format}`, () => {
    fc.assert(fc.property(anAddress(), (address) => {
      const text = formatAddress(address, format);
      deepEqual(parseAddress(text, address.family), { ok: true, value: address });
      deepEqual(parseAddress(text, 0), { ok: true, value: address });
      deepEqual(parseNumericAddress(text, 0), { ok: true, value: address });
    }));
  });
}

Deno.test("formatAddress() reverses the uncompressed digits for the name", () => {
  fc.assert(fc.property(anAddress("inet6"), (address) => {
    const digits = formatAddress(address, "Q").split(":").map((field) => field.padStart(4, "0")).join("");
    equal(formatAddress(address, "r"), `${[...digits].reverse().join(".")}.IP6.ARPA.`);
  }));
});

Deno.test("parseAddress() answers any text, and what it reads it writes and reads again", () => {
  const texts = aText(".", ":", "::", "0", "1", "255", "256", "ffff", "g", "0x", "0h", "01020304", "-", " ", "%", "é");
  fc.assert(fc.property(texts, fc.constantFrom<Family | 0>("inet", "inet6", 0), (text, family) => {
    const parsed = parseAddress(text, family);
    if (!parsed.ok) return equal(typeof parsed.error, "string");
    deepEqual(parseAddress(formatAddress(parsed.value), parsed.value.family), parsed);
  }));
});
