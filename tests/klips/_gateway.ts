/**
 * A gateway made of an engine alone: no devices, no sockets, a clock that the test advances. What it sends is collected;
 * `carry` hands it to another gateway.
 */
import {
  AUTHENTICATORS,
  type AuthName,
  type CbcName,
  type CipherName,
  CIPHERS,
  isAead,
} from "../../lib/crypto/algorithms.ts";
import type { AeadName } from "../../lib/crypto/algorithms.ts";
import type { Provider } from "../../lib/crypto/provider.ts";
import { runtimeProvider } from "../../lib/crypto/runtime_provider.ts";
import { InterfaceCounters } from "../../lib/klips/counters.ts";
import { Device } from "../../lib/klips/device.ts";
import { Engine } from "../../lib/klips/engine.ts";
import { Eroute } from "../../lib/klips/eroute.ts";
import { Sa, type Transform, type UdpEncapsulation } from "../../lib/klips/sa.ts";
import { PacketMemory } from "../../lib/packet/memory.ts";
import { ReplayWindow } from "../../lib/packet/replay_window.ts";
import { Coalescer } from "../../lib/packet/tcp_coalesce.ts";
import { type Address, parseAddress } from "../../lib/text/address.ts";
import { parseSaId } from "../../lib/text/sa_id.ts";
import { parseSubnet } from "../../lib/text/subnet.ts";

export function address(text: string): Address {
  const parsed = parseAddress(text, 0);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.error}`);
  return parsed.value;
}

export interface Sent {
  readonly bytes: Uint8Array;
  /** Source port, destination port and addresses of a UDP datagram; undefined for a bare IP packet. */
  readonly udp: { sport: number; dport: number; source: Uint8Array; destination: Uint8Array } | undefined;
}

const KEY = Uint8Array.from({ length: 64 }, (_, i) => i * 7 + 1);

export class Gateway {
  readonly memory = new PacketMemory(4 << 20);
  readonly engine: Engine;
  readonly device: Device;
  readonly sent: Sent[] = [];
  readonly delivered: Uint8Array[] = [];
  readonly expired: [said: number, hard: boolean][] = [];
  readonly acquired: string[] = [];
  readonly debugged: string[] = [];
  readonly local: Set<string>;
  clock = 1000;
  mtu = 1500;
  /** Whether the device sends super-packets uncut; they stand in `sent` then. */
  takesSuperPackets = false;

  constructor(
    own: string[],
    readonly provider: Provider = runtimeProvider,
    readonly random = (bytes: Uint8Array<ArrayBuffer>): void => void crypto.getRandomValues(bytes),
  ) {
    this.local = new Set(own.map((text) => address(text).bytes.join()));
    const joiner = new Coalescer(this.memory, 200_002);
    this.device = new Device("ipsec0", new InterfaceCounters(), this.memory, joiner);
    this.device.inlet = {
      write: (at, length) => {
        this.delivered.push(this.memory.bytes.slice(at + 10, at + length));
        return true;
      },
      answer: (at, length) => void this.delivered.push(this.memory.bytes.slice(at, at + length)),
    };
    // deno-lint-ignore no-this-alias
    const gateway = this;
    this.device.outlet = {
      name: "eth0",
      get mtu() {
        return gateway.mtu;
      },
      packet: (at, length) => void this.sent.push({ bytes: this.memory.bytes.slice(at, at + length), udp: undefined }),
      superPacket: (at, length) =>
        this.takesSuperPackets &&
        this.sent.push({ bytes: this.memory.bytes.slice(at, at + length), udp: undefined }) > 0,
      datagram: (at, length, source, udp, peer) =>
        void this.sent.push({
          bytes: this.memory.bytes.slice(at, at + length),
          udp: {
            sport: udp.sport,
            dport: udp.dport,
            source: this.memory.bytes.slice(source, source + peer.length),
            destination: peer.slice(),
          },
        }),
      flush: () => {},
      address: (bytes) => own.map(address).find((a) => a.bytes.length === bytes),
    };
    this.device.effectiveMtu = this.mtu;
    this.engine = new Engine({
      memory: this.memory,
      arena: [1 << 20, 4 << 20],
      scratch: 0,
      devices: [this.device],
      clock: () => this.clock,
      random,
      isLocal: (bytes) => this.local.has(bytes.join()),
      debug: (text) => void this.debugged.push(text),
      expired: (sa, hard) => void this.expired.push([sa.id.spi, hard]),
      acquire: (eroute) => {
        this.acquired.push(`${eroute.saId.spi}`);
        return true;
      },
    });
  }

  transform(kind: string): Transform {
    const { memory, provider } = this;
    if (kind === "ipip") return { kind: "ipip" };
    if (kind === "comp") return { kind: "comp", failures: 0, skip: 0, uncompressedBytes: 0, compressedBytes: 0 };
    if (kind.startsWith("ah-")) {
      const auth = kind.slice(3) as AuthName;
      const row = AUTHENTICATORS[auth];
      const mac = provider.mac(auth, KEY.slice(0, row.keyBits / 8), memory);
      return { kind: "ah", auth, mac, icvBytes: row.icvBytes };
    }
    const name = kind as CipherName;
    if (name in CIPHERS && isAead(name)) {
      const row = CIPHERS[name];
      const size = row.keyBits / 8 - 4;
      return {
        kind: "esp",
        cipher: name,
        auth: undefined,
        aead: provider.aead(name as AeadName, KEY.slice(0, size), memory),
        cbc: undefined,
        mac: undefined,
        salt: KEY.slice(size, size + 4),
        iv: this.#randomBytes(row.ivBytes),
        ivBytes: row.ivBytes,
        blockBytes: row.blockBytes,
        icvBytes: row.icvBytes,
      };
    }
    const split = kind.indexOf("-");
    const cipher = kind.slice(0, split) as CbcName;
    const auth = kind.slice(split + 1) as AuthName;
    const row = CIPHERS[cipher];
    return {
      kind: "esp",
      cipher,
      auth,
      aead: undefined,
      cbc: provider.cbc(cipher, KEY.slice(0, row.keyBits / 8), memory),
      mac: provider.mac(auth, KEY.slice(0, AUTHENTICATORS[auth].keyBits / 8), memory),
      salt: new Uint8Array(0),
      iv: this.#randomBytes(row.ivBytes),
      ivBytes: row.ivBytes,
      blockBytes: row.blockBytes,
      icvBytes: AUTHENTICATORS[auth].icvBytes,
    };
  }

  #randomBytes(size: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(size);
    this.random(bytes);
    return bytes;
  }

  /** Adds an SA such as `sa("esp.1000@192.0.2.2", "192.0.2.1", "aes128-sha1-96")`. */
  sa(
    said: string,
    source: string,
    kind: string,
    options: { window?: number; esn?: boolean; udp?: UdpEncapsulation } = {},
  ): Sa {
    const id = parseSaId(said);
    if (!id.ok) throw new Error(`${said}: ${id.error}`);
    const sa = new Sa({
      id: id.value,
      source: address(source),
      inbound: this.local.has(id.value.destination.bytes.join()),
      transform: this.transform(kind),
      replay: options.window === 0 ? undefined : new ReplayWindow(options.window ?? 64),
      esn: options.esn ?? false,
      udp: options.udp,
      ref: 1,
    });
    sa.addedAt = this.clock;
    if (!this.engine.sad.install(sa)) throw new Error(`${said} is there already`);
    return sa;
  }

  /** Groups SAs, innermost first. */
  group(...chain: Sa[]): Sa {
    for (let i = 1; i < chain.length; i++) {
      const code = this.engine.sad.group(chain[i - 1], chain[i]);
      if (code !== 0) throw new Error(`grouping failed with errno ${code}`);
    }
    return chain[0];
  }

  eroute(source: string, destination: string, said: string, protocol = 0): Eroute {
    const family = source.includes("::") || source.split(":").length > 2 ? "inet6" : "inet";
    const from = parseSubnet(source, family), to = parseSubnet(destination, family), id = parseSaId(said);
    if (!from.ok || !to.ok || !id.ok) throw new Error(`bad eroute ${source} -> ${destination} => ${said}`);
    const eroute = new Eroute({ source: from.value, destination: to.value, protocol }, id.value, 1);
    if (!this.engine.eroutes.add(eroute)) throw new Error("eroute exists");
    return eroute;
  }

  /** The host routes a packet into ipsec0; `header` is the virtio header, zeroes if nothing was offloaded. */
  route(packet: Uint8Array, header: Uint8Array = new Uint8Array(10)): void {
    this.memory.bytes.set(header, 4098);
    this.memory.bytes.set(packet, 4108);
    this.engine.tick();
    this.engine.outbound.accept(this.device, 4098, 10 + packet.length);
    this.engine.flush();
  }

  /** The network brings a packet. */
  receive({ bytes, udp }: Sent): void {
    const at = 600_000;
    this.engine.tick();
    if (!udp) {
      this.memory.bytes.set(bytes, at);
      this.engine.inbound.accept(this.device, at, bytes.length, undefined);
    } else {
      const head = ipHeader(udp.source, udp.destination, 50, bytes.length);
      this.memory.bytes.set(head, at - head.length);
      this.memory.bytes.set(bytes, at);
      const origin = { names: udp.source, at: 0, port: udp.sport };
      this.engine.inbound.accept(this.device, at - head.length, head.length + bytes.length, origin);
    }
    this.engine.flush();
  }

  /** Hands everything sent so far to `peer`. */
  carry(peer: Gateway): void {
    for (const packet of this.sent.splice(0)) peer.receive(packet);
  }
}

/** An IP header of either version, with what a receiver looks at. */
export function ipHeader(source: Uint8Array, destination: Uint8Array, protocol: number, payload: number): Uint8Array {
  const v4 = source.length === 4;
  const head = new Uint8Array(v4 ? 20 : 40);
  const view = new DataView(head.buffer);
  if (v4) {
    view.setUint32(0, 0x45000000 | payload + 20);
    view.setUint32(8, 64 << 24 | protocol << 16);
    head.set(source, 12);
    head.set(destination, 16);
    let sum = 0;
    for (let i = 0; i < 20; i += 2) sum += view.getUint16(i);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    view.setUint16(10, ~sum & 0xffff);
  } else {
    view.setUint32(0, 0x60000000);
    view.setUint16(4, payload);
    head[6] = protocol;
    head[7] = 64;
    head.set(source, 8);
    head.set(destination, 24);
  }
  return head;
}

/** A packet of protocol 253 (for experiments, RFC 3692) whose payload counts up. */
export function plainPacket(source: string, destination: string, payload: number, protocol = 253): Uint8Array {
  const head = ipHeader(address(source).bytes, address(destination).bytes, protocol, payload);
  return Uint8Array.from([...head, ...Array.from({ length: payload }, (_, i) => i & 0xff)]);
}
