import { deepEqual, doesNotMatch, equal } from "node:assert/strict";
import { runtimeProvider } from "../../lib/crypto/runtime_provider.ts";
import { counterText, deviceLine, saJson, saLine, transformName } from "../../lib/klips/listing.ts";
import { Sa, type SaOptions, type Transform } from "../../lib/klips/sa.ts";
import { PacketMemory } from "../../lib/packet/memory.ts";
import { ReplayWindow } from "../../lib/packet/replay_window.ts";
import { DEBUG_WORDS, MESSAGES, SA_FLAG, SATYPES } from "../../lib/pfkey/constants.ts";
import { parseSaId } from "../../lib/text/sa_id.ts";
import { at, EAST, espExtensions, flowOf, ip, keyOf, saOf, Station, WEST } from "./_station.ts";

const ESP = SATYPES.ESP.number, IPIP = SATYPES.IPIP.number, COMP = SATYPES.COMP.number, INT = SATYPES.INT.number;
const memory = new PacketMemory(4096);
const key = (bits: number) => new Uint8Array(bits / 8).fill(0xa5);

function espTransform(cipher: "3des" | "aes128", auth: "md5-96" | "sha1-96", iv: number[]): Transform {
  return {
    kind: "esp",
    cipher,
    auth,
    aead: undefined,
    cbc: runtimeProvider.cbc(cipher, key(cipher === "3des" ? 192 : 128), memory),
    mac: runtimeProvider.mac(auth, key(auth === "md5-96" ? 128 : 160), memory),
    salt: new Uint8Array(0),
    iv: Uint8Array.from(iv),
    ivBytes: iv.length,
    blockBytes: iv.length,
    icvBytes: 12,
  };
}

function gcmTransform(): Transform {
  return {
    kind: "esp",
    cipher: "aes128gcm16",
    auth: undefined,
    aead: runtimeProvider.aead("aes128gcm16", key(128), memory),
    cbc: undefined,
    mac: undefined,
    salt: Uint8Array.of(0xa5, 0xa5, 0xa5, 0xa5),
    iv: Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7),
    ivBytes: 8,
    blockBytes: 4,
    icvBytes: 16,
  };
}

const ahTransform = (): Transform => ({
  kind: "ah",
  auth: "sha1-96",
  mac: runtimeProvider.mac("sha1-96", key(160), memory),
  icvBytes: 12,
});
const compTransform = (): Transform => ({
  kind: "comp",
  failures: 0,
  skip: 0,
  uncompressedBytes: 0,
  compressedBytes: 0,
});

/** `said` as the listing has it; added at 1000. */
function sa(said: string, source: string, transform: Transform, options: Partial<SaOptions> = {}): Sa {
  const id = parseSaId(said);
  if (!id.ok) throw new Error(`${said}: ${id.error}`);
  const inbound = said.endsWith(WEST);
  const made = new Sa({
    id: id.value,
    source: ip(source),
    inbound,
    transform,
    replay: undefined,
    esn: false,
    udp: undefined,
    ref: 2,
    ...options,
  });
  made.addedAt = 1000;
  return made;
}

function outer(inner: Sa): Sa {
  inner.outer = sa("esp0x1@192.1.2.45", WEST, { kind: "ipip" });
  return inner;
}

/** Sequence numbers that a window has seen. */
function windowOf(size: number, ...seen: number[]): ReplayWindow {
  const window = new ReplayWindow(size);
  for (const sequence of seen) window.markAuthentic(0, sequence);
  return window;
}

const subnet = (source: string, bits: number) => ({ address: ip(source), bits, port: 0 });

/** The examples of klips.md §3, and beside each further field one more. */
const SAS: [what: string, make: () => Sa, now: number, line: string][] = [
  [
    "an outbound ESP SA in use",
    () => {
      const iv = [0x64, 0xc8, 0x18, 0x02, 0x2e, 0x5c, 0x1f, 0xa9];
      const one = outer(sa("esp0x515a1ad5@192.1.2.45", WEST, espTransform("3des", "md5-96", iv), {
        replay: windowOf(64),
        ref: 15,
      }));
      one.sequenceLow = 8;
      one.bytesUsed = 1088;
      one.packetsUsed = 8;
      one.firstUsedAt = 1000;
      one.lastUsedAt = 1013.5;
      return one;
    },
    1026.9,
    "esp0x515a1ad5@192.1.2.45 ESP_3DES_HMAC_MD5: dir=out src=192.1.2.23 iv_bits=64bits iv=0x64c818022e5c1fa9 " +
    "ooowin=64 seq=8 alen=128 aklen=128 eklen=192 " +
    "life(c,s,h)=bytes(1088,0,0)addtime(26,0,0)usetime(26,0,0)packets(8,0,0) idle=13 refcount=4 ref=15\n",
  ],
  [
    "an inbound ESP SA not used yet",
    () => {
      const iv = [0x5e, 0x8f, 0x25, 0xaa, 0xc7, 0xbe, 0x72, 0x60];
      const transform = espTransform("3des", "md5-96", iv);
      return outer(sa("esp0xab6836be@192.1.2.23", EAST, transform, { replay: windowOf(64), ref: 7 }));
    },
    1006,
    "esp0xab6836be@192.1.2.23 ESP_3DES_HMAC_MD5: dir=in  src=192.1.2.45 iv_bits=64bits iv=0x5e8f25aac7be7260 " +
    "ooowin=64 alen=128 aklen=128 eklen=192 life(c,s,h)=addtime(6,0,0) refcount=4 ref=7\n",
  ],
  [
    "an inbound tunnel with its policy",
    () => {
      const one = outer(sa("tun0x1001@192.1.2.23", EAST, { kind: "ipip" }, { ref: 9 }));
      one.policy = { source: subnet("192.0.1.0", 24), destination: subnet("192.0.2.0", 24), protocol: 0 };
      return one;
    },
    1006,
    "tun0x1001@192.1.2.23 IPIP: dir=in  src=192.1.2.45 policy=192.0.1.0/24->192.0.2.0/24 flags=0x8<> " +
    "life(c,s,h)=addtime(6,0,0) refcount=4 ref=9\n",
  ],
  [
    "an SA in the middle of a chain",
    () => {
      const one = outer(sa("comp0x68dd@192.1.2.45", WEST, compTransform(), { ref: 16 }));
      one.inner = sa("tun0x1@192.1.2.45", WEST, { kind: "ipip" });
      return one;
    },
    1002,
    "comp0x68dd@192.1.2.45 COMP_DEFLATE: dir=out src=192.1.2.23 life(c,s,h)=addtime(2,0,0) refcount=5 ref=16\n",
  ],
  [
    "AH without a window, alone",
    () => sa("ah0xa9123456@192.1.2.45", WEST, ahTransform()),
    1002,
    "ah0xa9123456@192.1.2.45 AH_HMAC_SHA1: dir=out src=192.1.2.23 alen=160 aklen=160 life(c,s,h)=addtime(2,0,0) " +
    "refcount=3 ref=2\n",
  ],
  [
    "all limits",
    () => {
      const one = sa("tun0x200@192.1.2.45", "0.0.0.0", { kind: "ipip" });
      Object.assign(one.limit("allocations"), { soft: 1, hard: 2 });
      Object.assign(one.limit("bytes"), { soft: 384, hard: 2 ** 40 });
      Object.assign(one.limit("addtime"), { soft: 5, hard: 6 });
      Object.assign(one.limit("usetime"), { soft: 7, hard: 8 });
      Object.assign(one.limit("packets"), { soft: 0, hard: 10 });
      return one;
    },
    1002,
    "tun0x200@192.1.2.45 IPIP: dir=out src=0.0.0.0 life(c,s,h)=alloc(1,1,2)bytes(0,384,1099511627776)addtime(2,5,6)" +
    "usetime(0,7,8)packets(0,0,10) refcount=3 ref=2\n",
  ],
  [
    "errors and what the window has seen",
    () => {
      const transform = espTransform("3des", "sha1-96", [0, 0, 0, 0, 0, 0, 0, 1]);
      const one = sa("esp0x200@192.1.2.23", EAST, transform, { replay: windowOf(32, 1, 2, 5) });
      Object.assign(one, { sequenceErrors: 3, authErrors: 4, sizeErrors: 5, padErrors: 6 });
      return one;
    },
    1000,
    "esp0x200@192.1.2.23 ESP_3DES_HMAC_SHA1: dir=in  src=192.1.2.45 iv_bits=64bits iv=0x0000000000000001 " +
    "ooowin=32 ooo_errs=3 seq=5 bit=0x19 max_seq_diff=2 alen=160 aklen=160 auth_errs=4 eklen=192 encr_size_errs=5 " +
    "encr_pad_errs=6 life(c,s,h)=addtime(0,0,0) refcount=3 ref=2\n",
  ],
  [
    "what compression saved",
    () =>
      sa(
        "comp0x68dd@192.1.2.45",
        WEST,
        { ...compTransform(), uncompressedBytes: 900, compressedBytes: 300 } as Transform,
      ),
    1000,
    "comp0x68dd@192.1.2.45 COMP_DEFLATE: dir=out src=192.1.2.23 life(c,s,h)=addtime(0,0,0) ratio=900:300 " +
    "refcount=3 ref=2\n",
  ],
  [
    "AES-GCM in UDP, with extended sequence numbers",
    () => {
      const udp = { sport: 4500, dport: 1024, peer: undefined };
      const one = sa("esp0x200@192.1.2.45", WEST, gcmTransform(), { udp, esn: true, replay: windowOf(64) });
      one.sequenceHigh = 1;
      return one;
    },
    1000,
    "esp0x200@192.1.2.45 ESP_AES_GCM_16: dir=out src=192.1.2.23 iv_bits=64bits iv=0x0001020304050607 ooowin=64 " +
    "seq=4294967296 esn=1 eklen=160 life(c,s,h)=addtime(0,0,0) natencap=espinudp natsport=4500 natdport=1024 " +
    "refcount=3 ref=2\n",
  ],
  [
    "IPv6",
    () => sa("tun0x200@2001:db8::2", "2001:db8::1", { kind: "ipip" }),
    1000,
    "tun0x200@2001:db8::2 IPIP: dir=out src=2001:db8::1 life(c,s,h)=addtime(0,0,0) refcount=3 ref=2\n",
  ],
];
for (const [what, make, now, line] of SAS) {
  Deno.test(`saLine() lists ${what}`, () => {
    equal(saLine(make(), now, false), line);
    equal(
      saLine(make(), now, true),
      line.replace(/ref=(\d+)\n/, (_, ref) => `ref=${ref} reftable=0 refentry=${ref}\n`),
    );
  });

  Deno.test(`saJson() has the facts of ${what}, and no key`, () => {
    const facts = saJson(make(), now);
    deepEqual([facts.said, facts.transform], [line.slice(0, line.indexOf(" ")), line.split(" ")[1].replace(":", "")]);
    equal(facts.direction, line.includes(" dir=in ") ? "in" : "out");
    const number = (name: string) => Number(new RegExp(` ${name}=(\\d+)`).exec(line)?.[1] ?? 0);
    deepEqual(
      [facts.replayWindow, facts.sequence, facts.ref, facts.idleSeconds ?? 0, facts.udp?.dport ?? 0],
      [number("ooowin"), number("seq"), number("ref"), number("idle"), number("natdport")],
    );
    deepEqual(facts.errors, {
      sequence: number("ooo_errs"),
      authentication: number("auth_errs"),
      size: number("encr_size_errs"),
      padding: number("encr_pad_errs"),
    });
    const { allocations: alloc, ...others } = facts.life;
    for (const [name, { current, soft, hard }] of Object.entries({ alloc, ...others })) {
      const shown = new RegExp(`[=)]${name}\\((\\d+),(\\d+),(\\d+)\\)`).exec(line);
      if (shown) deepEqual([current, soft, hard], shown.slice(1).map(Number), name);
      else deepEqual([soft, hard], [0, 0], name);
    }
    doesNotMatch(JSON.stringify(facts), /a5a5|165,165/);
  });
}

Deno.test("transformName() names what a larval SA will be, and no algorithm", () => {
  const names = ["ah", "esp", "tun", "comp"].map((protocol) => {
    const one = sa(`${protocol}0x200@192.1.2.45`, WEST, { kind: "ipip" });
    one.state = "larval";
    return transformName(one);
  });
  deepEqual(names, ["AH", "ESP", "IPIP", "COMP"]);
});

// The tree of files

/** klips.md §2, in an order that is not that of the listing. */
const EROUTES: [count: number, satype: number, spi: number, destination: string, flow: Parameters<typeof flowOf>][] = [
  [8, IPIP, 0x12345678, EAST, ["192.0.2.0/24", "192.0.1.0/24"]],
  [746, ESP, 0x130, "192.168.2.120", ["192.168.2.110/32", "192.168.2.120/32", { protocol: 6, destinationPort: 25 }]],
  [7, INT, 259, "0.0.0.0", ["192.0.2.1/32", "192.0.1.1/32"]],
  [0, INT, 256, "0.0.0.0", ["192.1.3.209/32", "192.1.2.254/32"]],
  [8, INT, 257, "0.0.0.0", ["192.1.2.23/32", "192.0.1.1/32"]],
  [0, INT, 258, "0.0.0.0", ["0.0.0.0/0", "0.0.0.0/0"]],
  [0, INT, 261, "0.0.0.0", ["192.0.1.0/24", "192.0.2.0/24"]],
  [1, INT, 260, "0.0.0.0", ["10.0.0.0/24", "10.1.0.0/16"]],
  [2, INT, 260, "0.0.0.0", ["10.0.0.0/16", "10.1.0.0/16"]],
  [3, INT, 260, "0.0.0.0", ["10.0.0.0/16", "10.1.0.0/16", { protocol: 17, sourcePort: 53 }]],
  [1234567890, INT, 260, "0.0.0.0", ["2001:db8::/32", "::/0"]],
];
const EROUTE_LISTING = [
  "0          0.0.0.0/0          -> 0.0.0.0/0          => %reject",
  "1          10.0.0.0/24        -> 10.1.0.0/16        => %trap",
  "2          10.0.0.0/16        -> 10.1.0.0/16        => %trap",
  "3          10.0.0.0/16:53     -> 10.1.0.0/16        => %trap:17",
  "0          192.0.1.0/24       -> 192.0.2.0/24       => %trapsubnet",
  "8          192.0.2.0/24       -> 192.0.1.0/24       => tun0x12345678@192.1.2.45",
  "7          192.0.2.1/32       -> 192.0.1.1/32       => %hold",
  "8          192.1.2.23/32      -> 192.0.1.1/32       => %drop",
  "0          192.1.3.209/32     -> 192.1.2.254/32     => %pass",
  "746        192.168.2.110/32   -> 192.168.2.120/32:25 => esp0x130@192.168.2.120:6",
  "1234567890 2001:db8::/32      -> ::/0               => %trap",
  "",
];

function read(station: Station, path: string): string {
  const text = station.service.proc.read(path);
  if (text === undefined) throw new Error(`${path} is not there`);
  return text;
}

const json = (station: Station, path: string) => JSON.parse(read(station, `${path}.json`));

Deno.test("eroute/all lists eroutes by network, the more specific mask first", () => {
  const station = new Station();
  const client = station.client();
  for (const [, satype, spi, destination, flow] of EROUTES) {
    const extensions = { sa: saOf(spi), destination: at(destination), ...flowOf(...flow) };
    station.do(client, MESSAGES.X_ADDFLOW, satype, extensions);
  }
  for (const eroute of station.eroutes.list()) {
    eroute.count = EROUTES.find(([, , , , [source, destination, options]]) => {
      const { sourceFlow, destinationFlow } = flowOf(source, destination, options);
      const { selector } = eroute;
      return sourceFlow!.address.bytes.join() === selector.source.address.bytes.join() &&
        destinationFlow!.address.bytes.join() === selector.destination.address.bytes.join() &&
        Number(source.split("/")[1]) === selector.source.bits &&
        (options?.protocol ?? 0) === selector.protocol;
    })![0];
  }
  deepEqual(read(station, "eroute/all").split("\n"), EROUTE_LISTING);
  const facts = json(station, "eroute/all") as Record<string, unknown>[];
  equal(facts.length, EROUTES.length);
  station.eroutes.list()[9].firstHeld = new Uint8Array(1);
  deepEqual((json(station, "eroute/all") as unknown[])[9], {
    count: 746,
    source: "192.168.2.110/32",
    sourcePort: 0,
    destination: "192.168.2.120/32",
    destinationPort: 25,
    protocol: 6,
    sa: "esp0x130@192.168.2.120",
    heldPackets: 1,
  });
});

Deno.test("spi/all and spigrp/all list what PF_KEY made", () => {
  const station = new Station();
  const client = station.client();
  station.addTun(client, 0x3d0);
  station.addEsp(client, 0x187a101b);
  station.group(client, 0x3d0, 0x187a101b);
  station.addEsp(client, 0x9a35fc02, WEST, EAST);
  const flow = {
    sa: saOf(0x3d0, { flags: SA_FLAG.INFLOW }),
    destination: at(EAST),
    ...flowOf("10.1.0.0/16", "10.2.0.0/16"),
  };
  station.do(client, MESSAGES.X_ADDFLOW, IPIP, flow);
  station.clock = 1010;
  deepEqual(read(station, "spi/all").split("\n"), [
    "tun0x3d0@192.1.2.45 IPIP: dir=out src=192.1.2.23 policy=10.1.0.0/16->10.2.0.0/16 flags=0x8<> " +
    "life(c,s,h)=addtime(10,0,0) refcount=4 ref=0",
    "esp0x187a101b@192.1.2.45 ESP_3DES_HMAC_MD5: dir=out src=192.1.2.23 iv_bits=64bits iv=0x0000000000000000 " +
    "alen=128 aklen=128 eklen=192 life(c,s,h)=addtime(10,0,0) refcount=4 ref=1",
    "esp0x9a35fc02@192.1.2.23 ESP_3DES_HMAC_MD5: dir=in  src=192.1.2.45 iv_bits=64bits iv=0x0000000000000000 " +
    "alen=128 aklen=128 eklen=192 life(c,s,h)=addtime(10,0,0) refcount=3 ref=4",
    "",
  ]);
  equal(
    read(station, "spigrp/all"),
    "tun0x3d0@192.1.2.45 esp0x187a101b@192.1.2.45 \nesp0x9a35fc02@192.1.2.23 \n",
  );
  deepEqual(json(station, "spigrp/all"), [
    ["tun0x3d0@192.1.2.45", "esp0x187a101b@192.1.2.45"],
    ["esp0x9a35fc02@192.1.2.23"],
  ]);
  deepEqual((json(station, "spi/all") as { said: string }[]).map(({ said }) => said), [
    "tun0x3d0@192.1.2.45",
    "esp0x187a101b@192.1.2.45",
    "esp0x9a35fc02@192.1.2.23",
  ]);
  station.sysctls.debugXform = 1;
  equal(read(station, "spi/all").split("\n")[1].endsWith(" ref=1 reftable=0 refentry=1"), true);
});

const FILES: [path: string, prepare: (station: Station) => void, text: string, facts: unknown][] = [
  [
    "tncfg",
    () => {},
    "ipsec0 -> eth1 mtu=16260(1500) -> 1500\nipsec1 -> NULL mtu=0(0) -> 0\n",
    [
      { virtual: "ipsec0", physical: "eth1", mtu: 16260, effectiveMtu: 1500, physicalMtu: 1500 },
      { virtual: "ipsec1", physical: null, mtu: 0, effectiveMtu: 0, physicalMtu: 0 },
    ],
  ],
  [
    "klipsdebug",
    (station) =>
      Object.assign(station.sysctls, { debugTunnel: 0x10, debugPfkey: 0xffffffff, debugNetlink: 5, debugVerbose: 6 }),
    "debug_tunnel=00000010.\ndebug_xform=00000000.\ndebug_eroute=00000000.\ndebug_spi=00000000.\n" +
    "debug_radij=00000000.\ndebug_esp=00000000.\ndebug_ah=00000000.\ndebug_rcv=00000000.\ndebug_pfkey=ffffffff.\n",
    { tunnel: 16, xform: 0, eroute: 0, spi: 0, radij: 0, esp: 0, ah: 0, rcv: 0, pfkey: 0xffffffff },
  ],
  ["version", () => {}, "FreeS/WAN version: oneswan-test\n", { version: "oneswan-test" }],
  ["birth/ipv4", () => {}, "", ""],
  ["birth/ipv6", (station) => void station.service.proc.write("birth/ipv6", "template"), "template", "template"],
  [
    "birth/ipv4",
    (station) => void station.service.proc.write("birth/ipv4", `${"x".repeat(255)}ü`),
    "x".repeat(255),
    "x".repeat(255),
  ],
  ["stats/trap_count", () => {}, "00000000\n", 0],
  ["stats/trap_sendcount", () => {}, "00000000\n", 0],
  [
    "stats/interfaces",
    (station) => {
      const { counters } = station.devices[0];
      Object.assign(counters, { rxPackets: 1, rxBytes: 2, txPackets: 5, txBytes: 6 });
      counters.drop(4);
    },
    "ipsec0 -> eth1\n  in:  1 packets, 2 bytes, 0 dropped, 0 errors\n" +
    "  out: 5 packets, 6 bytes, 1 dropped, 0 errors\n             1 no eroute\n",
    undefined,
  ],
  ["sys/net/ipsec/icmp", () => {}, "1\n", 1],
  ["sys/net/ipsec/inbound_policy_check", () => {}, "1\n", 1],
  ["sys/net/ipsec/tos", () => {}, "0\n", 0],
  ...DEBUG_WORDS.map((
    name,
  ): [string, () => void, string, number] => [`sys/net/ipsec/debug_${name}`, () => {}, "0\n", 0]),
  [
    "pf_key",
    (station) => void station.do(station.client(), MESSAGES.FLUSH, 0, {}),
    "    sock   pid   socket     next     prev e n p sndbf    Flags     Type St\n" +
    "00000001  4001 00000001 00000000 00000000 0 0 2     0 00000000        3  1\n",
    [{ socket: 1, pid: 4001 }],
  ],
  [
    "pf_key",
    (station) => {
      station.do(station.client(), MESSAGES.FLUSH, 0, {});
      station.sysctls.debugVerbose = 1;
    },
    "    sock   pid d    sleep   socket     next     prev e r z n p sndbf    stamp    Flags     Type St\n" +
    "00000001  4001 0 00000000 00000001 00000000 00000000 0 0 0 0 2     0 0.000000 00000000        3  1\n",
    [{ socket: 1, pid: 4001 }],
  ],
  [
    "pf_key_registered",
    (station) => {
      const client = station.client();
      station.do(client, MESSAGES.REGISTER, ESP, {});
      station.do(client, MESSAGES.REGISTER, COMP, {});
      station.do(client, MESSAGES.REGISTER, ESP, {});
    },
    "satype   socket   pid       sk\n     3 00000001  4001 00000001\n    10 00000001  4001 00000001\n",
    [{ satype: 3, socket: 1, pid: 4001 }, { satype: 10, socket: 1, pid: 4001 }],
  ],
];
for (const [path, prepare, text, facts] of FILES) {
  Deno.test(`${path} is ${JSON.stringify(text.slice(0, 40))}, and the same as JSON`, () => {
    const station = new Station();
    prepare(station);
    equal(read(station, path), text);
    if (facts !== undefined) deepEqual(json(station, path), facts);
  });
}

Deno.test("stats/interfaces.json counts, with the reasons for drops", () => {
  const station = new Station();
  station.devices[0].counters.drop(4);
  const [facts, ...rest] = json(station, "stats/interfaces");
  deepEqual([rest, facts.interface, facts.physical, facts.txDropped, facts.drops], [[], "ipsec0", "eth1", 1, {
    NO_EROUTE: 1,
  }]);
});

Deno.test("pf_key_supported has the rows of KLIPS with true lengths, and the newer algorithms", () => {
  const station = new Station();
  const lines = read(station, "pf_key_supported").split("\n");
  deepEqual(lines, [
    "satype exttype alg_id ivlen minbits maxbits",
    "     2      14      2     0     128     128",
    "     2      14      3     0     160     160",
    "     2      14      5     0     256     256",
    "     2      14      6     0     384     384",
    "     2      14      7     0     512     512",
    "     3      15      3    64     192     192",
    "     3      15     12   128     128     256",
    "     3      15     20    64     160     288",
    "     3      15     28    64     288     288",
    "     3      14      2     0     128     128",
    "     3      14      3     0     160     160",
    "     3      14      5     0     256     256",
    "     3      14      6     0     384     384",
    "     3      14      7     0     512     512",
    "     9      15      1     0      32      32",
    "     9      15      2     0     128     128",
    "     9      15      3     0     128     128",
    "     9      15      4     0     128     128",
    "    10      15      2     0       1       1",
    "",
  ]);
  const facts = json(station, "pf_key_supported") as Record<string, unknown>[];
  equal(facts.length, lines.length - 2);
  deepEqual(facts[5], { satype: 3, kind: "encrypt", id: 3, ivBits: 64, minBits: 192, maxBits: 192 });
});

for (const path of ["", "spi", "spi/all.json.json", "shadow", "toString", "__proto__", "version/"]) {
  Deno.test(`there is no file ${JSON.stringify(path)}`, () => {
    const { proc } = new Station().service;
    deepEqual([proc.read(path), proc.read(`${path}.json`), proc.write(path, "1")], [undefined, undefined, false]);
  });
}

Deno.test("every file has a twin in JSON, and none tells a key", () => {
  const station = new Station();
  const client = station.client();
  const keys = { keyAuth: { bits: 128, key: key(128) }, keyEncrypt: keyOf(192, 0xc0) };
  station.do(client, MESSAGES.ADD, ESP, { ...espExtensions(0x200), ...keys });
  const { proc } = station.service;
  equal(proc.paths().length > 20, true);
  for (const path of proc.paths()) {
    for (const text of [read(station, path), read(station, `${path}.json`)]) {
      doesNotMatch(text, /a5a5|165,165|c0c1|192,193/, path);
    }
  }
});

Deno.test("deviceLine() of a detached device", () => {
  const [attached] = new Station().devices;
  equal(
    deviceLine({ ...attached, physical: undefined, effectiveMtu: 0, physicalMtu: 0 }),
    "ipsec0 -> NULL mtu=16260(0) -> 0\n",
  );
  equal(counterText({ ...attached, physical: undefined }).split("\n")[0], "ipsec0 -> NULL");
});
