import { deepStrictEqual as deepEqual, ok, strictEqual as equal, throws } from "node:assert/strict";
import fc from "fast-check";
import { type ManualConn, type ManualHost, readManualConn } from "../../lib/config/manual_conn.ts";
import { ManualRefusal, ParameterReader } from "../../lib/config/manual_reader.ts";
import type { ManualSa } from "../../lib/config/manual_sas.ts";
import { formatAddress } from "../../lib/text/address.ts";
import { formatSaId } from "../../lib/text/sa_id.ts";
import { formatSubnet } from "../../lib/text/subnet.ts";
import { hostOf, ip, KEYS, parametersOf, PARTS } from "./_manual_conns.ts";

const { HOSTS, NETS, ESP } = PARTS;
const LEFT = hostOf("1.2.3.4@ipsec0");
const V6 = "left=2001:db8::1 right=2001:db8::2";

function read(text: string, host: ManualHost = LEFT): ManualConn {
  return readManualConn("office", parametersOf(text), host).conn;
}

/** Complaints with the parameter that they point at. */
function refusals(text: string, host: ManualHost): string[] {
  const names = text.split(/\s+/).map((word) => word.split("=")[0]);
  try {
    read(text, host);
  } catch (error) {
    if (!(error instanceof ManualRefusal)) throw error;
    return error.complaints.map(({ text, at }) => `${at ? names[at.line - 1] : ""}: ${text}`);
  }
  return [];
}

const ROUTE: Partial<ManualHost> = { defaultRoute: { address: ip("1.2.3.4"), nextHop: ip("1.2.3.1") } };
const GCM = "esp=aes128gcm16";

const REFUSED: [text: string, complaints: string[], host?: ManualHost][] = [
  [`${HOSTS} spi=0x100 ${ESP}`, [
    ": no IPsec-enabled interfaces found; `ipsec setup start' makes them, or name one with --iam",
  ], { interfaces: [] }],
  [`${HOSTS} spi=0x100 ${ESP} type=tunel`, [
    "type: only know how to do types tunnel/transport/passthrough, and drop/reject; type=tunel is none of them",
  ]],
  [`${HOSTS} ${NETS} type=transport spi=0x100 ${ESP}`, [
    "leftsubnet: type=transport incompatible with leftsubnet",
    "rightsubnet: type=transport incompatible with rightsubnet",
  ]],
  [`${HOSTS} type=passthrough esp=3des-md5-96`, ["esp: passthrough connection may not specify AH or ESP"]],
  [`${HOSTS} type=drop ah=md5-96`, ["ah: drop connection may not specify AH or ESP"]],
  [`${HOSTS} type=reject ah=md5-96`, ["ah: reject connection may not specify AH or ESP"]],
  [`${HOSTS} spi=0x100`, [": neither AH nor ESP specified for connection"]],
  [`left=1.2.3.4 spi=0x100 ${ESP}`, ['left: connection has no "right" parameter specified']],
  [`right=1.2.3.4 spi=0x100 ${ESP}`, ['right: connection has no "left" parameter specified']],
  [`right=1.2.3.4 left= spi=0x100 ${ESP}`, ['left: parameter "left" value must be non-empty']],
  [`${HOSTS} ${ESP}`, ['esp: connection has no "spi" parameter specified']],
  [`${HOSTS} ${ESP} spi=`, ['spi: parameter "spi" value must be non-empty']],
  [`left=%defaultroute right=%defaultroute spi=0x100 ${ESP}`, [
    "right: left and right cannot both be %defaultroute",
  ]],
  [`left=%defaultroute right=5.6.7.8 spi=0x100 ${ESP}`, [
    "left: %defaultroute requested but not known: a start with interfaces=%defaultroute in config setup makes it known",
  ]],
  [`${HOSTS} leftnexthop=%defaultroute spi=0x100 ${ESP}`, [
    "leftnexthop: %defaultroute requested but not known: a start with interfaces=%defaultroute in config setup makes it known",
  ]],
  [
    `${HOSTS} leftnexthop=%defaultroute spi=0x100 ${ESP}`,
    ["leftnexthop: leftnexthop=%defaultroute: the default route has no next hop"],
    { ...LEFT, defaultRoute: { address: ip("1.2.3.4") } },
  ],
  [
    `left=%defaultroute leftnexthop=1.2.3.9 right=5.6.7.8 spi=0x100 ${ESP}`,
    ["leftnexthop: non-default value of leftnexthop is being overridden"],
    { ...LEFT, ...ROUTE },
  ],
  [`${HOSTS} leftfirewall=on spi=0x100 ${ESP}`, ['leftfirewall: parameter "leftfirewall" must be "yes" or "no"']],
  [`${HOSTS} espreplay_window=many spi=0x100 ${ESP}`, [
    'espreplay_window: parameter "espreplay_window" value must be integer',
  ]],
  [`${HOSTS} espreplay_window=65 spi=0x100 ${ESP}`, ["espreplay_window: espreplay_window=65 must be from 0 to 64"]],
  [`${HOSTS} ahreplay_window=x spi=0x100 ah=md5-96 ahkey=${KEYS.md5}`, [
    'ahreplay_window: parameter "ahreplay_window" value must be integer',
  ]],
  [`${HOSTS} leftsubnet=10.0.1.0 spi=0x100 ${ESP}`, ["leftsubnet: leftsubnet=10.0.1.0 has no mask specified"]],
  [`${HOSTS} leftsubnet=office.example.com/24 spi=0x100 ${ESP}`, [
    "leftsubnet: bad syntax in leftsubnet=office.example.com/24: does not appear to be numeric address",
  ]],
  [`${HOSTS} rightsubnet=10.0.1.0/33 spi=0x100 ${ESP}`, [
    'rightsubnet: unknown mask syntax "10.0.1.0/33" in rightsubnet: subnet mask bit count too large',
  ]],
  [`${HOSTS} rightsubnet=10.0.1.0/255.0.255.0 spi=0x100 ${ESP}`, [
    'rightsubnet: unknown mask syntax "10.0.1.0/255.0.255.0" in rightsubnet: ' +
    "non-contiguous or otherwise erroneous mask",
  ]],
  [`${HOSTS} rightsubnet=10.0.1.0/24:25 spi=0x100 ${ESP}`, [
    "rightsubnet: bad syntax in rightsubnet=10.0.1.0/24:25: manual keying knows no ports",
  ]],
  [`${HOSTS} leftnexthop=1.2.3.4 spi=0x100 ${ESP}`, ["leftnexthop: left and leftnexthop must not be the same"]],
  [`${HOSTS} rightnexthop=5.6.7.8 spi=0x100 ${ESP}`, ["rightnexthop: right and rightnexthop must not be the same"]],
  [`${HOSTS} leftnexthop=fe80::1 spi=0x100 ${ESP}`, [
    "leftnexthop: left and leftnexthop must be of one family, IPv4 or IPv6",
  ]],
  ["left=1.2.3.4 right=%any type=drop", [
    "right: right=%any is for automatic keying: manual keying needs an address",
  ]],
  ["left=1.2.3.4 right=east.example.com type=drop", [
    "right: bad address in right=east.example.com: does not appear to be numeric address",
  ]],
  ["left=1.2.3.4 right=2001:db8::1 type=drop", ["right: left and right must be of one family, IPv4 or IPv6"]],
  ["left=1.2.3.4 right=1.2.3.4 type=drop", ["right: left and right must not be the same"]],
  [`${HOSTS} leftsubnet=10.0.1.0/24 rightsubnet=fd00::/64 type=drop`, [
    "rightsubnet: what is behind left and right must be of one family, IPv4 or IPv6",
  ]],
  [`${HOSTS} esp=3des-md5-96 spi=0x100 leftespenckey=${KEYS["3des"]} espauthkey=${KEYS.md5}`, [
    'leftespenckey: must give both or neither "leftespenckey" and "rightespenckey"',
  ]],
  [`${HOSTS} esp=3des-md5-96 spi=0x100 rightespauthkey=${KEYS.md5} espenckey=${KEYS["3des"]}`, [
    'rightespauthkey: must give both or neither "leftespauthkey" and "rightespauthkey"',
  ]],
  [`${HOSTS} ah=md5-96 spi=0x100 rightahkey=${KEYS.md5}`, [
    'rightahkey: must give both or neither "leftahkey" and "rightahkey"',
  ]],
  [`${HOSTS} spi=0x100 spibase=0x200 ${ESP}`, ["spi: cannot specify both spi and spibase"]],
  [`${HOSTS} spibase=0x201 ${ESP}`, ["spibase: bad syntax in spibase -- must be 0x...0"]],
  [`${HOSTS} spi=256 ${ESP}`, ["spi: bad syntax in spi -- must be 0x..."]],
  [`${HOSTS} spi=0xff ${ESP}`, ["spi: spi=0xff must be from 0x100 to 0xffffffff"]],
  [`${HOSTS} spi=0x100000000 ${ESP}`, ["spi: spi=0x100000000 must be from 0x100 to 0xffffffff"]],
  [`${HOSTS} spi=0x100 leftespspi=seven ${ESP}`, ["leftespspi: bad syntax in leftespspi -- must be 0x..."]],
  [`${HOSTS} ah=md5-96 spi=0x100`, ["ah: AH specified but no ahkey= given"]],
  [`${HOSTS} esp=3des-md5-96 spi=0x100 espauthkey=${KEYS.md5}`, ["esp: ESP specified but no espenckey= given"]],
  [`${HOSTS} ${ESP} spi=0x100 leftfirewall=yes leftupdown=mine`, [
    "leftfirewall: cannot specify both updown and firewall",
  ]],
  [
    `${HOSTS} spi=0x100 ${ESP}`,
    ['left: ambiguous:  could be on "ipsec0" or "ipsec1"'],
    {
      interfaces: [{ device: "ipsec0", address: ip("1.2.3.4") }, { device: "ipsec1", address: ip("5.6.7.8") }],
    },
  ],
  [
    `${HOSTS} spi=0x100 ${ESP}`,
    ["left: cannot find interface for 1.2.3.4 or 5.6.7.8"],
    hostOf("9.9.9.9@ipsec0"),
  ],
  [`${HOSTS} spi=0x100 esp=3des-md5`, ["esp: unknown algorithm in esp=3des-md5: did you mean 3des-md5-96?"]],
  [`${HOSTS} spi=0x100 esp=rot13`, ["esp: unknown algorithm in esp=rot13: `ipsec spi' has a list"]],
  [`${HOSTS} spi=0x100 esp=des-md5-96`, [
    "esp: unknown algorithm in esp=des-md5-96: Single DES is refused: its 56-bit key can be found by trying all of " +
    "them.  Use aes128gcm16 or aes128-sha2_256-128.",
  ]],
  [`${HOSTS} spi=0x100 ah=hmac-md4-96`, ["ah: unknown algorithm in ah=hmac-md4-96: did you mean hmac-md5-96?"]],
  [`${HOSTS} spi=0x100 ${GCM} espenckey=${KEYS.aes}`, [
    "espenckey: wrong key length in espenckey: esp=aes128gcm16 needs 160 bits, 128 were given",
  ]],
  [`${HOSTS} spi=0x100 ${GCM} espenckey=0xabcdefgh`, [
    "espenckey: unknown format or syntax error in espenckey: (not shown)",
  ]],
  [`${HOSTS} spi=0x100 ${GCM} espenckey=${KEYS.gcm} espauthkey=${KEYS.md5}`, [
    "espauthkey: espauthkey has no use with esp=aes128gcm16",
  ]],
  [`${HOSTS} spi=0x100 esp=3des-md5-96 espauthkey=${KEYS.md5} espenckey=0x${"01".repeat(24)}`, [
    "espenckey: weak key in espenckey: the second of its three DES keys is equal to a neighbour, which makes 3DES " +
    "single DES",
  ]],
  ["left=1.2.3 leftsubnet=10.0.0.0 right=5.6.7.888 leftnexthop=x spi=0x1 type=tunnel esp=x", [
    "leftsubnet: leftsubnet=10.0.0.0 has no mask specified",
    "leftnexthop: bad address in leftnexthop=x: does not appear to be numeric address",
    "right: bad address in right=5.6.7.888: byte overflow in dotted-decimal address",
  ]],
];
for (const [text, complaints, host = LEFT] of REFUSED) {
  Deno.test(`readManualConn() says: ${complaints.join("; ")}`, () => deepEqual(refusals(text, host), complaints));
}

/** As `tun0x200@5.6.7.8 from 1.2.3.4, 3des-md5-96, window 32`. */
function describeSa({ id, source, algorithm, replayWindow }: ManualSa): string {
  const words = [
    `${formatSaId(id, "x")} from ${formatAddress(source)}`,
    algorithm,
    replayWindow && `window ${replayWindow}`,
  ];
  return words.filter(Boolean).join(", ");
}

const TUNNELS: Record<string, [text: string, outbound: string[], inbound: string[]]> = {
  "spibase, esp": [`spibase=0x200 espreplay_window=32 ${ESP}`, [
    "tun0x200@5.6.7.8 from 1.2.3.4",
    "esp0x202@5.6.7.8 from 1.2.3.4, 3des-md5-96, window 32",
  ], [
    "tun0x201@1.2.3.4 from 5.6.7.8",
    "esp0x203@1.2.3.4 from 5.6.7.8, 3des-md5-96, window 32",
  ]],
  "spibase, ah alone in the place of esp": [`spibase=0x200 ah=hmac-md5-96 ahkey=${KEYS.md5} ahreplay_window=1`, [
    "tun0x200@5.6.7.8 from 1.2.3.4",
    "ah0x202@5.6.7.8 from 1.2.3.4, hmac-md5-96, window 1",
  ], [
    "tun0x201@1.2.3.4 from 5.6.7.8",
    "ah0x203@1.2.3.4 from 5.6.7.8, hmac-md5-96, window 1",
  ]],
  "spibase, esp and ah": [`spibase=0x200 ${ESP} ah=sha1-96 ahkey=${KEYS.sha1}`, [
    "tun0x200@5.6.7.8 from 1.2.3.4",
    "esp0x202@5.6.7.8 from 1.2.3.4, 3des-md5-96",
    "ah0x204@5.6.7.8 from 1.2.3.4, sha1-96",
  ], [
    "tun0x201@1.2.3.4 from 5.6.7.8",
    "esp0x203@1.2.3.4 from 5.6.7.8, 3des-md5-96",
    "ah0x205@1.2.3.4 from 5.6.7.8, sha1-96",
  ]],
  "spibase, transport": [`type=transport spibase=0x200 ${ESP}`, ["esp0x200@5.6.7.8 from 1.2.3.4, 3des-md5-96"], [
    "esp0x201@1.2.3.4 from 5.6.7.8, 3des-md5-96",
  ]],
  "one spi": [`spi=0x300 ${ESP} ah=sha1-96 ahkey=${KEYS.sha1}`, [
    "tun0x300@5.6.7.8 from 1.2.3.4",
    "esp0x300@5.6.7.8 from 1.2.3.4, 3des-md5-96",
    "ah0x300@5.6.7.8 from 1.2.3.4, sha1-96",
  ], [
    "tun0x300@1.2.3.4 from 5.6.7.8",
    "esp0x300@1.2.3.4 from 5.6.7.8, 3des-md5-96",
    "ah0x300@1.2.3.4 from 5.6.7.8, sha1-96",
  ]],
  "overridden: the left one is that of packets to the left": [
    `spibase=0x200 leftespspi=0x1111 rightahspi=0x2222 ${ESP} ah=sha1-96 ahkey=${KEYS.sha1}`,
    [
      "tun0x200@5.6.7.8 from 1.2.3.4",
      "esp0x202@5.6.7.8 from 1.2.3.4, 3des-md5-96",
      "ah0x2222@5.6.7.8 from 1.2.3.4, sha1-96",
    ],
    [
      "tun0x201@1.2.3.4 from 5.6.7.8",
      "esp0x1111@1.2.3.4 from 5.6.7.8, 3des-md5-96",
      "ah0x205@1.2.3.4 from 5.6.7.8, sha1-96",
    ],
  ],
  "a shunt has none": ["type=drop", [], []],
};
for (const [what, [text, outbound, inbound]] of Object.entries(TUNNELS)) {
  Deno.test(`readManualConn() numbers SAs: ${what}`, () => {
    const left = read(`${HOSTS} ${text}`);
    deepEqual([left.outbound.map(describeSa), left.inbound.map(describeSa)], [outbound, inbound]);
    const right = read(`${HOSTS} ${text}`, hostOf("5.6.7.8@ipsec1"));
    deepEqual([right.outbound.map(describeSa), right.inbound.map(describeSa)], [inbound, outbound]);
  });
}

Deno.test("readManualConn() takes keys by direction: the left one is for packets to the left", () => {
  const keys = `leftespenckey=${KEYS.gcm} rightespenckey=${KEYS.otherGcm}`;
  const { outbound, inbound } = read(`${HOSTS} spi=0x100 ${GCM} ${keys}`);
  deepEqual([...outbound[1].encryptionKey!.reveal().slice(0, 1), ...inbound[1].encryptionKey!.reveal().slice(0, 1)], [
    0x0e,
    0x0d,
  ]);
});

Deno.test("readManualConn() lets a plain key fill the direction that has none", () => {
  const keys = `leftespenckey=${KEYS.gcm} espenckey=${KEYS.otherGcm}`;
  const { outbound, inbound } = read(`${HOSTS} spi=0x100 ${GCM} ${keys}`);
  equal(outbound[1].encryptionKey!.reveal()[0], 0x0e);
  equal(inbound[1].encryptionKey!.reveal()[0], 0x0d);
});

const WARNED: [text: string, warnings: string[]][] = [
  [`${GCM} espenckey=${KEYS.gcm}`, [
    "aes128gcm16 has one key for both directions: leftespenckey and rightespenckey should differ",
  ]],
  [`${GCM} leftespenckey=${KEYS.gcm} rightespenckey=${KEYS.otherGcm}`, []],
  [`${ESP} compress=yes`, ["compress=yes has no effect with manual keying: packets are not compressed"]],
];
for (const [text, warnings] of WARNED) {
  Deno.test(`readManualConn() warns of ${text.replace(/0x\w+/g, "...")}: ${warnings.length}`, () => {
    const read = readManualConn("office", parametersOf(`${HOSTS} spi=0x100 ${text}`), LEFT);
    deepEqual(read.warnings.map((one) => one.text), warnings);
  });
}

/** Ends, next hop, updown: what is not about keys. */
const ENDS: [text: string, host: ManualHost, expected: Record<string, unknown>][] = [
  [HOSTS, LEFT, { device: "ipsec0", me: "1.2.3.4", peer: "5.6.7.8", nextHop: "5.6.7.8", updown: "ipsec _updown" }],
  [HOSTS, { ...LEFT, other: true }, { device: "ipsec0", me: "5.6.7.8", peer: "1.2.3.4" }],
  [`${HOSTS} ${NETS}`, hostOf("5.6.7.8@ipsec3"), {
    device: "ipsec3",
    me: "5.6.7.8 10.0.2.0/24",
    peer: "1.2.3.4 10.0.1.0/24",
    nextHop: "1.2.3.4",
  }],
  [`${HOSTS} leftsubnet=10.0.1.0/255.255.255.0 rightsubnet=%default`, LEFT, {
    me: "1.2.3.4 10.0.1.0/24",
    peer: "5.6.7.8 0.0.0.0/0",
  }],
  [`${V6} rightsubnet=%default leftsubnet=fd00::1/64`, hostOf("2001:db8::1@ipsec0"), {
    me: "2001:db8::1 fd00::/64",
    peer: "2001:db8::2 ::/0",
  }],
  [`${HOSTS} leftnexthop=1.2.3.1`, LEFT, { nextHop: "1.2.3.1" }],
  [`${HOSTS} leftnexthop=%direct`, LEFT, { nextHop: "5.6.7.8" }],
  [`${HOSTS} leftnexthop=0.0.0.0`, LEFT, { nextHop: "5.6.7.8" }],
  [`${HOSTS} leftnexthop=%defaultroute`, { ...LEFT, ...ROUTE }, { nextHop: "1.2.3.1" }],
  ["left=%defaultroute right=5.6.7.8", { ...LEFT, ...ROUTE }, { me: "1.2.3.4", nextHop: "1.2.3.1" }],
  [
    "left=%defaultroute right=5.6.7.8",
    { ...LEFT, defaultRoute: { address: ip("1.2.3.4") } },
    { me: "1.2.3.4", nextHop: "5.6.7.8" },
  ],
  [`${HOSTS} leftfirewall=yes rightupdown=theirs`, LEFT, { updown: "ipsec _updown ipfwadm" }],
  [`${HOSTS} leftupdown=/bin/mine_custom rightfirewall=yes`, LEFT, { updown: "/bin/mine custom" }],
  [`${HOSTS} leftsourceip=10.0.1.1 rightsourceip=10.0.2.1`, LEFT, { sourceIp: "10.0.1.1" }],
];
for (const [text, host, expected] of ENDS) {
  const { device } = host.interfaces[0];
  Deno.test(`readManualConn() on ${device}${host.other ? ", as the other end" : ""}: ${text}`, () => {
    const { device, me, peer, nextHop, updown, sourceIp } = read(`${text} type=drop`, host);
    const end = ({ host, client }: ManualConn["me"]) =>
      formatAddress(host) + (client ? ` ${formatSubnet(client)}` : "");
    const found: Record<string, unknown> = {
      device,
      me: end(me),
      peer: end(peer),
      nextHop: formatAddress(nextHop),
      updown,
      sourceIp: sourceIp && formatAddress(sourceIp),
    };
    deepEqual(Object.fromEntries(Object.keys(expected).map((name) => [name, found[name]])), expected);
  });
}

Deno.test("readManualConn() lets arrivals be checked for tunnels, unless told otherwise", () => {
  equal(read(`${HOSTS} spi=0x100 ${ESP}`).checksArrivals, true);
  equal(read(`${HOSTS} spi=0x100 ${ESP} disablearrivalcheck=yes`).checksArrivals, false);
  equal(read(`${HOSTS} spi=0x100 ${ESP} type=transport`).checksArrivals, false);
});

Deno.test("ParameterReader.settle() throws all that was refused", () => {
  const reader = new ParameterReader(parametersOf("a=1"));
  reader.settle();
  reader.refuse("one", "a");
  reader.refuse("two", "b");
  throws(() => reader.settle(), (error) => {
    deepEqual((error as ManualRefusal).complaints, [
      { text: "one", at: { file: "ipsec.conf", line: 1 } },
      { text: "two" },
    ]);
    return true;
  });
});

const WORDS = [
  "",
  "yes",
  "no",
  "0",
  "64",
  "-1",
  "0x100",
  "0x200",
  "0xfffffff0",
  "1.2.3.4",
  "5.6.7.8",
  "2001:db8::1",
  "%defaultroute",
  "%any",
  "%default",
  "10.0.0.0/8",
  "fd00::/8",
  "10.0.0.0/255.0.0.0",
  "tunnel",
  "transport",
  "drop",
  "3des-md5-96",
  "aes128gcm16",
  "hmac-sha1-96",
];
const SIDED = ["", "subnet", "nexthop", "firewall", "updown", "sourceip", "espspi", "ahspi"];
const OPEN = [
  ...["type", "spi", "spibase", "esp", "ah", "espreplay_window", "ahreplay_window", "disablearrivalcheck"],
  ...SIDED.flatMap((name) => [`left${name}`, `right${name}`]),
];
const SECRET = ["espenckey", "espauthkey", "ahkey"].flatMap((name) => [name, `left${name}`, `right${name}`]);

Deno.test("readManualConn() gives a conn or complaints, whatever the values are, and tells no key", () => {
  const value = fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...WORDS) }, { weight: 1, arbitrary: fc.string() });
  const key = fc.constantFrom(...Object.values<string>(KEYS), "0x0badkey0badkey");
  const pair = fc.oneof(fc.tuple(fc.constantFrom(...OPEN), value), fc.tuple(fc.constantFrom(...SECRET), key));
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 16 }), (pairs) => {
      const given = new Map([["left", "1.2.3.4"], ["right", "5.6.7.8"], ...pairs]);
      const parameters = (name: string) => given.has(name) ? { value: given.get(name)! } : undefined;
      try {
        const { type, outbound, inbound } = readManualConn("office", parameters, { ...LEFT, ...ROUTE }).conn;
        equal(inbound.length, outbound.length);
        equal(outbound.length > 0, type === "tunnel" || type === "transport");
      } catch (error) {
        if (!(error instanceof ManualRefusal)) throw error;
        ok(error.complaints.length > 0);
        const digits = SECRET.flatMap((name) => given.get(name)?.slice(2, 12) ?? []);
        for (const { text } of error.complaints) for (const some of digits) ok(!text.includes(some), text);
      }
    }),
    { numRuns: 2000 },
  );
});
