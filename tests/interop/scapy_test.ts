/**
 * KLIPS against scapy's IPsec layer: every algorithm, both modes, both families, UDP encapsulation, extended sequence
 * numbers, IPCOMP and bundles; and packets that scapy has made wrong, each dropped under its own reason.
 *
 * ```
 * west 10.1.0.1, fd01:1::1 ======== _peer.py: one gateway per row, 198.18.n.n or 2001:db8:1::n
 *      192.0.2.1, 2001:db8::1       with 10.2.n.n or fd01:2::n behind it
 * ```
 * The namespace of the peer owns none of these addresses and does not forward: its kernel keeps silent.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { AUTHENTICATORS, type AuthName, type CipherName, CIPHERS, isAead } from "../../lib/crypto/algorithms.ts";
import type { DropName } from "../../lib/klips/counters.ts";
import { directionWords, type Keying, splitAlgorithm, startKlips, testKey } from "../../tools/_keying.ts";
import { ADDRESS, type Daemon, type Family, type Host, Net, until } from "../../tools/_net.ts";
import { ipsecHere } from "./_here.ts";
import { PYTHON, testWith } from "./_needs.ts";

const PEER = fileURLToPath(new URL("_peer.py", import.meta.url));

/** What happens to an answer of `_peer.py` after it has been sealed. */
interface Changes {
  /** Offsets in the IP header, and the bits that change there. */
  readonly header?: readonly (readonly [at: number, bits: number])[];
  /** A byte of which a bit changes: counted from the end of the IP header, or back from that of the packet. */
  readonly flip?: number;
}

/** What `_peer.py` does to its second answer. */
interface Mischief extends Changes {
  readonly layer?: { spi?: number; key?: string; authKey?: string };
  /** How many bytes are left behind the IP header. */
  readonly cut?: number;
  readonly sequence?: number;
  readonly repeat?: boolean;
  readonly source?: string;
  readonly innerSource?: string;
  readonly bare?: boolean;
  /** How many layers it leaves out, from the outermost. */
  readonly without?: number;
}

interface Row extends Keying {
  readonly name: string;
  /** Bytes of payload of the pings. */
  readonly sizes: readonly number[];
  readonly esn?: boolean;
  /** Sequence numbers of the first answers; up to 2^53. */
  readonly sequences?: readonly number[];
  /** Options of the outer IPv4 header of the answers, or their IPv6 extension headers. */
  readonly options?: readonly ("nop" | "record-route" | "router-alert" | "hop-by-hop" | "destination")[];
  readonly wire?: Changes;
  readonly second?: Mischief;
  readonly reason?: DropName;
}

const CBCS = (Object.keys(CIPHERS) as CipherName[]).filter((name) => !isAead(name));
const AEADS = (Object.keys(CIPHERS) as CipherName[]).filter(isAead);
const AUTHS = Object.keys(AUTHENTICATORS);
const ESPS = [...CBCS.flatMap((cipher) => AUTHS.map((auth) => `${cipher}-${auth}`)), ...AEADS];
/** One of each kind of cipher and each length of ICV. */
const SOME_ESPS = ["3des-md5-96", "aes192-sha2_384-192", "aes256-sha2_512-256", "aes128gcm16", "chacha20poly1305"];

const SMALL = [0, 1, 56, 1200];
/** Over the MTU of the link. The host cuts IPv6 packets itself, so these are IPv4 inside. */
const LARGE = [0, 1, 56, 1200, 2000];

const MODES = ["tunnel", "transport"] as const;
const FAMILIES: [text: string, outer: Family, inner: Family][] = [
  ["IPv4 in IPv4", "inet", "inet"],
  ["IPv6 in IPv4", "inet", "inet6"],
  ["IPv4 in IPv6", "inet6", "inet"],
  ["IPv6 in IPv6", "inet6", "inet6"],
];

function* goodRows(): Generator<Row> {
  for (const esp of ESPS) yield { name: `${esp}, tunnel`, esp, sizes: LARGE };
  for (const ah of AUTHS) yield { name: `AH ${ah}, tunnel`, ah, sizes: LARGE };
  for (const esp of ESPS) yield { name: `${esp}, transport`, esp, mode: "transport", sizes: LARGE };
  for (const ah of AUTHS) yield { name: `AH ${ah}, transport`, ah, mode: "transport", sizes: LARGE };

  for (const [text, outer, inner] of FAMILIES.slice(1)) {
    const sizes = inner === "inet" ? LARGE : SMALL;
    for (const esp of SOME_ESPS) yield { name: `${esp}, ${text}`, esp, outer, inner, sizes };
    for (const ah of AUTHS) yield { name: `AH ${ah}, ${text}`, ah, outer, inner, sizes };
  }
  for (const esp of SOME_ESPS) {
    yield { name: `${esp}, transport, IPv6`, esp, mode: "transport", outer: "inet6", sizes: SMALL };
  }
  for (const ah of AUTHS) {
    yield { name: `AH ${ah}, transport, IPv6`, ah, mode: "transport", outer: "inet6", sizes: SMALL };
  }

  for (const [text, outer, inner] of FAMILIES) {
    const sizes = inner === "inet" ? LARGE : SMALL;
    for (const esp of SOME_ESPS) yield { name: `${esp} in UDP, ${text}`, esp, natt: true, outer, inner, sizes };
  }
  for (const outer of ["inet", "inet6"] as const) {
    for (const esp of SOME_ESPS) {
      yield { name: `${esp} in UDP, transport, ${outer}`, esp, natt: true, mode: "transport", outer, sizes: SMALL };
    }
  }

  // The answers go over the end of the lower half: RFC 4303 appendix A2.
  const sequences = [1, 0xfffffff0, 0x1_0000_0003, 0x1_0000_0001];
  for (const esp of ESPS) yield { name: `${esp}, ESN`, esp, esn: true, sequences, sizes: SMALL };
  for (const outer of ["inet", "inet6"] as const) {
    for (const ah of AUTHS) yield { name: `AH ${ah}, ESN, ${outer}`, ah, esn: true, sequences, outer, sizes: SMALL };
  }

  // Routers change the header under way: RFC 4302 §3.3.3.1.
  const changed = {
    inet: [[1, 0xb8], [6, 0x40], [8, 0x3f]], // type of service, "don't fragment", time to live
    inet6: [[0, 0x0b], [1, 0x8f], [3, 0xff], [7, 0x3f]], // traffic class, flow label, hop limit
  } as const;
  for (const mode of MODES) {
    for (const outer of ["inet", "inet6"] as const) {
      const rest = { mode, outer, sizes: SMALL, wire: { header: changed[outer] } };
      yield { name: `AH, changed header, ${mode}, ${outer}`, ah: "sha2_256-128", ...rest };
      yield { name: `ESP, changed header, ${mode}, ${outer}`, esp: "aes128gcm16", ...rest };
    }
    const options = ["nop", "record-route", "router-alert"] as const;
    const rest = { mode, options, sizes: SMALL };
    yield { name: `AH, options, ${mode}`, ah: "sha1-96", ...rest };
    yield { name: `AH, changed record of the route, ${mode}`, ah: "sha1-96", ...rest, wire: { header: [[24, 0xff]] } };
    yield { name: `ESP, options, ${mode}`, esp: "aes128-sha1-96", ...rest };
    for (const options of [["hop-by-hop"], ["destination"], ["hop-by-hop", "destination"]] as const) {
      const rest = { mode, options, outer: "inet6", sizes: SMALL } as const;
      const where = `behind ${options.join(" and ")} options, ${mode}`;
      yield { name: `ESP ${where}`, esp: "aes128gcm16", ...rest };
      yield { name: `AH ${where}`, ah: "sha1-96", ...rest };
      // Behind the header of 2 bytes, type and length of the option: its data.
      yield { name: `AH ${where}, changed`, ah: "sha2_256-128", ...rest, wire: { flip: 4 } };
    }
  }

  for (const mode of MODES) {
    for (const outer of ["inet", "inet6"] as const) {
      const rest = { mode, outer, sizes: outer === "inet" ? LARGE : SMALL };
      const where = `${mode}, ${outer}`;
      yield { name: `AH around ESP, ${where}`, esp: "aes128-sha1-96", ah: "sha2_256-128", ...rest };
      yield { name: `AH around ESP with ESN, ${where}`, esp: "aes128gcm16", ah: "sha2_512-256", esn: true, ...rest };
      yield { name: `ESP around IPCOMP, ${where}`, comp: true, esp: "aes256-sha2_256-128", ...rest };
      yield { name: `AH around IPCOMP, ${where}`, comp: true, ah: "sha1-96", ...rest };
      yield { name: `AH, ESP, IPCOMP, ${where}`, comp: true, esp: "3des-md5-96", ah: "md5-96", ...rest };
    }
  }
}

/** The first answer is right, the second has one thing wrong. `at` counts from the first byte after the IP header. */
function* badRows(): Generator<Row> {
  const otherKey = (bytes: number) => testKey(bytes, 77).slice(2);
  const both = (esp: string, ah: string): Keying[] => [{ esp }, { ah }];
  const sizes: number[] = [];
  for (const keying of [...both("aes128-sha2_256-128", "sha2_256-128"), { esp: "aes256gcm16" }]) {
    const what = keying.esp ?? `AH ${keying.ah}`;
    const row = (name: string, second: Mischief, reason: DropName, more: Partial<Row> = {}): Row => {
      return { name: `${what}: ${name}`, ...keying, ...more, sizes, second, reason };
    };
    if (keying.esp === "aes256gcm16") yield row("another key", { layer: { key: otherKey(36) } }, "AUTH_FAILED");
    else yield row("another authentication key", { layer: { authKey: otherKey(32) } }, "AUTH_FAILED");
    yield row("a flipped bit of the payload", { flip: 60 }, "AUTH_FAILED");
    yield row("a flipped bit of the sequence number", { flip: keying.ah ? 10 : 6 }, "AUTH_FAILED");
    yield row("a flipped bit of the ICV", { flip: keying.ah ? 14 : -1 }, "AUTH_FAILED");
    yield row("the first answer again", { repeat: true }, "REPLAYED");
    yield row("its sequence number again", { sequence: 1 }, "REPLAYED");
    yield row("a sequence number left of the window", { sequence: 936 }, "REPLAYED", { sequences: [1000] });
    yield row("sequence number 0", { sequence: 0x1_0000_0000 }, "REPLAYED");
    yield row("another SPI", { layer: { spi: 0x7777 } }, "UNKNOWN_SA");
    yield row("another source", { source: "198.18.99.99" }, "WRONG_SOURCE");
    yield row("an inner source outside the policy", { innerSource: "10.99.0.1" }, "WRONG_POLICY");
    yield row("a packet cut in its header", { cut: 10 }, "TRUNCATED");
    yield row("another high half", { sequence: 0x1_0000_0002 }, "AUTH_FAILED", { esn: true });
    yield row("a jump over 2^32 packets", { sequence: 0x2_0000_0002 }, "AUTH_FAILED", { esn: true });
  }
  const esp = "aes128-sha1-96", ah = "sha1-96";
  const header = (at: number): Mischief => ({ header: [[at, 1]] });
  yield { name: "AH: another identification", ah, sizes, second: header(5), reason: "AUTH_FAILED" };
  const options = ["nop", "router-alert"] as const;
  yield { name: "AH: another router alert", ah, options, sizes, second: header(24), reason: "AUTH_FAILED" };
  const extended = { ah, outer: "inet6", options: ["hop-by-hop"], sizes } as const;
  yield { name: "AH: another type of hop-by-hop option", ...extended, second: { flip: 2 }, reason: "AUTH_FAILED" };
  yield { name: "not in UDP", esp, natt: true, sizes, second: { bare: true }, reason: "WRONG_ENCAPSULATION" };
  yield { name: "ESP without the AH around it", esp, ah, sizes, second: { without: 1 }, reason: "WRONG_ORDER" };
  yield { name: "CBC text that is no whole block", esp, sizes, second: { cut: 8 + 16 + 40 + 12 }, reason: "BAD_SIZE" };
}

/** Where a row's gateway is, and what lies behind it: for each row another address. */
function placeOf(row: Row, index: number) {
  const outer = row.outer ?? "inet", inner = row.inner ?? outer;
  const [high, low] = [index >> 8, index & 0xff];
  const peer = outer === "inet" ? `198.18.${high}.${low}` : `2001:db8:1::${index.toString(16)}`;
  const behind = inner === "inet" ? `10.2.${high}.${low}` : `fd01:2::${index.toString(16)}`;
  const transport = row.mode === "transport";
  return {
    peer,
    west: ADDRESS[outer].west,
    pinged: transport ? peer : behind,
    source: transport ? ADDRESS[outer].west : ADDRESS[inner].westInner,
    bits: (transport ? outer : inner) === "inet" ? 32 : 128,
    toPeer: 0x1000 + index,
    toWest: 0x8000 + index,
  };
}

type Place = ReturnType<typeof placeOf>;

/** A row as `_peer.py` reads it. */
function peerRow(row: Row, { peer, west, toPeer, toWest }: Place) {
  const layers = (spi: number) => {
    const key = (bits: number, seed: number) => testKey(bits / 8, seed).slice(2);
    const authKey = (auth: string) => key(AUTHENTICATORS[auth as AuthName].keyBits, spi + 1);
    const list: Record<string, unknown>[] = [];
    if (row.ah) list.push({ protocol: "ah", spi, auth: row.ah, authKey: authKey(row.ah), esn: row.esn });
    if (row.esp) {
      const [cipher, auth] = splitAlgorithm(row.esp);
      const keys = { key: key(CIPHERS[cipher as CipherName].keyBits, spi), authKey: auth && authKey(auth) };
      list.push({ protocol: "esp", spi, cipher, auth, ...keys, esn: row.esn });
    }
    if (row.comp) list.push({ protocol: "comp", spi });
    return list;
  };
  const { name, sequences, options, wire, second } = row;
  return {
    name,
    options,
    wire,
    peer,
    west,
    tunnel: row.mode !== "transport",
    udp: row.natt ? 4500 : undefined,
    inbound: layers(toPeer),
    outbound: layers(toWest),
    sequences,
    second,
  };
}

async function key(west: Host, row: Row, place: Place): Promise<void> {
  const keying: Keying = { ...row, extra: row.esn ? "--esn" : undefined };
  const here = `${place.source}/${place.bits}`, there = `${place.pinged}/${place.bits}`;
  const out = { from: place.west, to: place.peer, source: here, destination: there };
  const back = { from: place.peer, to: place.west, source: there, destination: here };
  for (const words of directionWords(keying, out, place.toPeer, true)) await ipsecHere(west, words);
  for (const words of directionWords(keying, back, place.toWest, false)) await ipsecHere(west, words);
  const dashed = place.bits === 32 ? "-4" : "-6";
  await west.ip(`${dashed} route replace ${there} dev ipsec0 src ${place.source}`);
}

/** West with KLIPS, east with the peer; the routes send every gateway's address to east's Ethernet address. */
async function makeNet(rows: readonly unknown[]): Promise<{ net: Net; west: Host; peer: Daemon }> {
  const net = await Net.make(["west", "east"], [["west", "eth0", "east", "eth0"]]);
  try {
    const { west, east } = net.hosts;
    for (const family of ["inet", "inet6"] as const) {
      const at = ADDRESS[family];
      await west.ip(`addr add ${at.west}/${family === "inet" ? 24 : 64} dev eth0`);
      await east.ip(`addr add ${at.east}/${family === "inet" ? 24 : 64} dev eth0`);
      await west.ip(`addr add ${at.westInner}/${family === "inet" ? 32 : 128} dev lo`);
    }
    // A host that knows no route to an IPv6 address says so, even where it does not forward.
    await east.ip("-6 route add blackhole default");
    await west.ip(`route add 198.18.0.0/15 via ${ADDRESS.inet.east}`);
    await west.ip(`route add 2001:db8:1::/64 via ${ADDRESS.inet6.east}`);
    const file = `${east.directory}/rows.json`;
    await Deno.writeTextFile(file, JSON.stringify(rows));
    const peer = east.start([PYTHON, PEER, "eth0", file]);
    await startKlips(west);
    await until("the peer is ready", () => {
      if (peer.ended !== undefined) throw new Error(peer.output);
      return peer.output.includes("ready");
    });
    return { net, west, peer };
  } catch (error) {
    await net[Symbol.asyncDispose]();
    throw error;
  }
}

/** Why packets were dropped so far: names of reasons and their counts, without what west itself sends to ipsec0. */
async function drops(west: Host): Promise<Record<string, number>> {
  const { interfaces } = JSON.parse(await ipsecHere(west, "klips --status --json"));
  const { NO_EROUTE: _, ...others } = interfaces[0].drops;
  return others;
}

const NEEDS = ["root", "ping", "scapy", "cryptography"] as const;
const GOOD = [...goodRows()].map((row, i) => ({ row, place: placeOf(row, i + 1) }));
const BAD = [...badRows()].map((row, i) => ({ row, place: placeOf(row, i + 1) }));

/** Runs a row; where it fails, the error says also what the peer has refused. */
async function telling(peer: Daemon, west: Host, run: () => Promise<void>): Promise<void> {
  const before = peer.output.length;
  try {
    await run();
  } catch (error) {
    const words = peer.output.slice(before);
    throw new Error(
      `${(error as Error).message}\npeer: ${words || "silent"}\ndrops: ${JSON.stringify(await drops(west))}`,
    );
  }
}

testWith(NEEDS, "scapy answers pings through every kind of SA", async (t) => {
  const { net, west, peer } = await makeNet(GOOD.map(({ row, place }) => peerRow(row, place)));
  await using _ = net;
  for (const { row, place } of GOOD) {
    await t.step(row.name, () =>
      telling(peer, west, async () => {
        await key(west, row, place);
        for (const size of row.sizes) await west.pings(place.pinged, `-c 1 -W 2 -M dont -s ${size} -I ${place.source}`);
      }));
  }
});

testWith(NEEDS, "what scapy has made wrong is dropped under its reason", async (t) => {
  const { net, west, peer } = await makeNet(BAD.map(({ row, place }) => peerRow(row, place)));
  await using _ = net;
  for (const { row, place } of BAD) {
    await t.step(`${row.name}: ${row.reason}`, () =>
      telling(peer, west, async () => {
        await key(west, row, place);
        const ping = (words: string) => west.canPing(place.pinged, `-c 1 ${words} -I ${place.source}`);
        assert.ok(await ping("-W 2"), "the first answer is right");
        const before = await drops(west);
        assert.equal(await ping("-W 0.2"), false, "the second is not answered");
        const after = await drops(west);
        const counted = Object.entries(after).filter(([name, count]) => count !== (before[name] ?? 0));
        assert.deepEqual(counted, [[row.reason, (before[row.reason!] ?? 0) + 1]]);
      }));
  }
});
