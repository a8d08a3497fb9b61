import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { formatProtocolPort, type NameDatabase, parseProtocolPort } from "../../lib/text/protocol_port.ts";
import { aText } from "./_arbitraries.ts";

const PROTOCOLS = new Map([["icmp", 1], ["tcp", 6], ["udp", 17], ["a-very-long-protocol", 99]]);
const SERVICES = new Map([["smtp", 25], ["isakmp", 500], ["a-very-long-service", 99]]);
const names: NameDatabase = {
  protocolNumber: (name) => PROTOCOLS.get(name),
  servicePort: (name) => SERVICES.get(name),
};

const NO_PROTOCOL = "<protocol> is neither a number nor a valid name";
const PROTOCOL_RANGE = "<protocol> must be between 0 and 255";
const NO_PORT = "<port> is neither a number nor a valid name";
const PORT_RANGE = "<port> must be between 0 and 65535";

/** Vectors: text-forms.md §10. */
const READ: [text: string, outcome: string][] = [
  ["tcp", "6/0"],
  ["17/1701", "17/1701"],
  ["tcp/smtp", "6/25"],
  ["icmp", "1/0"],
  ["udp/isakmp", "17/500"],
  ["", "0/0"],
  ["/", "0/0"],
  ["tcp/", "6/0"],
  ["/80", "0/80"],
  ["0x11/010", "17/8"],
  ["255/65535", "255/65535"],
  [" 6/ 25", "6/25"],
  ["tcp/a-very-long-service", "6/99"],
  ["TCP", NO_PROTOCOL],
  ["smtp", NO_PROTOCOL],
  ["6x", NO_PROTOCOL],
  ["a-very-long-protocol", NO_PROTOCOL],
  ["nope/nope", NO_PROTOCOL],
  ["256", PROTOCOL_RANGE],
  ["-1", PROTOCOL_RANGE],
  ["256/65536", PROTOCOL_RANGE],
  ["tcp/http?", NO_PORT],
  ["tcp/tcp", NO_PORT],
  ["tcp/80/80", NO_PORT],
  ["tcp/80 ", NO_PORT],
  ["tcp/65536", PORT_RANGE],
  ["tcp/-1", PORT_RANGE],
];
for (const [text, outcome] of READ) {
  Deno.test(`parseProtocolPort() of "${text}" gives ${outcome}`, () => {
    const read = parseProtocolPort(text, names);
    equal(read.ok ? formatProtocolPort(read.value) : read.error, outcome);
  });
}

Deno.test("parseProtocolPort() reads what formatProtocolPort() wrote", () => {
  fc.assert(fc.property(fc.nat(255), fc.nat(65535), (protocol, port) => {
    const value = { protocol, port };
    deepEqual(parseProtocolPort(formatProtocolPort(value), names), { ok: true, value });
  }));
});

Deno.test("parseProtocolPort() answers any text, with numbers in their ranges", () => {
  fc.assert(fc.property(aText("tcp", "smtp", "/", "0x", "1", "99", "-", " ", "é"), (text) => {
    const read = parseProtocolPort(text, names);
    if (!read.ok) return equal(typeof read.error, "string");
    deepEqual([read.value.protocol & 0xff, read.value.port & 0xffff], [read.value.protocol, read.value.port]);
  }));
});
