import { deepStrictEqual as deepEqual, strictEqual as equal } from "node:assert/strict";
import {
  type ListedEroute,
  type ListedSa,
  type PolicyAnswer,
  type PolicyListings,
  type PolicyPacket,
  queryPolicy,
  strengthOf,
} from "../../lib/klips/policy_query.ts";
import { type Address, formatAddress, parseNumericAddress } from "../../lib/text/address.ts";

function ip(text: string): Address {
  const parsed = parseNumericAddress(text, 0);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.error}`);
  return parsed.value;
}

/** @param text as `10.1.0.1 -> 10.2.0.1`, or with a protocol and ports behind it: `6 1025 80` */
function packetOf(text: string): PolicyPacket {
  const [source, , destination, ...numbers] = text.split(" ");
  const [protocol = 0, sourcePort = 0, destinationPort = 0] = numbers.map(Number);
  return { source: ip(source), destination: ip(destination), protocol, sourcePort, destinationPort };
}

/** @param text as `10.1.0.0/24 -> 10.2.0.0/24 => tun0x200@192.0.2.2`, protocol and ports before the arrow of the SA */
function erouteOf(text: string): ListedEroute {
  const [selector, sa] = text.split(" => ");
  const [source, , destination, ...numbers] = selector.split(" ");
  const [protocol = 0, sourcePort = 0, destinationPort = 0] = numbers.map(Number);
  return { count: 0, source, sourcePort, destination, destinationPort, protocol, sa, heldPackets: 0 };
}

function saOf(said: string, source: string, rest: Partial<ListedSa> = {}): ListedSa {
  return {
    said,
    transform: "",
    source,
    state: "mature",
    cipher: undefined,
    authenticator: undefined,
    udp: undefined,
    ...rest,
  };
}

const SAS: ListedSa[] = [
  saOf("tun0x200@192.0.2.2", "192.0.2.1"),
  saOf("esp0x202@192.0.2.2", "192.0.2.1", { cipher: "aes128gcm16" }),
  saOf("tun0x300@198.51.100.7", "192.0.2.1"),
  saOf("ah0x302@198.51.100.7", "192.0.2.1", { authenticator: "sha1-96" }),
  saOf("esp0x400@192.0.2.2", "192.0.2.1", { cipher: "3des", authenticator: "md5-96" }),
  saOf("esp0x500@192.0.2.2", "192.0.2.1", { state: "larval" }),
  saOf("esp0x600@192.0.2.2", "192.0.2.1", { cipher: "aes256", authenticator: "sha1-96", state: "dying" }),
  saOf("tun:700@2001:db8::2".replace(":700", "0x700"), "2001:db8::1"),
  saOf("esp0x702@2001:db8::2", "2001:db8::1", { cipher: "chacha20poly1305" }),
  saOf("tun0x800@192.0.2.9", "192.0.2.1"),
  saOf("esp0x802@192.0.2.9", "192.0.2.1", {
    cipher: "aes128gcm16",
    udp: { sport: 4500, dport: 4501, peer: "203.0.113.5" },
  }),
];
const GROUPS = [
  ["tun0x200@192.0.2.2", "esp0x202@192.0.2.2"],
  ["tun0x300@198.51.100.7", "ah0x302@198.51.100.7"],
  ["tun0x700@2001:db8::2", "esp0x702@2001:db8::2"],
  ["tun0x800@192.0.2.9", "esp0x802@192.0.2.9"],
];

const NETS = "10.1.0.0/24 -> 10.2.0.0/24";
const PACKET = "10.1.0.10 -> 10.2.0.10";

function ask(packet: string, eroutes: readonly string[]): PolicyAnswer {
  const listings: PolicyListings = { eroutes: eroutes.map(erouteOf), groups: GROUPS, sas: SAS };
  return queryPolicy(packetOf(packet), listings, (address) => formatAddress(address) === "192.0.2.1");
}

/** The verdict, the SAs of each pass, and why. */
function describe({ verdict, passes, why }: PolicyAnswer): string[] {
  return [
    verdict,
    ...passes.map(({ eroute, sas }) => sas.map(({ said }) => said).join(" ") || eroute.sa),
    ...(why ? [why] : []),
  ];
}

interface Row {
  readonly what: string;
  readonly packet?: string;
  readonly eroutes: readonly string[];
  readonly expected: readonly string[];
  readonly strength?: number;
}

const CHAIN = "tun0x200@192.0.2.2 esp0x202@192.0.2.2";

const ROWS: Row[] = [
  { what: "no eroute", eroutes: [], expected: ["dropped", "no eroute fits it"] },
  {
    what: "an eroute of others",
    eroutes: ["10.3.0.0/24 -> 10.2.0.0/24 => %pass"],
    expected: ["dropped", "no eroute fits it"],
  },
  { what: "a tunnel", eroutes: [`${NETS} => tun0x200@192.0.2.2`], expected: ["protected", CHAIN], strength: 64 },
  {
    what: "an eroute that names the second SA of a chain",
    eroutes: [`${NETS} => esp0x202@192.0.2.2`],
    expected: ["protected", "esp0x202@192.0.2.2"],
    strength: 64,
  },
  {
    what: "AH alone",
    eroutes: [`${NETS} => tun0x300@198.51.100.7`],
    expected: ["protected", GROUPS[1].join(" ")],
    strength: 4,
  },
  {
    what: "3DES",
    eroutes: [`${NETS} => esp0x400@192.0.2.2`],
    expected: ["protected", "esp0x400@192.0.2.2"],
    strength: 32,
  },
  {
    what: "a dying SA",
    eroutes: [`${NETS} => esp0x600@192.0.2.2`],
    expected: ["protected", "esp0x600@192.0.2.2"],
    strength: 64,
  },
  {
    what: "an SA without keys",
    eroutes: [`${NETS} => esp0x500@192.0.2.2`],
    expected: ["dropped", "esp0x500@192.0.2.2", "esp0x500@192.0.2.2 is larval"],
  },
  {
    what: "an SA that is not there",
    eroutes: [`${NETS} => tun0x999@192.0.2.2`],
    expected: ["dropped", "tun0x999@192.0.2.2", "there is no SA tun0x999@192.0.2.2"],
  },
  ...Object.entries({
    pass: "passed",
    drop: "dropped",
    reject: "rejected",
    hold: "held",
    trap: "trapped",
    trapsubnet: "trapped",
  }).map(([shunt, verdict]) => ({
    what: `%${shunt}`,
    eroutes: [`${NETS} => %${shunt}`],
    expected: [verdict, `%${shunt}`],
  })),
  {
    what: "the most specific eroute",
    eroutes: [`${NETS} => %pass`, "10.1.0.10/32 -> 0.0.0.0/0 => %drop", "0.0.0.0/0 -> 10.2.0.10/32 => %reject"],
    expected: ["dropped", "%drop"],
  },
  {
    what: "protocol and port",
    packet: `${PACKET} 6 1025 80`,
    eroutes: [`${NETS} => %drop`, `${NETS} 6 0 80 => %pass`],
    expected: ["passed", "%pass"],
  },
  {
    what: "another port",
    packet: `${PACKET} 6 1025 81`,
    eroutes: [`${NETS} => %drop`, `${NETS} 6 0 80 => %pass`],
    expected: ["dropped", "%drop"],
  },
  {
    what: "IPv6",
    packet: "fd01:1::10 -> fd01:2::10",
    eroutes: ["fd01:1::/64 -> fd01:2::/64 => tun0x700@2001:db8::2", "0.0.0.0/0 -> 0.0.0.0/0 => %drop"],
    expected: ["protected", GROUPS[2].join(" ")],
    strength: 64,
  },
  {
    what: "nested tunnels",
    eroutes: [`${NETS} => tun0x200@192.0.2.2`, "192.0.2.1/32 -> 192.0.2.2/32 => tun0x300@198.51.100.7"],
    expected: ["protected", CHAIN, GROUPS[1].join(" ")],
    strength: 64,
  },
  {
    what: "a shunt for the result",
    eroutes: [`${NETS} => tun0x200@192.0.2.2`, "192.0.2.1/32 -> 192.0.2.2/32 => %drop"],
    expected: ["protected", CHAIN],
  },
  {
    what: "the result back to the same peer",
    eroutes: [`${NETS} => tun0x200@192.0.2.2`, "0.0.0.0/0 -> 0.0.0.0/0 => esp0x400@192.0.2.2"],
    expected: ["protected", CHAIN],
  },
  {
    what: "ESP in UDP to where the peer really is, and on by its port",
    eroutes: [
      `${NETS} => tun0x800@192.0.2.9`,
      "192.0.2.1/32 -> 203.0.113.5/32 17 4500 4501 => tun0x300@198.51.100.7",
    ],
    expected: ["protected", GROUPS[3].join(" "), GROUPS[1].join(" ")],
  },
  {
    what: "this host's IKE",
    packet: "192.0.2.1 -> 192.0.2.2 17 500 500",
    eroutes: ["192.0.2.1/32 -> 192.0.2.2/32 => esp0x400@192.0.2.2"],
    expected: ["passed", "this host's own IKE goes past the eroutes"],
  },
  {
    what: "this host's IKE to a host behind the peer",
    packet: "192.0.2.1 -> 10.2.0.10 17 500 500",
    eroutes: ["192.0.2.1/32 -> 10.2.0.0/24 => tun0x200@192.0.2.2"],
    expected: ["protected", CHAIN],
  },
  {
    what: "another host's IKE",
    packet: "10.1.0.10 -> 192.0.2.2 17 500 500",
    eroutes: ["10.1.0.0/24 -> 192.0.2.2/32 => %drop"],
    expected: ["dropped", "%drop"],
  },
];
for (const { what, packet = PACKET, eroutes, expected, strength } of ROWS) {
  Deno.test(`queryPolicy(): ${what}`, () => {
    const answer = ask(packet, eroutes);
    deepEqual(describe(answer), expected);
    if (strength !== undefined || answer.verdict !== "protected") equal(strengthOf(answer), strength ?? 0);
  });
}

Deno.test("queryPolicy() ends where tunnels lead into each other", () => {
  const saids = ["tun0x900@198.51.100.1", "tun0x901@198.51.100.2"];
  const answer = queryPolicy(packetOf(PACKET), {
    eroutes: [
      `${NETS} => ${saids[0]}`,
      `192.0.2.1/32 -> 198.51.100.1/32 => ${saids[1]}`,
      `192.0.2.1/32 -> 198.51.100.2/32 => ${saids[0]}`,
    ]
      .map(erouteOf),
    groups: [],
    sas: saids.map((said) => saOf(said, "192.0.2.1")),
  }, () => false);
  deepEqual([answer.verdict, answer.passes.length, answer.why], ["dropped", 5, "tunnels are nested too deep"]);
});
