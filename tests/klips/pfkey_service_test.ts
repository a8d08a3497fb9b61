import { deepEqual, doesNotMatch, equal, match } from "node:assert/strict";
import { Eroute } from "../../lib/klips/eroute.ts";
import { encodeMessage } from "../../lib/pfkey/codec.ts";
import { DEBUG_WORDS, type DebugWord, MESSAGES, SA_FLAG, SA_STATE, SATYPES } from "../../lib/pfkey/constants.ts";
import { ERRNO } from "../../lib/pfkey/errno.ts";
import type { Extensions, PfkeyMessage } from "../../lib/pfkey/message.ts";
import { MAGIC_SPIS, SA_PROTOCOLS } from "../../lib/text/sa_id.ts";
import { hostSubnet } from "../../lib/text/subnet.ts";
import {
  at,
  EAST,
  espExtensions,
  FakeClient,
  flowOf,
  ip,
  keyOf,
  saOf,
  Station,
  tunExtensions,
  WEST,
} from "./_station.ts";

const ESP: number = SATYPES.ESP.number, AH: number = SATYPES.AH.number, IPIP: number = SATYPES.IPIP.number;
const COMP: number = SATYPES.COMP.number, INT: number = SATYPES.INT.number;
const NO_LIMITS = { allocations: 0, bytes: 0, addtime: 0, usetime: 0, packets: 0 };

type Row = { readonly number: number; readonly name: string };

/** An empty engine with a client of each interest: the requester, one registered for ESP, one for AH, one for nothing. */
function company() {
  const station = new Station();
  const requester = station.client(), esp = station.client(), ah = station.client(), idle = station.client();
  station.do(esp, MESSAGES.REGISTER, ESP, {});
  station.do(ah, MESSAGES.REGISTER, AH, {});
  for (const client of station.clients) client.take();
  return { station, requester, esp, ah, idle };
}

/** SAs esp0x200 and tun0x200 to EAST, tun0x300 inside esp0x300, eroutes of 10.1.0.0/16 and a held packet. */
function furnished() {
  const parts = company();
  const { station, requester } = parts;
  station.addEsp(requester, 0x200);
  station.addTun(requester, 0x200);
  station.addTun(requester, 0x300);
  station.addEsp(requester, 0x300);
  station.group(requester, 0x300, 0x300);
  station.addFlow(requester, 0x300, "10.1.0.0/16", "10.2.0.0/16");
  for (const client of station.clients) client.take();
  return parts;
}

const ids = (spi: number): Extensions => ({ sa: saOf(spi), source: at(WEST), destination: at(EAST) });

// Who hears of what

const NOW = ["requester"], ALL = ["requester", "esp", "ah", "idle"];
const DEBUG_ZERO = Object.fromEntries(DEBUG_WORDS.map((name) => [name, 0])) as Record<DebugWord, number>;
const spiRange = { min: 0x500, max: 0x5ff };

const HEARD: [row: Row, satype: number, extensions: Extensions, heard: string[]][] = [
  [MESSAGES.GETSPI, ESP, { source: at(WEST), destination: at(EAST), spiRange }, ALL],
  [MESSAGES.ADD, ESP, espExtensions(0x700), ALL],
  [MESSAGES.UPDATE, ESP, espExtensions(0x200), ALL],
  [MESSAGES.DELETE, ESP, ids(0x200), ALL],
  [MESSAGES.GET, ESP, ids(0x200), NOW],
  [MESSAGES.ACQUIRE, ESP, { source: at(WEST), destination: at(EAST) }, ["requester", "esp"]],
  [MESSAGES.REGISTER, ESP, {}, ["requester", "esp"]],
  [MESSAGES.REGISTER, COMP, {}, NOW],
  [MESSAGES.EXPIRE, ESP, {}, ALL],
  [MESSAGES.FLUSH, 0, {}, ALL],
  [MESSAGES.X_GRPSA, ESP, { sa: saOf(0x200), destination: at(EAST) }, ALL],
  [
    MESSAGES.X_ADDFLOW,
    IPIP,
    { sa: saOf(0x200), destination: at(EAST), ...flowOf("10.3.0.0/16", "10.4.0.0/16") },
    ALL,
  ],
  [MESSAGES.X_DELFLOW, 0, flowOf("10.1.0.0/16", "10.2.0.0/16"), ALL],
  [MESSAGES.X_DELFLOW, 0, { sa: saOf(0, { flags: SA_FLAG.CLEARFLOW, state: 0 }) }, ALL],
  [MESSAGES.X_DEBUG, 0, { debug: DEBUG_ZERO }, NOW],
  [MESSAGES.X_TNCFG, 0, { tunnel: { op: "clear", virtual: "ipsec0", physical: "" } }, NOW],
];
for (const [row, satype, extensions, heard] of HEARD) {
  Deno.test(`${row.name} (SA type ${satype}) is answered once to ${heard.join(", ")}`, () => {
    const { station, ...clients } = furnished();
    const reply = station.ask(clients.requester, row, satype, extensions);
    equal(reply.errno, 0);
    for (const [name, client] of Object.entries(clients)) {
      if (name === "requester") continue;
      deepEqual(client.take(), heard.includes(name) ? [reply] : [], name);
    }
  });
}

// Refusals

const withKey = (field: "keyAuth" | "keyEncrypt", bits: number) => ({ ...espExtensions(0x700), [field]: keyOf(bits) });
const withSa = (extensions: Extensions, rest: object): Extensions => ({
  ...extensions,
  sa: { ...extensions.sa!, ...rest },
});
const without = (extensions: Extensions, ...fields: (keyof Extensions)[]): Extensions =>
  Object.fromEntries(Object.entries(extensions).filter(([name]) => !fields.includes(name as keyof Extensions)));
const grouping = (first: number, second: number, secondType = ESP): Extensions => ({
  sa: saOf(first),
  destination: at(EAST),
  satype2: secondType,
  sa2: saOf(second),
  destination2: at(EAST),
});
const flowing = (source: string, destination: string, flags = 0, spi = 0x300): Extensions => ({
  sa: saOf(spi, { flags }),
  destination: at(EAST),
  ...flowOf(source, destination),
});
const range = (min: number, max: number, destination = EAST): Extensions => ({
  source: at(WEST),
  destination: at(destination),
  spiRange: { min, max },
});
const addresses: Extensions = { source: at(WEST), destination: at(EAST) };
const gappedMask = { ...flowOf("10.5.0.0/16", "10.6.0.0/16"), sourceMask: at("255.0.255.0") };

const REFUSED: [why: string, row: Row, satype: number, extensions: Extensions, errno: keyof typeof ERRNO][] = [
  ["an SA that exists", MESSAGES.ADD, ESP, espExtensions(0x200), "EEXIST"],
  ["an SA of a reserved SPI", MESSAGES.ADD, ESP, espExtensions(0xff), "EINVAL"],
  ["a larval SA", MESSAGES.ADD, ESP, withSa(espExtensions(0x700), { state: SA_STATE.LARVAL }), "EINVAL"],
  ["a dead SA", MESSAGES.ADD, ESP, withSa(espExtensions(0x700), { state: SA_STATE.DEAD }), "EINVAL"],
  ["a window of 65", MESSAGES.ADD, ESP, withSa(espExtensions(0x700), { replay: 65 }), "EINVAL"],
  ["a reference over 16 bits", MESSAGES.ADD, ESP, withSa(espExtensions(0x700), { ref: 0x10000 }), "EINVAL"],
  ["a short encryption key", MESSAGES.ADD, ESP, withKey("keyEncrypt", 128), "EINVAL"],
  ["a long encryption key", MESSAGES.ADD, ESP, withKey("keyEncrypt", 256), "EINVAL"],
  ["a short authentication key", MESSAGES.ADD, ESP, withKey("keyAuth", 120), "EINVAL"],
  ["a long authentication key", MESSAGES.ADD, ESP, withKey("keyAuth", 160), "EINVAL"],
  ["no encryption key", MESSAGES.ADD, ESP, without(espExtensions(0x700), "keyEncrypt"), "EINVAL"],
  ["no authentication key", MESSAGES.ADD, ESP, without(espExtensions(0x700), "keyAuth"), "EINVAL"],
  ["single DES", MESSAGES.ADD, ESP, withSa(espExtensions(0x700), { encrypt: 2 }), "EINVAL"],
  ["null encryption", MESSAGES.ADD, ESP, withSa(espExtensions(0x700), { encrypt: 11 }), "EINVAL"],
  ["an unknown cipher", MESSAGES.ADD, ESP, withSa(espExtensions(0x700), { encrypt: 99 }), "EINVAL"],
  ["ESP without a cipher", MESSAGES.ADD, ESP, withSa(espExtensions(0x700), { encrypt: 0 }), "EINVAL"],
  ["ESP without authentication", MESSAGES.ADD, ESP, withSa(espExtensions(0x700), { auth: 0 }), "EINVAL"],
  ["an unknown authenticator", MESSAGES.ADD, ESP, withSa(espExtensions(0x700), { auth: 99 }), "EINVAL"],
  ["AH with a cipher", MESSAGES.ADD, AH, espExtensions(0x700), "EINVAL"],
  ["AH without an authenticator", MESSAGES.ADD, AH, withSa(espExtensions(0x700), { auth: 0, encrypt: 0 }), "EINVAL"],
  ["COMP without a compressor", MESSAGES.ADD, COMP, tunExtensions(0x700), "EINVAL"],
  ["COMP with an authenticator", MESSAGES.ADD, COMP, withSa(tunExtensions(0x700), { auth: 2, encrypt: 2 }), "EINVAL"],
  ["a magic SA", MESSAGES.ADD, INT, tunExtensions(0x700), "EINVAL"],
  ["an SA type without protocol", MESSAGES.ADD, 5, espExtensions(0x700), "EINVAL"],
  ["a missing source", MESSAGES.ADD, ESP, without(espExtensions(0x700), "source"), "EINVAL"],
  ["an SPI range", MESSAGES.ADD, ESP, { ...espExtensions(0x700), spiRange }, "EINVAL"],
  ["a current lifetime", MESSAGES.ADD, ESP, { ...espExtensions(0x700), lifetimeCurrent: NO_LIMITS }, "EINVAL"],
  ["a sensitivity label", MESSAGES.ADD, ESP, { ...espExtensions(0x700), sensitivity: new Uint8Array(12) }, "EINVAL"],
  [
    "a prefix length",
    MESSAGES.ADD,
    ESP,
    { ...espExtensions(0x700), source: { ...at(WEST), prefixLength: 24 } },
    "EINVAL",
  ],
  ["addresses of two families", MESSAGES.ADD, ESP, espExtensions(0x700, EAST, "2001:db8::1"), "EINVAL"],
  ["a tunnel of two families", MESSAGES.ADD, IPIP, tunExtensions(0x700, EAST, "2001:db8::1"), "EINVAL"],
  ["encapsulation without ports", MESSAGES.ADD, ESP, { ...espExtensions(0x700), natType: 2 }, "EINVAL"],
  ["encapsulation of another kind", MESSAGES.ADD, ESP, {
    ...espExtensions(0x700),
    natType: 1,
    natSport: 4500,
    natDport: 4500,
  }, "EINVAL"],
  ["encapsulation of a tunnel", MESSAGES.ADD, IPIP, {
    ...tunExtensions(0x700),
    natType: 2,
    natSport: 4500,
    natDport: 4500,
  }, "EINVAL"],
  ["an SA that is absent", MESSAGES.UPDATE, ESP, espExtensions(0x700), "ENOENT"],
  ["a current lifetime", MESSAGES.UPDATE, ESP, { ...espExtensions(0x200), lifetimeCurrent: NO_LIMITS }, "EINVAL"],
  ["a wrong key", MESSAGES.UPDATE, ESP, { ...espExtensions(0x200), keyEncrypt: keyOf(64) }, "EINVAL"],
  ["an SA that is absent", MESSAGES.DELETE, ESP, ids(0x700), "ESRCH"],
  ["an SA of another protocol", MESSAGES.DELETE, AH, ids(0x200), "ESRCH"],
  ["a missing SA", MESSAGES.DELETE, ESP, without(ids(0x200), "sa"), "EINVAL"],
  ["an SA that is absent", MESSAGES.GET, ESP, ids(0x700), "ESRCH"],
  ["an SA type without protocol", MESSAGES.GET, 0, ids(0x200), "EINVAL"],
  ["a reserved SPI in the range", MESSAGES.GETSPI, ESP, range(0xff, 0x400), "EEXIST"],
  ["an empty range", MESSAGES.GETSPI, ESP, range(0x400, 0x3ff), "EEXIST"],
  ["a full range", MESSAGES.GETSPI, ESP, range(0x200, 0x200), "EEXIST"],
  ["addresses of two families", MESSAGES.GETSPI, ESP, range(0x500, 0x5ff, "2001:db8::1"), "EINVAL"],
  ["no range", MESSAGES.GETSPI, ESP, { source: at(WEST), destination: at(EAST) }, "EINVAL"],
  ["a type that nobody has registered for", MESSAGES.ACQUIRE, COMP, addresses, "EPROTONOSUPPORT"],
  ["no destination", MESSAGES.ACQUIRE, ESP, { source: at(WEST) }, "EINVAL"],
  ["any extension", MESSAGES.EXPIRE, ESP, { sa: saOf(0x200) }, "EINVAL"],
  ["any extension", MESSAGES.REGISTER, ESP, { sa: saOf(0x200) }, "EINVAL"],
  ["any extension", MESSAGES.FLUSH, 0, { sa: saOf(0x200) }, "EINVAL"],
  ["everything", MESSAGES.DUMP, 0, {}, "ENOSYS"],
  ["everything", MESSAGES.X_PROMISC, 0, {}, "ENOSYS"],
  ["everything", MESSAGES.X_PCHANGE, 0, {}, "ENOSYS"],
  ["an inner SA that is absent", MESSAGES.X_GRPSA, IPIP, grouping(0x700, 0x200), "ENOENT"],
  ["an outer SA that is absent", MESSAGES.X_GRPSA, IPIP, grouping(0x200, 0x700), "ENOENT"],
  ["an inner SA that has an outer neighbour", MESSAGES.X_GRPSA, IPIP, grouping(0x300, 0x200), "EEXIST"],
  ["an outer SA that has an inner neighbour", MESSAGES.X_GRPSA, IPIP, grouping(0x200, 0x300), "EEXIST"],
  ["a loop", MESSAGES.X_GRPSA, ESP, grouping(0x300, 0x300, IPIP), "EEXIST"],
  ["an SA with itself", MESSAGES.X_GRPSA, ESP, grouping(0x200, 0x200), "EEXIST"],
  ["half of a second SA", MESSAGES.X_GRPSA, IPIP, without(grouping(0x200, 0x200), "destination2"), "EINVAL"],
  ["a second SA type without protocol", MESSAGES.X_GRPSA, IPIP, grouping(0x200, 0x200, 7), "EINVAL"],
  [
    "ungrouping an SA that is absent",
    MESSAGES.X_GRPSA,
    IPIP,
    without(grouping(0x700, 0), "satype2", "sa2", "destination2"),
    "ENOENT",
  ],
  ["a selector that exists", MESSAGES.X_ADDFLOW, IPIP, flowing("10.1.0.0/16", "10.2.0.0/16"), "EEXIST"],
  [
    "a policy for an SA that is absent",
    MESSAGES.X_ADDFLOW,
    IPIP,
    flowing("10.1.0.0/16", "10.2.0.0/16", 8, 0x700),
    "ENOENT",
  ],
  [
    "a policy for a chain without a tunnel",
    MESSAGES.X_ADDFLOW,
    ESP,
    flowing("10.1.0.0/16", "10.2.0.0/16", 8, 0x200),
    "ENOENT",
  ],
  ["a missing mask", MESSAGES.X_ADDFLOW, IPIP, without(flowing("10.5.0.0/16", "10.6.0.0/16"), "sourceMask"), "EINVAL"],
  [
    "a mask with a gap",
    MESSAGES.X_ADDFLOW,
    IPIP,
    { ...flowing("10.5.0.0/16", "10.6.0.0/16"), ...gappedMask },
    "EINVAL",
  ],
  ["a mask of another family", MESSAGES.X_ADDFLOW, IPIP, {
    ...flowing("10.5.0.0/16", "10.6.0.0/16"),
    sourceMask: at("ffff::"),
  }, "EINVAL"],
  ["networks of two families", MESSAGES.X_ADDFLOW, IPIP, flowing("10.5.0.0/16", "2001:db8::/32"), "EINVAL"],
  ["an SA type without protocol", MESSAGES.X_ADDFLOW, 0, flowing("10.5.0.0/16", "10.6.0.0/16"), "EINVAL"],
  ["a selector that is absent", MESSAGES.X_DELFLOW, 0, flowOf("10.9.0.0/16", "10.2.0.0/16"), "EFAULT"],
  ["a selector of another mask", MESSAGES.X_DELFLOW, 0, flowOf("10.1.0.0/24", "10.2.0.0/16"), "ENOENT"],
  ["a selector of a protocol", MESSAGES.X_DELFLOW, 0, flowOf("10.1.0.0/16", "10.2.0.0/16", { protocol: 6 }), "EFAULT"],
  ["nothing to delete", MESSAGES.X_DELFLOW, 0, {}, "EINVAL"],
  ["an SA without CLEARFLOW", MESSAGES.X_DELFLOW, 0, { sa: saOf(0) }, "EINVAL"],
  ["no words", MESSAGES.X_DEBUG, 0, {}, "EINVAL"],
  ["no operation", MESSAGES.X_TNCFG, 0, {}, "EINVAL"],
];

for (const [why, row, satype, extensions, errno] of REFUSED) {
  Deno.test(`${row.name} refuses ${why} (SA type ${satype}) with ${errno}, tells everybody, and changes nothing`, () => {
    const { station, ...clients } = furnished();
    const before = station.state(), installed = station.installed.length;
    const reply = station.ask(clients.requester, row, satype, extensions);
    deepEqual([reply.errno, reply.satype, reply.extensions], [ERRNO[errno], satype, {}]);
    for (const client of [clients.esp, clients.ah, clients.idle]) deepEqual(client.take(), [reply]);
    equal(station.state(), before);
    equal(station.installed.length, installed);
    doesNotMatch(station.logged.join("\n"), /0102030405|1,2,3,4/);
  });
}

/** Patches of a good ADD that make it malformed or otherwise no request. */
const BROKEN: [why: string, offset: number, value: number, errno: number][] = [
  ["version 1", 0, 1, ERRNO.EINVAL],
  ["type 0", 1, 0, ERRNO.EINVAL],
  ["type 17", 1, 17, ERRNO.EINVAL],
  ["type 255", 1, 255, ERRNO.EINVAL],
  ["an errno", 2, 1, ERRNO.EINVAL],
  ["SA type 12", 3, 12, ERRNO.EINVAL],
  ["a wrong length", 4, 3, ERRNO.EMSGSIZE],
  ["a reserved field", 6, 1, ERRNO.EINVAL],
  ["an extension of length 0", 16, 0, ERRNO.EINVAL],
  ["an extension past the end", 16, 200, ERRNO.EINVAL],
  ["extension 0", 18, 0, ERRNO.EINVAL],
  ["an unknown extension", 18, 50, ERRNO.EINVAL],
  ["an extension twice", 18, 5, ERRNO.EINVAL],
];
for (const [why, offset, value, errno] of BROKEN) {
  Deno.test(`a request with ${why} is refused with a bare header and changes nothing`, () => {
    const { station, requester, idle } = furnished();
    const before = station.state();
    const message = { type: 3, errno: 0, satype: ESP, seq: 77, pid: 88, extensions: espExtensions(0x700) };
    const raw = encodeMessage(message);
    raw[offset] = value;
    station.service.handle(requester, raw);
    const expected = raw.slice(0, 16);
    expected.set([2, expected[1], errno, expected[3], 2, 0, 0, 0]);
    deepEqual(requester.received.map((bytes) => [...bytes]), [[...expected]]);
    deepEqual(idle.received.map((bytes) => [...bytes]), [[...expected]]);
    equal(station.state(), before);
  });
}

Deno.test("every single bit flipped in an ADD gives one reply, and at most the one SA", () => {
  const raw = encodeMessage({ type: 3, errno: 0, satype: ESP, seq: 1, pid: 1, extensions: espExtensions(0x700) });
  for (let bit = 0; bit < raw.length * 8; bit++) {
    const station = new Station();
    const client = station.client();
    const copy = raw.slice();
    copy[bit >> 3] ^= 1 << (bit & 7);
    station.service.handle(client, copy);
    equal(client.received.length, 1, `bit ${bit}`);
    const added = client.received[0][2] === 0 && [3, 2].includes(copy[1]) ? 1 : 0;
    equal(station.sad.size, added, `bit ${bit}`);
  }
});

Deno.test("a request over 4096 octets is refused with EMSGSIZE", () => {
  const station = new Station();
  const client = station.client();
  const identitySource = { type: 2, id: 0, text: "x".repeat(4000) };
  const { errno } = station.ask(client, MESSAGES.ADD, ESP, { ...espExtensions(0x700), identitySource });
  deepEqual([errno, station.sad.size], [ERRNO.EMSGSIZE, 0]);
});

// SAs

Deno.test("ADD gives SA and addresses back, never keys", () => {
  const { station, requester } = company();
  const reply = station.do(requester, MESSAGES.ADD, ESP, {
    ...espExtensions(0x700),
    lifetimeHard: { ...NO_LIMITS, bytes: 5 },
  });
  deepEqual(reply, {
    sa: saOf(0x700, { auth: 2, encrypt: 3, ref: 2 }), // REGISTER took references 0 and 1
    source: at(WEST),
    destination: at(EAST),
  });
});

Deno.test("ADD marks an SA inbound where its destination is local", () => {
  const { station, requester } = company();
  equal(station.do(requester, MESSAGES.ADD, ESP, espExtensions(0x700, WEST, EAST)).sa!.flags, SA_FLAG.INBOUND);
  equal(station.do(requester, MESSAGES.ADD, ESP, espExtensions(0x700)).sa!.flags, 0);
});

const ADDED: [what: string, satype: number, extensions: Extensions, listed: RegExp][] = [
  ["AH", AH, {
    ...without(espExtensions(0x700), "keyEncrypt"),
    sa: saOf(0x700, { auth: 3 }),
    keyAuth: keyOf(160),
  }, /^ah0x700@192\.1\.2\.45 AH_HMAC_SHA1: /],
  ["IPIP", IPIP, tunExtensions(0x700), /^tun0x700@192\.1\.2\.45 IPIP: /],
  ["IPCOMP", COMP, withSa(tunExtensions(0x700), { encrypt: 2 }), /^comp0x700@192\.1\.2\.45 COMP_DEFLATE: /],
  ["IPv6", ESP, espExtensions(0x700, "2001:db8::2", "2001:db8::1"), /^esp0x700@2001:db8::2 ESP_3DES_HMAC_MD5: /],
  ["AES-GCM", ESP, {
    ...tunExtensions(0x700),
    sa: saOf(0x700, { encrypt: 20 }),
    keyEncrypt: keyOf(160),
  }, /^esp0x700@192\.1\.2\.45 ESP_AES_GCM_16: .* eklen=160 /],
  [
    "UDP encapsulation",
    ESP,
    { ...espExtensions(0x700), natType: 2, natSport: 4500, natDport: 1024 },
    / natdport=1024 /,
  ],
  ["an SA without its reference", ESP, withSa(espExtensions(0x700), { ref: 0xffff }), /^esp0x700@/],
];
for (const [what, satype, extensions, listed] of ADDED) {
  Deno.test(`ADD takes ${what}`, () => {
    const { station, requester } = company();
    station.do(requester, MESSAGES.ADD, satype, extensions);
    match(station.service.proc.read("spi/all")!, listed);
  });
}

Deno.test("ADD lowers a soft limit above the hard one", () => {
  const { station, requester } = company();
  station.do(requester, MESSAGES.ADD, ESP, {
    ...espExtensions(0x700),
    lifetimeSoft: { allocations: 9, bytes: 8, addtime: 7, usetime: 6, packets: 5 },
    lifetimeHard: { allocations: 3, bytes: 9, addtime: 3, usetime: 0, packets: 3 },
  });
  const { lifetimeSoft } = station.do(requester, MESSAGES.GET, ESP, ids(0x700));
  deepEqual(lifetimeSoft, { allocations: 3, bytes: 8, addtime: 3, usetime: 6, packets: 3 });
});

Deno.test("UPDATE puts a new SA in the place of the old one and its chain, and keeps its age", () => {
  const { station, requester } = furnished();
  station.clock = 1100;
  station.do(requester, MESSAGES.UPDATE, ESP, withSa(espExtensions(0x300), { replay: 32 }));
  doesNotMatch(station.service.proc.read("spi/all")!, /tun0x300/);
  const { lifetimeCurrent, sa } = station.do(requester, MESSAGES.GET, ESP, ids(0x300));
  deepEqual([lifetimeCurrent!.addtime, sa!.replay], [1000, 32]);
});

Deno.test("UPDATE without keys moves an SA in UDP, and leaves all else as it is", () => {
  const { station, requester } = company();
  station.do(requester, MESSAGES.ADD, ESP, { ...espExtensions(0x700), natType: 2, natSport: 4500, natDport: 1024 });
  const before = station.service.proc.read("spi/all")!;
  const proxy = at("203.0.113.9");
  const move = { ...ids(0x700), sa: saOf(0x700), natType: 2, natSport: 4500, natDport: 40000, proxy };
  station.do(requester, MESSAGES.UPDATE, ESP, move);
  equal(station.service.proc.read("spi/all"), before.replace("natdport=1024", "natdport=40000"));
  const [sa] = [...station.sad].filter(({ id }) => id.spi === 0x700);
  deepEqual(sa.udp!.peer, proxy.address);
});

Deno.test("DELETE removes the whole chain, and leaves the eroute", () => {
  const { station, requester } = furnished();
  station.do(requester, MESSAGES.DELETE, ESP, ids(0x300));
  deepEqual([...station.sad].map((sa) => sa.id.spi), [0x200, 0x200]);
  equal(station.eroutes.size, 1);
});

Deno.test("GET tells lifetimes and addresses, and no key", () => {
  const { station, requester } = company();
  station.clock = 1000.75;
  const lifetimeHard = { ...NO_LIMITS, bytes: 2 ** 40, packets: 9 };
  station.do(requester, MESSAGES.ADD, ESP, { ...espExtensions(0x700), lifetimeHard });
  const sa = [...station.sad][0];
  sa.packetsUsed = 2 ** 33;
  sa.firstUsedAt = 1001.5;
  deepEqual(station.do(requester, MESSAGES.GET, ESP, ids(0x700)), {
    sa: saOf(0x700, { auth: 2, encrypt: 3, ref: 2 }),
    source: at(WEST),
    destination: at(EAST),
    lifetimeCurrent: { allocations: 1, bytes: 0, addtime: 1000, usetime: 1001, packets: 0xffffffff },
    lifetimeHard,
    lifetimeSoft: NO_LIMITS,
  });
});

for (const satype of [0, ESP, AH]) {
  Deno.test(`FLUSH with SA type ${satype} removes all SAs and no eroute`, () => {
    const { station, requester } = furnished();
    station.do(requester, MESSAGES.FLUSH, satype, {});
    deepEqual([station.sad.size, station.eroutes.size], [0, 1]);
  });
}

Deno.test("GETSPI makes a larval SA of a random SPI that is free", () => {
  const { station, requester } = company();
  station.addEsp(requester, 0x502, WEST, EAST);
  station.randomWords.push(0x102, 0x205); // the first is 0x502, which is taken
  const reply = station.do(requester, MESSAGES.GETSPI, ESP, {
    source: at(EAST),
    destination: at(WEST),
    spiRange: { min: 0x500, max: 0x5ff },
  });
  deepEqual(reply, {
    sa: saOf(0x505, { state: SA_STATE.LARVAL, flags: SA_FLAG.INBOUND, ref: 3 }),
    source: at(EAST),
    destination: at(WEST),
  });
  match(station.service.proc.read("spi/all")!, /^esp0x505@192\.1\.2\.23 ESP: dir=in {2}src=192\.1\.2\.45 life/m);
});

Deno.test("GETSPI finds the last free SPI of a range", () => {
  const { station, requester } = company();
  const found = new Set<number>();
  for (let i = 0; i < 10; i++) {
    found.add(station.do(requester, MESSAGES.GETSPI, ESP, range(0x500, 0x509)).sa!.spi);
  }
  equal(found.size, 10);
  equal(station.ask(requester, MESSAGES.GETSPI, ESP, range(0x500, 0x509)).errno, ERRNO.EEXIST);
});

Deno.test("UPDATE turns what GETSPI made into a mature SA", () => {
  const { station, requester } = company();
  const { sa } = station.do(requester, MESSAGES.GETSPI, ESP, range(0x500, 0x5ff));
  station.clock = 1030;
  const reply = station.do(requester, MESSAGES.UPDATE, ESP, espExtensions(sa!.spi));
  deepEqual([reply.sa!.state, reply.sa!.encrypt, station.sad.size], [SA_STATE.MATURE, 3, 1]);
  equal([...station.sad][0].addedAt, 1000);
});

Deno.test("every request consumes a reference, a grouping two", () => {
  const station = new Station();
  const client = station.client();
  station.do(client, MESSAGES.FLUSH, 0, {}); // 0
  station.do(client, MESSAGES.X_DELFLOW, 0, { sa: saOf(0, { flags: SA_FLAG.CLEARFLOW }) }); // 1
  equal(station.do(client, MESSAGES.ADD, IPIP, tunExtensions(0x700)).sa!.ref, 2);
  equal(station.do(client, MESSAGES.ADD, ESP, espExtensions(0x700)).sa!.ref, 3);
  station.do(client, MESSAGES.X_GRPSA, IPIP, grouping(0x700, 0x700)); // 4 and 5
  equal(station.do(client, MESSAGES.ADD, IPIP, tunExtensions(0x800)).sa!.ref, 6);
});

Deno.test("ADD is refused with ENOSPC while all references are in use; DELETE works", () => {
  const { station, requester } = furnished();
  for (let reference = 0; reference < 65536; reference++) station.sad.keepReference(reference);
  equal(station.ask(requester, MESSAGES.ADD, ESP, espExtensions(0x700)).errno, ERRNO.ENOSPC);
  equal(station.ask(requester, MESSAGES.GETSPI, ESP, range(0x500, 0x5ff)).errno, ERRNO.ENOSPC);
  station.do(requester, MESSAGES.DELETE, ESP, ids(0x200));
  station.do(requester, MESSAGES.ADD, ESP, espExtensions(0x700));
});

Deno.test("X_GRPSA links pairs, and dissolves the chain of one SA", () => {
  const { station, requester } = company();
  for (const spi of [0x1, 0x2, 0x3].map((n) => n + 0x400)) station.addEsp(requester, spi);
  station.do(requester, MESSAGES.X_GRPSA, ESP, grouping(0x401, 0x402));
  const reply = station.do(requester, MESSAGES.X_GRPSA, ESP, grouping(0x402, 0x403));
  deepEqual([reply.sa!.spi, reply.satype2, reply.sa2!.spi, reply.destination2], [0x402, ESP, 0x403, at(EAST)]);
  const east = "@192.1.2.45";
  equal(station.service.proc.read("spigrp/all"), `esp0x401${east} esp0x402${east} esp0x403${east} \n`);
  station.do(requester, MESSAGES.X_GRPSA, ESP, { sa: saOf(0x402), destination: at(EAST) });
  equal(station.service.proc.read("spigrp/all"), `esp0x401${east} \nesp0x402${east} \nesp0x403${east} \n`);
});

// Eroutes

const SELECTED = flowOf("10.7.1.2/32", "10.8.0.0/16", { protocol: 17, sourcePort: 500, destinationPort: 4500 });

Deno.test("X_ADDFLOW makes an eroute; its reply carries no ports", () => {
  const { station, requester } = furnished();
  const extensions = { sa: saOf(0x300), destination: at(EAST), ...SELECTED };
  const reply = station.do(requester, MESSAGES.X_ADDFLOW, IPIP, extensions);
  deepEqual(reply, { ...extensions, sourceFlow: at("10.7.1.2"), destinationFlow: at("10.8.0.0") });
  match(
    station.service.proc.read("eroute/all")!,
    /^0 {10}10\.7\.1\.2\/32:500 {4}-> 10\.8\.0\.0\/16:4500 {3}=> tun0x300@192\.1\.2\.45:17$/m,
  );
});

Deno.test("X_ADDFLOW with REPLACEFLOW puts an eroute in place of the old one and sends what that held", () => {
  const { station, requester } = furnished();
  const [old] = station.eroutes.list();
  old.firstHeld = Uint8Array.of(1);
  old.lastHeld = Uint8Array.of(2);
  const flags = SA_FLAG.REPLACEFLOW;
  station.do(requester, MESSAGES.X_ADDFLOW, ESP, flowing("10.1.0.0/16", "10.2.0.0/16", flags, 0x200));
  deepEqual(station.resent, [Uint8Array.of(1), Uint8Array.of(2)]);
  deepEqual(station.eroutes.list().map(({ saId, firstHeld }) => [saId.spi, firstHeld]), [[0x200, undefined]]);
});

Deno.test("X_ADDFLOW with REPLACEFLOW adds where nothing is there to replace", () => {
  const { station, requester } = furnished();
  const flags = SA_FLAG.REPLACEFLOW;
  station.do(requester, MESSAGES.X_ADDFLOW, ESP, flowing("10.1.0.0/24", "10.2.0.0/16", flags, 0x200));
  deepEqual(station.eroutes.list().map(({ saId }) => saId.spi), [0x200, 0x300]);
});

for (const [named, satype] of [["tun0x300", IPIP], ["esp0x300", ESP]] as const) {
  Deno.test(`X_ADDFLOW with INFLOW to ${named} records the policy of the tunnel and makes no eroute`, () => {
    const { station, requester } = furnished();
    const flow = { ...SELECTED, sa: saOf(0x300, { flags: SA_FLAG.INFLOW }), destination: at(EAST) };
    const reply = station.do(requester, MESSAGES.X_ADDFLOW, satype, flow);
    deepEqual([reply.sourceFlow, reply.destinationFlow], [at("10.7.1.2"), at("10.8.0.0")]);
    equal(station.eroutes.size, 1);
    const tunnel = station.sad.find({ protocol: SA_PROTOCOLS.tun, spi: 0x300, destination: ip(EAST) })!;
    const { source, destination, protocol } = tunnel.policy!;
    deepEqual([source.port, destination.port, protocol], [500, 4500, 17]);
    equal(station.do(requester, MESSAGES.GET, IPIP, ids(0x300)).sa!.flags, SA_FLAG.INFLOW);
  });
}

Deno.test("X_ADDFLOW with INFLOW to a chain without a tunnel is the policy of its innermost SA", () => {
  const { station, requester } = company();
  station.do(requester, MESSAGES.ADD, ESP, espExtensions(0x400));
  const flow = { ...SELECTED, sa: saOf(0x400, { flags: SA_FLAG.INFLOW }), destination: at(EAST) };
  station.do(requester, MESSAGES.X_ADDFLOW, ESP, flow);
  const { source, destination, protocol } = station.sad.find({
    protocol: SA_PROTOCOLS.esp,
    spi: 0x400,
    destination: ip(EAST),
  })!.policy!;
  deepEqual([source.port, destination.port, protocol], [500, 4500, 17]);
});

Deno.test("X_ADDFLOW takes shunts and does not ask whether an SA is there", () => {
  const { station, requester } = company();
  const flow = (spi: number, source: string) => flowing(source, "10.2.0.0/16", 0, spi);
  station.do(requester, MESSAGES.X_ADDFLOW, INT, flow(MAGIC_SPIS.trap, "10.1.1.0/24"));
  station.do(requester, MESSAGES.X_ADDFLOW, ESP, flow(0x999, "10.1.2.0/24"));
  deepEqual(station.eroutes.list().map(({ shunt, saId }) => [shunt, saId.spi]), [[260, 260], [0, 0x999]]);
});

Deno.test("X_DELFLOW deletes exactly its selector", () => {
  const { station, requester } = furnished();
  station.addFlow(requester, 0x300, "10.1.0.0/24", "10.2.0.0/16");
  station.addFlow(requester, 0x300, "10.1.0.0/16", "10.2.0.0/16", { protocol: 6, destinationPort: 80 });
  const ports = flowOf("10.1.0.0/16", "10.2.0.0/16", { protocol: 6, destinationPort: 80 });
  const reply = station.do(requester, MESSAGES.X_DELFLOW, 0, ports);
  deepEqual(reply.destinationFlow, at("10.2.0.0"));
  station.do(requester, MESSAGES.X_DELFLOW, 0, flowOf("10.1.0.0/16", "10.2.0.0/16"));
  deepEqual(station.eroutes.list().map(({ selector }) => selector.source.bits), [24]);
});

Deno.test("X_DELFLOW with CLEARFLOW deletes all eroutes", () => {
  const { station, requester } = furnished();
  station.addFlow(requester, 0x300, "2001:db8:1::/48", "2001:db8:2::/48");
  deepEqual(station.do(requester, MESSAGES.X_DELFLOW, 0, { sa: saOf(0, { flags: SA_FLAG.CLEARFLOW }) }), {});
  equal(station.eroutes.size, 0);
});

// Registration, settings, devices

Deno.test("REGISTER lists the algorithms of its SA type", () => {
  const { station, requester } = company();
  const { supportedAuth, supportedEncrypt } = station.do(requester, MESSAGES.REGISTER, ESP, {});
  deepEqual(supportedAuth!.map(({ id, minBits }) => [id, minBits]), [[2, 128], [3, 160], [5, 256], [6, 384], [7, 512]]);
  deepEqual(supportedEncrypt!.map(({ id, ivBits, minBits, maxBits }) => [id, ivBits, minBits, maxBits]), [
    [3, 64, 192, 192],
    [12, 128, 128, 256],
    [20, 64, 160, 288],
    [28, 64, 288, 288],
  ]);
  const ah = station.do(requester, MESSAGES.REGISTER, AH, {});
  deepEqual([ah.supportedAuth!.length, ah.supportedEncrypt], [5, undefined]);
  deepEqual(station.do(requester, MESSAGES.REGISTER, COMP, {}), {
    supportedEncrypt: [{ id: 2, ivBits: 0, minBits: 1, maxBits: 1 }],
  });
  deepEqual([...requester.registered], [ESP, AH, COMP]);
});

const WORDS: [what: string, from: number, words: Partial<Record<DebugWord, number>>, to: [number, number, number]][] = [
  ["ORs where bit 31 of netlink is set", 0, { netlink: 0x80000000, tunnel: 0x10 }, [0x10, 0, 0]],
  ["ORs netlink without that bit", 0, { netlink: 0xffffffff }, [0, 0, 0x7fffffff]],
  ["ORs to what is there", 0x101, { netlink: 0x80000000, tunnel: 0x10 }, [0x111, 0x101, 0x101]],
  ["ANDs otherwise", 0x111, { tunnel: 0x10, esp: 0xffffffff, netlink: 0 }, [0x10, 0x111, 0]],
  ["keeps words unsigned", 0, { netlink: 0x80000000, esp: 0xffffffff }, [0, 0xffffffff, 0]],
];
for (const [what, from, words, to] of WORDS) {
  Deno.test(`X_DEBUG ${what}`, () => {
    const { station, requester } = company();
    const { sysctls } = station;
    Object.assign(sysctls, { debugTunnel: from, debugEsp: from, debugNetlink: from });
    station.do(requester, MESSAGES.X_DEBUG, 0, { debug: { ...DEBUG_ZERO, ...words } });
    deepEqual([sysctls.debugTunnel, sysctls.debugEsp, sysctls.debugNetlink], to);
  });
}

Deno.test("X_TNCFG attaches, and gives the errno of a refusal", () => {
  const { station, requester } = company();
  const tunnel = { op: "attach", virtual: "ipsec0", physical: "eth0" } as const;
  station.do(requester, MESSAGES.X_TNCFG, 0, { tunnel });
  deepEqual(station.tunnels, ["attach ipsec0 eth0"]);
  station.tunnelErrno = ERRNO.EBUSY;
  equal(station.ask(requester, MESSAGES.X_TNCFG, 0, { tunnel }).errno, ERRNO.EBUSY);
});

// The engine's own messages

function trap(station: Station, source: string, destination: string, protocol = 0, port = 0): Eroute {
  const selector = {
    source: hostSubnet(ip(source)),
    destination: { ...hostSubnet(ip(destination)), port },
    protocol,
  };
  return new Eroute(
    selector,
    { protocol: SA_PROTOCOLS.int, spi: MAGIC_SPIS.trap, destination: ip("0.0.0.0") },
    station.clock,
  );
}

const life = (seconds: number) => ({ ...NO_LIMITS, addtime: seconds, usetime: seconds });
const combination = (auth: number, bits: number) => ({
  auth,
  encrypt: 3,
  flags: 1,
  authMinBits: bits,
  authMaxBits: bits,
  encryptMinBits: 168,
  encryptMaxBits: 168,
  soft: life(57600),
  hard: life(86400),
});
const PROPOSAL = { replay: 64, combinations: [combination(2, 128), combination(3, 160)] };
const PACKET = { source: ip(WEST), destination: ip(EAST), protocol: 17, sourcePort: 1234, destinationPort: 53 };

const ACQUIRED: [what: string, protocol: number, port: number, expected: Extensions][] = [
  ["addresses alone", 0, 0, { source: at(WEST), destination: at(EAST) }],
  ["a protocol where the eroute has one", 17, 0, {
    source: { ...at(WEST), proto: 17 },
    destination: { ...at(EAST), proto: 17 },
  }],
  ["a port where the eroute has that", 17, 53, {
    source: { ...at(WEST), proto: 17 },
    destination: { ...at(EAST, 53), proto: 17 },
  }],
];
for (const [what, protocol, port, expected] of ACQUIRED) {
  Deno.test(`ACQUIRE goes to who registered for ESP, with ${what}`, () => {
    const { station, requester, esp, ah, idle } = company();
    equal(station.service.acquire({ ...PACKET, eroute: trap(station, WEST, EAST, protocol, port) }), true);
    deepEqual(esp.take(), [{
      type: MESSAGES.ACQUIRE.number,
      errno: 0,
      satype: ESP,
      seq: 1,
      pid: 0,
      extensions: { ...expected, proposal: PROPOSAL },
    }]);
    deepEqual([requester, ah, idle].flatMap((client) => client.take()), []);
    equal(station.service.proc.read("stats/trap_sendcount"), "00000001\n");
  });
}

Deno.test("ACQUIRE carries the identities that the eroute was given", () => {
  const { station, requester, esp } = company();
  const identitySource = { type: 2, id: 0, text: "west.example" };
  const identityDestination = { type: 3, id: 0, text: "me@east.example" };
  const flow = flowing("10.1.0.0/16", "10.2.0.0/16", 0, MAGIC_SPIS.trap);
  station.do(requester, MESSAGES.X_ADDFLOW, INT, { ...flow, identitySource, identityDestination });
  esp.take();
  station.service.acquire({ ...PACKET, eroute: station.eroutes.list()[0] });
  const [{ extensions }] = esp.take();
  deepEqual([extensions.identitySource, extensions.identityDestination], [identitySource, identityDestination]);
});

Deno.test("an ACQUIRE that nobody is registered for is counted, logged and not sent", () => {
  const station = new Station();
  const client = station.client();
  station.do(client, MESSAGES.REGISTER, AH, {});
  equal(station.service.acquire({ ...PACKET, eroute: trap(station, WEST, EAST) }), false);
  deepEqual([client.take(), station.service.proc.read("stats/trap_count")], [[], "00000001\n"]);
  equal(station.service.proc.read("stats/trap_sendcount"), "00000000\n");
  match(station.logged.at(-1)!, /^notice: ACQUIRE for 192\.1\.2\.23 -> 192\.1\.2\.45: no key daemon/);
});

for (const [which, hard] of [["soft", false], ["hard", true]] as const) {
  Deno.test(`EXPIRE tells everybody of a ${which} limit, with absolute times and sequence numbers of its own`, () => {
    const { station, requester, esp, ah, idle } = company();
    const limits = { ...NO_LIMITS, bytes: 384 };
    station.do(requester, MESSAGES.ADD, ESP, {
      ...espExtensions(0x700),
      lifetimeSoft: limits,
      lifetimeHard: { ...limits, bytes: 500 },
    });
    for (const client of station.clients) client.take();
    const sa = [...station.sad][0];
    sa.bytesUsed = 408;
    sa.firstUsedAt = 1003.5;
    sa.packetsUsed = 3;
    station.service.expire(sa, hard);
    const expected: PfkeyMessage = {
      type: MESSAGES.EXPIRE.number,
      errno: 0,
      satype: ESP,
      seq: 1,
      pid: 0,
      extensions: {
        sa: saOf(0x700, { auth: 2, encrypt: 3, ref: 2 }),
        lifetimeCurrent: { allocations: 1, bytes: 408, addtime: 1000, usetime: 1003, packets: 3 },
        [hard ? "lifetimeHard" : "lifetimeSoft"]: { ...limits, bytes: hard ? 500 : 384 },
        source: at(WEST),
        destination: at(EAST),
      },
    };
    for (const client of [requester, esp, ah, idle]) deepEqual(client.take(), [expected]);
    station.service.expire(sa, hard);
    equal(idle.take()[0].seq, 2);
  });
}

// Files

Deno.test("X_PROC gives a file in pieces to the requester alone, and an empty message at its end", () => {
  const { station, requester, idle } = company();
  for (let i = 0; i < 2000; i++) station.addFlow(requester, 0x300, `10.${i >> 8}.${i & 255}.0/24`, "0.0.0.0/0");
  idle.take();
  station.service.handle(
    requester,
    encodeMessage({ type: 32, errno: 0, satype: 0, seq: 9, pid: 8, extensions: { path: "eroute/all" } }),
  );
  const pieces = requester.take();
  deepEqual(pieces.map(({ extensions }) => extensions.data?.length), [
    65536,
    65536,
    pieces[2].extensions.data!.length,
    undefined,
  ]);
  const text = pieces.map(({ extensions }) => new TextDecoder().decode(extensions.data)).join("");
  equal(text.split("\n").length, 2001);
  deepEqual(idle.take(), []);
});

const FILES: [what: string, path: string, data: string | undefined, errno: number][] = [
  ["reads", "version", undefined, 0],
  ["refuses a file that is not there", "shadow", undefined, ERRNO.ENOENT],
  ["refuses an inherited property", "constructor", undefined, ERRNO.ENOENT],
  ["writes", "birth/ipv4", "template", 0],
  ["writes a setting", "sys/net/ipsec/tos", "1\n", 0],
  ["refuses a setting that is no number", "sys/net/ipsec/tos", "one", ERRNO.EINVAL],
  ["refuses an empty setting", "sys/net/ipsec/tos", " ", ERRNO.EINVAL],
  ["refuses a setting over 32 bits", "sys/net/ipsec/tos", "4294967296", ERRNO.EINVAL],
  ["refuses to write a listing", "version", "9", ERRNO.EINVAL],
];
for (const [what, path, data, errno] of FILES) {
  Deno.test(`X_PROC ${what}: ${path}`, () => {
    const { station, requester, idle } = company();
    const extensions = { path, ...(data === undefined ? {} : { data: new TextEncoder().encode(data) }) };
    station.service.handle(requester, encodeMessage({ type: 32, errno: 0, satype: 0, seq: 9, pid: 8, extensions }));
    equal(requester.take().at(-1)!.errno, errno);
    deepEqual(idle.take(), []);
    if (data !== undefined && errno === 0) equal(station.service.proc.read(path)!.trim(), data.trim());
  });
}

Deno.test("a client that left is not written to", () => {
  const { station, requester, idle } = company();
  station.clients.splice(station.clients.indexOf(idle), 1);
  station.addEsp(requester, 0x700);
  deepEqual(idle.take(), []);
});

Deno.test("a requester that is no longer listed still has its reply", () => {
  const { station } = company();
  const gone = new FakeClient(99);
  equal(station.ask(gone, MESSAGES.GET, ESP, ids(0x700)).errno, ERRNO.ESRCH);
});

// What klipsdebug asks for

const TRACED: [area: "debugPfkey" | "debugSpi" | "debugEroute" | "debugXform", lines: RegExp[]][] = [
  ["debugPfkey", [
    /^info: klips_debug:pfkey: request add ESP seq=\d+ pid=4001: sa source destination keyAuth keyEncrypt, 144 octets$/,
    /^info: klips_debug:pfkey: request update ESP /,
    /^info: klips_debug:pfkey: request x-addflow\(eroute\) IPIP /,
    /^info: klips_debug:pfkey: request delete ESP /,
    /^info: klips_debug:pfkey: request x-delflow\(eroute\) UNKNOWN /,
    /^info: klips_debug:pfkey: sending expire ESP seq=1 pid=0: sa source destination lifetimeCurrent lifetimeHard$/,
  ]],
  ["debugSpi", [
    /^info: klips_debug:spi: esp0x700@192\.1\.2\.45 added, mature, ref=\d+$/,
    /^info: klips_debug:spi: esp0x700@192\.1\.2\.45 removed$/,
    /^info: klips_debug:spi: esp0x700@192\.1\.2\.45 added, mature, ref=\d+$/,
    /^info: klips_debug:spi: esp0x700@192\.1\.2\.45 removed$/,
  ]],
  ["debugEroute", [
    /^info: klips_debug:eroute: 10\.7\.1\.2\/32:500 -> 10\.8\.0\.0\/16:4500, protocol 17 => tun0x300@192\.1\.2\.45 added$/,
    /^info: klips_debug:eroute: 10\.7\.1\.2\/32:500 -> 10\.8\.0\.0\/16:4500, protocol 17 removed$/,
  ]],
  ["debugXform", [
    /^info: klips_debug:xform: esp0x700@192\.1\.2\.45: ESP_3DES_HMAC_MD5, crypto by ./,
    /^info: klips_debug:xform: esp0x700@192\.1\.2\.45: ESP_3DES_HMAC_MD5, crypto by ./,
  ]],
];
for (const [area, lines] of TRACED) {
  Deno.test(`with ${area} set, and not without, the log tells what happens, and no key`, () => {
    for (const value of [0, 0xffffffff]) {
      const { station, requester } = furnished();
      station.sysctls[area] = value;
      station.logged.length = 0;
      station.do(requester, MESSAGES.ADD, ESP, espExtensions(0x700));
      station.do(requester, MESSAGES.UPDATE, ESP, espExtensions(0x700));
      station.do(requester, MESSAGES.X_ADDFLOW, IPIP, { sa: saOf(0x300), destination: at(EAST), ...SELECTED });
      station.do(requester, MESSAGES.DELETE, ESP, ids(0x700));
      station.do(requester, MESSAGES.X_DELFLOW, 0, SELECTED);
      station.service.expire([...station.sad].find((sa) => sa.id.protocol === SA_PROTOCOLS.esp)!, true);
      const traced = station.logged.filter((line) => line.includes("klips_debug"));
      equal(traced.length, value ? lines.length : 0);
      traced.forEach((line, i) => match(line, lines[i]));
      doesNotMatch(station.logged.join("\n"), /010203|1,2,3/);
    }
  });
}

Deno.test("PfkeyService says of each SA that comes, and of that one alone, so that keying many stays cheap", () => {
  const { station, requester } = furnished();
  station.installed.length = 0;
  station.addEsp(requester, 0x400);
  station.do(requester, MESSAGES.UPDATE, ESP, espExtensions(0x200));
  const { sa } = station.do(requester, MESSAGES.GETSPI, ESP, { spiRange, source: at(WEST), destination: at(EAST) });
  station.do(requester, MESSAGES.DELETE, ESP, ids(0x400));
  station.do(requester, MESSAGES.FLUSH, ESP, {});
  deepEqual(station.installed, [0x400, 0x200, sa!.spi]);
});

Deno.test("PfkeyService keeps one copy of an address, however many SAs, policies and eroutes have it", () => {
  const { station } = furnished();
  const sas = [...station.sad];
  equal(new Set(sas.map((sa) => sa.id.destination)).size, 1);
  equal(new Set(sas.map((sa) => sa.source)).size, 1);
  equal(station.eroutes.list()[0].saId.destination, sas[0].id.destination);
});
