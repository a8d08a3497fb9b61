/**
 * What a host might route into ipsecN, and virtio headers that no sound kernel writes, through the way out.
 *
 * Rules: no throw; every segment is sent or counted as dropped, once; what leaves is a packet that fits the device, and in
 * the clear only where an eroute or our own IKE says so; nothing is written outside of the arena.
 */
import type { Provider } from "../../lib/crypto/provider.ts";
import { checkPacket, FlowKey, readFlow } from "../../lib/packet/ip_header.ts";
import { Segmenter, VNET } from "../../lib/packet/tcp_segments.ts";
import { MAGIC_SPIS } from "../../lib/text/sa_id.ts";
import { address, Gateway, plainPacket } from "../klips/_gateway.ts";
import { V4, V6 } from "../klips/_tunnel.ts";
import type { Chance } from "./_chance.ts";
import { Finding, Guard } from "./_finding.ts";
import { mutate, type Room } from "./_mutate.ts";

const HEADER = 4098, AT = HEADER + 10, CAPACITY = 66_000;
const ARENA = [1 << 20, 4 << 20] as const;
const ESP = 50, AH = 51, UDP = 17;
/** A %trap makes a %hold for each pair of hosts: more than these are cleared away. */
const MOST_EROUTES = 400;
const FULL_CHECK_EVERY = 1 << 16;

export class OutboundFuzzer {
  packets = 0;
  sent = 0;
  readonly #west: Gateway;
  readonly #guard: Guard;
  readonly #room: Room;
  readonly #corpus: Uint8Array[] = [];
  readonly #flow = new FlowKey();
  readonly #segmenter = new Segmenter();

  constructor(readonly chance: Chance, provider: Provider) {
    const west = this.#west = new Gateway([V4.west, V6.west], provider, (bytes) => chance.fill(bytes));
    this.#setUp();
    this.#guard = new Guard(west.memory, [[0, 64], [HEADER, AT + CAPACITY], [200_002, 265_547], ARENA]);
    this.#room = { bytes: west.memory.bytes, view: west.memory.view, at: AT, capacity: CAPACITY };
    west.device.outlet = {
      name: "eth0",
      mtu: 1500,
      packet: (at, length) => this.#checkSent(at, length),
      superPacket: () => false,
      datagram: (at, length) => this.#checkInArena(at, length),
      flush() {},
      address: (bytes) => address(bytes === 4 ? V4.west : V6.west),
    };
    west.device.inlet = {
      write: () => {
        throw new Finding("a packet was delivered to the host that wanted to send it");
      },
      answer: (at, length) => {
        this.#checkInArena(at, length);
        if (checkPacket(west.memory, at, length) !== 0) throw new Finding("an ICMP error that is no packet");
      },
    };
    west.engine.tick();
  }

  get drops(): Float64Array {
    return this.#west.device.counters.drops;
  }

  step(): void {
    const { chance } = this;
    const west = this.#west, { counters } = west.device, { bytes } = west.memory;
    const packet = chance.pick(this.#corpus);
    bytes.set(packet, AT);
    let length = packet.length;
    if (!chance.oneIn(4)) length = mutate(this.#room, length, chance, chance.pick(this.#corpus));
    // Mostly hosts and protocols that an eroute has something to say about.
    if (bytes[AT] >>> 4 === 4 && length >= 20 && chance.oneIn(2)) bytes[AT + 17] = chance.below(16);
    this.#writeVirtioHeader(length);
    const expected = this.#segmentsOf(length);
    const before = counters.txPackets + counters.txDropped + counters.txErrors;
    west.engine.outbound.accept(west.device, HEADER, 10 + length);
    west.engine.flush();
    const counted = counters.txPackets + counters.txDropped + counters.txErrors - before;
    if (counted !== expected) throw new Finding(`${expected} segments, ${counted} sent or dropped`);
    if (counters.rxPackets + counters.rxDropped + counters.rxErrors !== 0) throw new Finding("counted as received");
    this.sent = counters.txPackets;
    this.packets++;
    if (west.engine.eroutes.size > MOST_EROUTES) this.#clearHolds();
    if (this.packets % FULL_CHECK_EVERY === 0) this.#guard.check();
  }

  finish(): void {
    this.#guard.check();
    if (this.packets > 10_000 && this.sent === 0) throw new Finding("nothing was sent at all");
  }

  /** What the counters must show; a packet that is none counts once. */
  #segmentsOf(length: number): number {
    const { memory } = this.#west;
    if (checkPacket(memory, AT, length) < 0 || readFlow(memory, AT, length, this.#flow) < 0) return 1;
    if (memory.bytes[AT] >>> 4 === 4 && (memory.bytes[AT] & 15) !== 5) return 1;
    const segments = this.#segmenter.begin(memory, HEADER, 10 + length);
    const start = memory.view.getUint16(HEADER + VNET.checksumStart, true);
    return segments > 1 && start === this.#flow.headerLength ? segments : 1;
  }

  #writeVirtioHeader(length: number): void {
    const { chance } = this;
    const { bytes, view } = this.#west.memory;
    bytes.fill(0, HEADER, AT);
    if (chance.oneIn(2)) return;
    if (chance.oneIn(8)) return chance.fill(bytes, HEADER, AT);
    bytes[HEADER] = 1;
    bytes[HEADER + 1] = chance.pick([0, 0, 1, 4, 5, 0x81]);
    view.setUint16(HEADER + 4, 1 + chance.below(chance.oneIn(16) ? 65535 : 1400), true);
    view.setUint16(HEADER + 6, chance.oneIn(8) ? chance.below(length + 4) : bytes[AT] >>> 4 === 4 ? 20 : 40, true);
    view.setUint16(HEADER + 8, chance.pick([6, 16, 2, 0, 65535]), true);
  }

  #checkInArena(at: number, length: number): void {
    if (at < ARENA[0] || at + length > ARENA[1]) throw new Finding(`a packet outside of the arena, at ${at}`);
  }

  #checkSent(at: number, length: number): void {
    const { memory, engine } = this.#west;
    this.#checkInArena(at, length);
    if (length > 1500) throw new Finding(`a packet of ${length} bytes on a device of 1500`);
    if (checkPacket(memory, at, length) !== 0) throw new Finding("what was sent is no packet");
    const { bytes } = memory;
    const flow = this.#flow;
    if (readFlow(memory, at, length, flow) < 0) throw new Finding("what was sent has no end to its headers");
    if (flow.protocol === ESP || flow.protocol === AH) return;
    const size = bytes[at] >>> 4 === 4 ? 4 : 16;
    const source = at + (size === 4 ? 12 : 8);
    const { protocol, sourcePort, destinationPort } = flow;
    if (protocol === UDP && sourcePort === 500) return; // our own IKE
    if (flow.fragment) return; // its ports are the first fragment's
    const eroute = engine.eroutes.lookup(memory, source, source + size, size, protocol, sourcePort, destinationPort);
    if (eroute?.shunt !== MAGIC_SPIS.pass) throw new Finding(`protocol ${protocol} left in the clear`);
  }

  #clearHolds(): void {
    const { eroutes } = this.#west.engine;
    for (const { shunt, selector } of eroutes.list()) if (shunt === MAGIC_SPIS.hold) eroutes.remove(selector);
  }

  #setUp(): void {
    const west = this.#west;
    const chains: [outer: typeof V4, peer: string, kinds: string[], said: string, udp?: boolean][] = [
      [V4, V4.east, ["ipip", "aes128gcm16"], "tun.1000"],
      [V4, "192.0.2.3", ["ipip", "aes128-sha1-96", "ah-sha2_512-256"], "tun.1010"],
      [V4, "192.0.2.4", ["ipip", "comp", "3des-md5-96"], "tun.1020"],
      [V6, V6.east, ["ipip", "chacha20poly1305"], "tun:1030"],
      [V4, "192.0.2.5", ["ipip", "aes128gcm16"], "tun.1040", true],
      [V4, "192.0.2.6", ["aes128gcm16"], "esp.1050"],
      [V6, "2001:db8::6", ["ah-sha1-96"], "ah:1060"],
      [V4, "198.51.100.9", ["ipip", "aes128gcm16"], "tun.1070"],
    ];
    for (const [outer, peer, kinds, said, udp] of chains) {
      const first = parseInt(said.slice(said.search(/[.:]/) + 1), 16);
      west.group(...kinds.map((kind, i) => {
        const name = kind === "ipip" ? "tun" : kind === "comp" ? "comp" : kind.startsWith("ah-") ? "ah" : "esp";
        const encapsulation = udp && i > 0 ? { sport: 4500, dport: 4500, peer: undefined } : undefined;
        const id = `${name}${outer.sep}${(first + i).toString(16)}@${peer}`;
        return west.sa(id, outer === V4 ? V4.west : V6.west, kind, { esn: name === "ah", udp: encapsulation });
      }));
    }
    const any = "0.0.0.0/0";
    const eroutes: [source: string, destination: string, said: string, protocol?: number][] = [
      [any, "10.0.0.0/16", "tun.1000@192.0.2.2"],
      [any, "10.1.0.0/16", "tun.1010@192.0.2.3"],
      [any, "10.2.0.0/16", "tun.1020@192.0.2.4"],
      [any, "10.3.0.0/16", "tun:1030@2001:db8::2"],
      [any, "10.4.0.0/16", "tun.1040@192.0.2.5"],
      [any, "10.5.0.0/16", "%pass"],
      [any, "10.6.0.0/16", "%drop"],
      [any, "10.7.0.0/16", "%reject"],
      [any, "10.8.0.0/16", "%hold"],
      [any, "10.9.0.0/16", "%trap"],
      [any, "10.10.0.0/16", "%trap", UDP],
      [any, "10.11.0.0/16", "tun.7777@192.0.2.9"],
      ["192.0.2.1/32", "192.0.2.6/32", "esp.1050@192.0.2.6"],
      // What goes to 192.0.2.3 goes through another tunnel.
      ["192.0.2.1/32", "192.0.2.3/32", "tun.1070@198.51.100.9"],
      ["::/0", "fd01:2::/64", "tun:1030@2001:db8::2"],
      ["::/0", "fd01:3::/64", "%pass"],
      ["::/0", "fd01:4::/64", "%reject"],
      ["2001:db8::1/128", "2001:db8::6/128", "ah:1060@2001:db8::6"],
    ];
    for (const [source, destination, said, protocol] of eroutes) west.eroute(source, destination, said, protocol);
    const pairs = [
      ...Array.from({ length: 12 }, (_, i) => ["10.77.0.1", `10.${i}.0.1`]),
      [V4.west, "192.0.2.6"],
      ["fd01:1::1", "fd01:2::1"],
      ["fd01:1::1", "fd01:3::1"],
      ["fd01:1::1", "fd01:4::1"],
      [V6.west, "2001:db8::6"],
    ];
    for (const [source, destination] of pairs) {
      for (const [protocol, size] of [[6, 400], [UDP, 64], [1, 64], [253, 1460], [6, 9000]]) {
        const packet = plainPacket(source, destination, size, protocol);
        if (protocol === 6) packet[packet.length - size + 12] = 0x50;
        this.#corpus.push(packet);
      }
    }
    const options = plainPacket("fd01:1::1", "fd01:2::1", 64, 0);
    options.set([43, 0, 0x3e, 4, 0, 0, 0, 0, 6, 0, 4, 0, 0, 0, 0, 0], 40);
    this.#corpus.push(options, plainPacket("10.77.0.1", "10.0.0.1", 65_000));
  }
}
