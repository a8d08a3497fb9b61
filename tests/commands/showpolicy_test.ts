import { deepStrictEqual as deepEqual, match, strictEqual as equal } from "node:assert/strict";
import { findSocket } from "../../commands/_socket_ends.ts";
import { type PolicyReport, reportJson, reportText, verdictOf } from "../../commands/_showpolicy_text.ts";
import { showpolicy } from "../../commands/showpolicy.ts";
import type { Route } from "../../lib/ffi/rtnetlink.ts";
import { type Address, formatAddress, parseNumericAddress } from "../../lib/text/address.ts";
import { hostSubnet } from "../../lib/text/subnet.ts";
import { runTool } from "./_fake_klips.ts";

const P = "ipsec showpolicy";

function ip(text: string): Address {
  const parsed = parseNumericAddress(text, 0);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.error}`);
  return parsed.value;
}

const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0A00010A:0401 0A00020A:0050 01 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 20 4 30 10 -1
   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0
   2: 0000000000000000FFFF00000102000A:0016 0000000000000000FFFF00000202000A:C000 01 0:0 0:0 0 0 0 4713 1
   3: B80D0120000000000000000001000000:0016 B80D0120000000000000000002000000:C001 01 0:0 0:0 0 0 0 4714 1
`;
const SOCKETS: [inode: string, ends: string | undefined][] = [
  ["4711", "10.1.0.10 1025 10.2.0.10 80"],
  ["4712", undefined], // it listens
  ["4713", "10.0.2.1 22 10.0.2.2 49152"], // IPv4 in IPv6
  ["4714", "2001:db8::1 22 2001:db8::2 49153"],
  ["4715", undefined],
];
for (const [inode, expected] of SOCKETS) {
  Deno.test(`findSocket() of inode ${inode}: ${expected}`, () => {
    const ends = findSocket(TABLE, inode, 6);
    const text = ends &&
      `${formatAddress(ends.source)} ${ends.sourcePort} ${formatAddress(ends.destination)} ${ends.destinationPort}`;
    equal(text, expected);
    if (ends) equal(ends.protocol, 6);
  });
}

const PACKET = {
  source: ip("10.1.0.10"),
  destination: ip("10.2.0.10"),
  protocol: 6,
  sourcePort: 1025,
  destinationPort: 80,
};
const EROUTE = {
  count: 17,
  source: "10.1.0.0/24",
  sourcePort: 0,
  destination: "10.2.0.0/24",
  destinationPort: 80,
  protocol: 6,
  sa: "tun0x200@192.0.2.2",
  heldPackets: 0,
};
const SA = {
  said: "esp0x202@192.0.2.2",
  transform: "ESP_AES_GCM_16",
  source: "192.0.2.1",
  state: "mature",
  cipher: "aes128gcm16",
  authenticator: undefined,
  udp: { sport: 4500, dport: 4500, peer: undefined },
} as const;

function routeBy(device: string, type: Route["type"] = "unicast"): Route {
  const destination = hostSubnet(PACKET.destination);
  return { destination, type, table: 254, protocol: 3, scope: 0, device, via: ip("192.0.2.2"), metric: 0, paths: 1 };
}

const REPORTS: Record<string, [report: PolicyReport, text: string]> = {
  "a tunnel": [
    {
      packet: PACKET,
      route: routeBy("ipsec0"),
      answer: { verdict: "protected", passes: [{ eroute: EROUTE, sas: [SA] }] },
      passedOver: undefined,
    },
    `tcp 10.1.0.10:1025 -> 10.2.0.10:80 goes through IPsec
route:    10.2.0.10 via 192.0.2.2 dev ipsec0
eroute:   10.1.0.0/24 -> 10.2.0.0/24:80 protocol 6 => tun0x200@192.0.2.2 (17 packets)
SA:       esp0x202@192.0.2.2 ESP_AES_GCM_16 from 192.0.2.1 in UDP 4500 -> 4500
strength: 64
`,
  ],
  "an eroute, and a route past it": [
    {
      packet: { ...PACKET, protocol: 0, sourcePort: 0, destinationPort: 0 },
      route: routeBy("eth0"),
      answer: undefined,
      passedOver: { verdict: "protected", passes: [{ eroute: EROUTE, sas: [SA] }] },
    },
    `10.1.0.10 -> 10.2.0.10 goes in the clear, past KLIPS
route:    10.2.0.10 via 192.0.2.2 dev eth0
unused:   eroute 10.1.0.0/24 -> 10.2.0.0/24:80 protocol 6 => tun0x200@192.0.2.2 (17 packets), as no route leads into ipsecN
strength: 0
`,
  ],
  "no eroute": [
    {
      packet: { ...PACKET, source: ip("fd00::1"), destination: ip("fd00::2"), protocol: 17 },
      route: routeBy("ipsec1"),
      answer: { verdict: "dropped", passes: [], why: "no eroute fits it" },
      passedOver: undefined,
    },
    `udp [fd00::1]:1025 -> [fd00::2]:80 is dropped: no eroute fits it
route:    10.2.0.10 via 192.0.2.2 dev ipsec1
strength: 0
`,
  ],
  "an SA that is not there": [
    {
      packet: { ...PACKET, protocol: 132, sourcePort: 0, destinationPort: 0 },
      route: routeBy("ipsec0"),
      answer: { verdict: "dropped", passes: [{ eroute: EROUTE, sas: [] }], why: "there is no SA" },
      passedOver: undefined,
    },
    `protocol 132 10.1.0.10 -> 10.2.0.10 is dropped
route:    10.2.0.10 via 192.0.2.2 dev ipsec0
eroute:   10.1.0.0/24 -> 10.2.0.0/24:80 protocol 6 => tun0x200@192.0.2.2 (17 packets)
because:  there is no SA
strength: 0
`,
  ],
  "no route": [
    { packet: PACKET, route: undefined, answer: undefined, passedOver: { verdict: "dropped", passes: [] } },
    `tcp 10.1.0.10:1025 -> 10.2.0.10:80 goes nowhere
route:    none
strength: 0
`,
  ],
};
for (const [what, [report, text]] of Object.entries(REPORTS)) {
  Deno.test(`reportText(): ${what}`, () => equal(reportText(report), text));
  Deno.test(`reportJson(): ${what}`, () => {
    const { verdict, strength, packet } = JSON.parse(reportJson(report));
    equal(verdict, verdictOf(report));
    equal(strength, Number(/strength: (\d+)/.exec(text)![1]));
    equal(packet.source, formatAddress(report.packet.source));
  });
}

Deno.test("verdictOf() knows local and unreachable destinations", () => {
  const nothing = { packet: PACKET, answer: undefined, passedOver: undefined };
  equal(verdictOf({ ...nothing, route: routeBy("lo", "local") }), "local");
  equal(verdictOf({ ...nothing, route: routeBy("lo", "prohibit") }), "unreachable");
});

const WRONG: [args: string[], status: number, message: string][] = [
  [["--src", "10.0.0.1"], 1, "--src and --dst go together"],
  [["--src", "10.0.0.1", "--dst", "::1"], 1, "--src and --dst must be of one family"],
  [["--src", "10.0.0", "--dst", "10.0.0.300"], 1, "--dst 10.0.0.300: byte overflow in dotted-decimal address"],
  [["--src", "10.0.0.1", "--dst", "10.0.0.2", "--cgi"], 1, "--src and --dst go with neither --socket nor --cgi"],
  [["--proto", "tcp"], 1, "--proto goes with --src and --dst"],
  [["--src", "10.0.0.1", "--dst", "10.0.0.2", "--proto", "256"], 1, "--proto 256 is neither a number nor a known name"],
  [
    ["--src", "10.0.0.1", "--dst", "10.0.0.2", "--dport", "65536"],
    1,
    "--dport 65536 is neither a number nor a known name",
  ],
  [["--cgi"], 3, "$SERVER_ADDR and $REMOTE_ADDR must be set, to addresses"],
];
for (const [args, status, message] of WRONG) {
  Deno.test(`showpolicy ${args.join(" ")} is refused`, async () => {
    const outcome = await runTool(showpolicy, args);
    deepEqual([outcome.status, outcome.stderr.split("\n")[0], outcome.stdout], [status, `${P}: ${message}`, ""]);
  });
}

Deno.test("showpolicy refuses unknown options with its usage", async () => {
  const { status, stderr } = await runTool(showpolicy, ["--nonsense"]);
  equal(status, 1);
  match(stderr, /nonsense[^]*Usage: ipsec showpolicy/);
});

Deno.test("showpolicy without KLIPS exits with 2", async () => {
  const { status, stderr } = await runTool(showpolicy, ["--src", "10.0.0.1", "--dst", "10.0.0.2"], "absent");
  equal(status, 2);
  match(stderr, /^ipsec showpolicy: KLIPS is not running/);
});

const EMPTY = { listings: { "eroute/all.json": "[]", "spigrp/all.json": "[]", "spi/all.json": "[]" } };

Deno.test("showpolicy of an address of this host", async () => {
  const { status, stdout } = await runTool(
    showpolicy,
    ["--src", "127.0.0.1", "--dst", "127.0.0.1", "--dport", "80"],
    EMPTY,
  );
  equal(status, 0);
  match(stdout, /^tcp 127\.0\.0\.1 -> 127\.0\.0\.1:80 stays on this host\n/);
});

for (const option of ["--help", "--version"]) {
  Deno.test(`showpolicy ${option} prints on stderr`, async () => {
    const { status, stdout, stderr } = await runTool(showpolicy, [option]);
    deepEqual([status, stdout], [0, ""]);
    match(stderr, /ipsec showpolicy/);
  });
}
