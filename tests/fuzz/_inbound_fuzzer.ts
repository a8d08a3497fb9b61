/**
 * Spoiled packets through the way in. Most come from packets that a peer sealed, so that they get as far as they can;
 * some are sealed around spoiled contents, as a faulty or hostile peer would.
 *
 * Rules: no throw; every packet is delivered or counted as dropped, once; what is delivered is what the peer sealed; a
 * sequence number is taken once; nothing is written outside the packet.
 */
import type { Provider } from "../../lib/crypto/provider.ts";
import type { EspTransform, Sa } from "../../lib/klips/sa.ts";
import { checkPacket } from "../../lib/packet/ip_header.ts";
import { parseSubnet } from "../../lib/text/subnet.ts";
import { address, Gateway, ipHeader, plainPacket } from "../klips/_gateway.ts";
import { V4, V6 } from "../klips/_tunnel.ts";
import type { Chance } from "./_chance.ts";
import { Finding, Guard } from "./_finding.ts";
import { fitLength, mutate, type Room } from "./_mutate.ts";

interface Chain {
  readonly name: string;
  readonly kinds: readonly string[];
  readonly outer: typeof V4;
  readonly inner: typeof V4;
  readonly transport?: boolean;
  readonly esn?: boolean;
  readonly udp?: boolean;
  /** Replay window; 0 lets the same packet in again, so that more of them reach what comes after. */
  readonly window: number;
}

const CHAINS: readonly Chain[] = [
  { name: "AES-GCM", kinds: ["aes128gcm16"], outer: V4, inner: V4, window: 0 },
  { name: "AES-GCM, window", kinds: ["aes256gcm16"], outer: V4, inner: V6, window: 64 },
  { name: "ChaCha20", kinds: ["chacha20poly1305"], outer: V6, inner: V4, window: 0 },
  { name: "AES-CBC, ESN", kinds: ["aes128-sha2_256-128"], outer: V4, inner: V4, esn: true, window: 64 },
  { name: "3DES", kinds: ["3des-md5-96"], outer: V4, inner: V4, window: 0 },
  { name: "AH", kinds: ["ah-sha1-96"], outer: V4, inner: V4, window: 0 },
  { name: "AH over IPv6, ESN", kinds: ["ah-sha2_512-256"], outer: V6, inner: V6, esn: true, window: 32 },
  { name: "ESP in AH", kinds: ["aes128gcm16", "ah-sha2_256-128"], outer: V4, inner: V4, window: 0 },
  { name: "IPCOMP", kinds: ["comp", "aes128gcm16"], outer: V4, inner: V4, window: 0 },
  { name: "UDP", kinds: ["aes128gcm16"], outer: V4, inner: V4, udp: true, window: 0 },
  { name: "UDP, ESN", kinds: ["aes128-sha1-96"], outer: V4, inner: V4, udp: true, esn: true, window: 0 },
  { name: "transport", kinds: ["aes128gcm16"], outer: V4, inner: V4, transport: true, window: 0 },
  { name: "AH transport over IPv6", kinds: ["ah-sha1-96"], outer: V6, inner: V6, transport: true, window: 0 },
];
const PACKETS_PER_CHAIN = 12;

interface Sealed {
  /** With its IP header, as the engine gets it. */
  readonly bytes: Uint8Array;
  readonly udp: boolean;
  readonly chain: Chain;
}

const SCRATCH = [0, 64] as const, JOIN = [200_002, 200_002 + 65_545] as const, ARENA = [1 << 20, 4 << 20] as const;
const AT = 600_000, CAPACITY = 4096;
const FENCE = 64;
/** AH puts the high half of an extended sequence number behind the packet. */
const AH_TAIL = 4;
const FULL_CHECK_EVERY = 1 << 16;

export class InboundFuzzer {
  packets = 0;
  delivered = 0;
  readonly #east: Gateway;
  readonly #guard: Guard;
  readonly #room: Room;
  readonly #corpus: Sealed[] = [];
  /** What may come out, by a hash of what the chain vouches for. */
  readonly #expected = new Map<number, Uint8Array[]>();
  readonly #origin = { names: Uint8Array.from(address(V4.west).bytes), at: 0, port: 4500 };
  readonly #hostile: { sa: Sa; t: EspTransform; inner: Uint8Array }[] = [];
  /** The packet in hand is authentic, whatever is in it. */
  #faultyPeer = false;
  #written = 0;

  constructor(readonly chance: Chance, provider: Provider) {
    const random = (bytes: Uint8Array) => chance.fill(bytes);
    const east = this.#east = new Gateway([V4.east, V6.east], provider, random);
    const west = new Gateway([V4.west, V6.west], provider, random);
    CHAINS.forEach((chain, i) => this.#setUp(chain, i, west));
    this.#guard = new Guard(east.memory, [SCRATCH, JOIN, [AT - FENCE, AT + CAPACITY + FENCE], ARENA]);
    this.#room = { bytes: east.memory.bytes, view: east.memory.view, at: AT, capacity: CAPACITY };
    east.device.inlet = {
      write: (at, length) => {
        this.#written++;
        this.#checkDelivered(at + 10, length - 10);
        return true;
      },
      answer: () => {
        throw new Finding("an answer to a packet that came in");
      },
    };
    east.engine.tick();
  }

  /** Drop counters by name. */
  get drops(): Float64Array {
    return this.#east.device.counters.drops;
  }

  /** @throws Finding, or whatever the engine throws */
  step(): void {
    const { chance } = this;
    const sealed = this.#corpus[chance.below(this.#corpus.length)];
    this.#faultyPeer = chance.oneIn(6);
    let length: number, udp = false;
    if (this.#faultyPeer) length = this.#sealSpoiled();
    else {
      const { bytes } = this.#east.memory;
      bytes.set(sealed.bytes, AT);
      udp = sealed.udp !== chance.oneIn(32);
      // A few are left as they are: what is sound must go on arriving.
      length = sealed.bytes.length;
      if (!chance.oneIn(16)) length = mutate(this.#room, length, chance, chance.pick(this.#corpus).bytes);
    }
    this.#accept(length, udp);
    this.packets++;
    if (this.packets % FULL_CHECK_EVERY === 0) this.#guard.check();
  }

  finish(): void {
    this.#guard.check();
    if (this.packets > 10_000 && this.delivered === 0) throw new Finding("nothing was delivered at all");
  }

  #accept(length: number, udp: boolean): void {
    const east = this.#east, { counters } = east.device;
    const end = AT + length;
    this.#guard.paint(AT - FENCE, AT);
    this.#guard.paint(end, end + FENCE);
    const dropped = counters.rxDropped + counters.rxErrors;
    this.#written = 0;
    if (udp) this.#origin.port = this.chance.oneIn(4) ? this.chance.below(65536) : 4500;
    east.engine.inbound.accept(east.device, AT, length, udp ? this.#origin : undefined);
    east.engine.flush();
    const counted = counters.rxDropped + counters.rxErrors - dropped;
    if (counted + this.#written !== 1) throw new Finding(`delivered ${this.#written} times, dropped ${counted} times`);
    if (counters.rxPackets !== this.packets + 1) throw new Finding(`${counters.rxPackets} packets counted as received`);
    if (counters.txPackets + counters.txDropped + counters.txErrors !== 0) throw new Finding("counted as sent");
    this.delivered += this.#written;
    this.#guard.expectUntouched(AT - FENCE, AT);
    this.#guard.expectUntouched(end + AH_TAIL, end + FENCE);
  }

  #checkDelivered(at: number, length: number): void {
    const { memory } = this.#east;
    const end = at + length;
    if (checkPacket(memory, at, length) !== 0) throw new Finding("a packet was delivered that is none");
    if (this.#faultyPeer) return;
    const candidates = this.#expected.get(vouchedHash(memory.bytes, at, end));
    if (candidates?.some((packet) => sameVouched(packet, memory.bytes, at, end))) return;
    throw new Finding(`an unauthentic packet was delivered: ${hex(memory.bytes.subarray(at, end))}`);
  }

  #setUp(chain: Chain, index: number, west: Gateway): void {
    const { outer, inner, kinds, transport, window, esn, udp } = chain;
    const all = transport ? kinds : ["ipip", ...kinds];
    const id = (i: number) => `${(0x1000 + 16 * index + i).toString(16)}@${outer.east}`;
    for (const gateway of [west, this.#east]) {
      const sas = all.map((kind, i) => {
        const protocol = kind === "ipip" ? "tun" : kind === "comp" ? "comp" : kind.startsWith("ah-") ? "ah" : "esp";
        const last = i === all.length - 1;
        return gateway.sa(`${protocol}${outer.sep}${id(i)}`, outer.west, kind, {
          window,
          esn: esn && protocol !== "tun" && protocol !== "comp",
          udp: udp && last ? { sport: 4500, dport: 4500, peer: undefined } : undefined,
        });
      });
      gateway.group(...sas);
      if (gateway !== west && !transport) this.#givePolicy(sas[0], inner);
      if (gateway !== west && window === 0 && !udp && outer === V4 && kinds.at(-1) === "aes128gcm16") {
        const t = sas.at(-1)!.transform as EspTransform;
        this.#hostile.push({ sa: sas.at(-1)!, t, inner: plainPacket(inner.sunset, inner.sunrise, 200) });
      }
    }
    const first = transport ? kinds[0].startsWith("ah-") ? "ah" : "esp" : "tun";
    const bits = outer === V4 ? 32 : 128;
    const nets = transport ? [`${outer.west}/${bits}`, `${outer.east}/${bits}`] : inner.nets;
    const eroute = west.eroute(nets[0], nets[1], `${first}${outer.sep}${id(0)}`);
    for (let i = 0; i < PACKETS_PER_CHAIN; i++) {
      const size = this.chance.below(i < 2 ? 8 : 400);
      const packet = transport
        ? plainPacket(outer.west, outer.east, size)
        : plainPacket(inner.sunset, inner.sunrise, size, i % 3 === 0 ? 17 : 253);
      this.chance.fill(packet, packet.length - (size >> (chain.kinds[0] === "comp" ? 3 : 0)));
      this.#expect(packet);
      west.route(packet);
      for (const { bytes, udp } of west.sent.splice(0)) {
        const head = udp ? ipHeader(udp.source, udp.destination, 50, bytes.length) : [];
        this.#corpus.push({ bytes: Uint8Array.from([...head, ...bytes]), udp: udp !== undefined, chain });
      }
    }
    west.engine.eroutes.remove(eroute.selector);
  }

  #givePolicy(tunnel: Sa, inner: typeof V4): void {
    const [source, destination] = inner.nets.map((net) => parseSubnet(net, inner === V4 ? "inet" : "inet6"));
    if (!source.ok || !destination.ok) throw new Error("no subnets");
    tunnel.policy = { source: source.value, destination: destination.value, protocol: 0 };
  }

  #expect(packet: Uint8Array): void {
    const hash = vouchedHash(packet, 0, packet.length);
    const list = this.#expected.get(hash);
    if (list) list.push(packet);
    else this.#expected.set(hash, [packet]);
  }

  /** ESP with a true ICV around contents that no sound peer sends; @returns its length */
  #sealSpoiled(): number {
    const { chance } = this;
    const { sa, t, inner } = chance.pick(this.#hostile);
    const { bytes, view } = this.#east.memory;
    const payload = AT + 28 + t.ivBytes;
    const room: Room = { bytes, view, at: payload, capacity: 1024 };
    let length = inner.length;
    bytes.set(inner, payload);
    const compressed = sa.inner?.transform.kind === "comp" && chance.oneIn(2);
    if (compressed) {
      view.setUint32(payload, 4 << 24 | chance.below(2) << 16 | sa.inner!.id.spi & 0xffff);
      chance.fill(bytes, payload + 4, payload + length);
      bytes[payload + 4] = bytes[payload + 4] & 0xf8 | chance.below(8);
    } else if (!chance.oneIn(4)) length = mutate(room, length, chance, inner);
    const pad = (4 - (length + 2) % 4) % 4;
    for (let i = 1; i <= pad; i++) bytes[payload + length + i - 1] = chance.oneIn(8) ? chance.word() : i;
    length += pad;
    bytes[payload + length++] = chance.oneIn(8) ? chance.word() : pad;
    bytes[payload + length++] = chance.oneIn(8) ? chance.word() : compressed ? 108 : inner[0] >>> 4 === 4 ? 4 : 41;
    const total = 28 + t.ivBytes + length + t.icvBytes;
    bytes.set(ipHeader(address(V4.west).bytes, address(V4.east).bytes, 50, total - 20), AT);
    fitLength({ bytes, view, at: AT, capacity: CAPACITY }, total);
    view.setUint32(AT + 20, sa.id.spi);
    view.setUint32(AT + 24, 1 + chance.below(1000));
    chance.fill(bytes, AT + 28, payload);
    bytes.set(t.salt, SCRATCH[0]);
    bytes.copyWithin(SCRATCH[0] + 4, AT + 28, AT + 36);
    bytes.copyWithin(SCRATCH[0] + 16, AT + 20, AT + 28);
    t.aead!.seal(SCRATCH[0], SCRATCH[0] + 16, 8, payload, length);
    return total;
  }
}

/** Where the addresses and what follows them begin: no ICV covers the rest of a header in transport mode. */
function payloadOf(bytes: Uint8Array, at: number): number {
  return bytes[at] >>> 4 === 4 ? at + ((bytes[at] & 15) << 2) : at + 40;
}

function addressesOf(bytes: Uint8Array, at: number): [at: number, length: number] {
  return bytes[at] >>> 4 === 4 ? [at + 12, 8] : [at + 8, 32];
}

/** FNV-1a over addresses and payload. */
function vouchedHash(bytes: Uint8Array, at: number, end: number): number {
  let hash = 0x811c9dc5;
  const [addresses, length] = addressesOf(bytes, at);
  for (let i = addresses; i < addresses + length; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  for (let i = payloadOf(bytes, at); i < end; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  return hash;
}

function sameVouched(packet: Uint8Array, bytes: Uint8Array, at: number, end: number): boolean {
  const [mine, length] = addressesOf(packet, 0), [theirs] = addressesOf(bytes, at);
  for (let i = 0; i < length; i++) if (packet[mine + i] !== bytes[theirs + i]) return false;
  const from = payloadOf(packet, 0), to = payloadOf(bytes, at);
  if (packet.length - from !== end - to) return false;
  for (let i = 0; i < end - to; i++) if (packet[from + i] !== bytes[to + i]) return false;
  return true;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes.subarray(0, 200), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
