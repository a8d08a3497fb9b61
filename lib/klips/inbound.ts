/**
 * The way in (klips.md §16). The stages, in the order of the functions below:
 *
 *  1. accept   an IP packet that carries ESP or AH, with the headers that the socket took off restored
 *  2. open     layer by layer: find the SA, check source and order, authenticate, decrypt, count
 *  3. unwrap   take the tunnel header off, check what came out against the policy of the tunnel
 *  4. deliver  in transport mode, check it against the policy; join TCP segments again and write them to the TUN device
 */
import { checkPacket } from "../packet/ip_header.ts";
import { finishTransportChecksum } from "../packet/checksum.ts";
import type { Subnet } from "../text/subnet.ts";
import { newMutable, openAh } from "./ah.ts";
import { decompress, INFLATED_BYTES } from "./comp.ts";
import { DROP } from "./counters.ts";
import type { Device } from "./device.ts";
import type { EngineParts } from "./engine_parts.ts";
import { openEsp } from "./esp.ts";
import { Frame } from "./frame.ts";
import { IPIP, IPV6_IN_IP, unwrapIpip } from "./ipip.ts";
import { checkLifetimes, HARD, SOFT } from "./lifetime.ts";
import type { InboundPolicy, Sa } from "./sa.ts";

const ESP = 50, AH = 51, IPCOMP = 108;
const TCP = 6, UDP = 17;
const IPV4_HEADER = 20, IPV6_HEADER = 40;
/** More layers than any chain has: four SAs, and one packet may hold a second chain. */
const LAYERS = 8;

export class Inbound {
  readonly #frame: Frame;
  readonly #mutable = newMutable();
  readonly #inflated: number;

  constructor(readonly parts: EngineParts) {
    this.#frame = new Frame(parts.memory);
    this.#inflated = parts.arena.reserve(INFLATED_BYTES);
  }

  // 1. accept

  /**
   * Takes an IP packet at `at`; for AH, the 4 bytes after it are free to be written.
   *
   * @param device the ipsecN to credit
   * @param udp where a UDP-encapsulated packet came from; undefined for bare ESP and AH
   */
  accept(device: Device, at: number, length: number, udp: UdpOrigin | undefined): void {
    device.counters.rxPackets++;
    if (checkPacket(this.parts.memory, at, length) < 0) return device.counters.drop(DROP.BAD_PACKET);
    const frame = this.#frame;
    frame.set(at, at + length);
    if (this.parts.trace.on) this.parts.trace.received(device.name, this.parts.memory, at, length);
    const reason = this.#open(device, udp);
    if (reason < 0) return;
    device.counters.drop(reason);
  }

  // 2. open

  /** @returns a drop reason, or -1 */
  #open(device: Device, udp: UdpOrigin | undefined): number {
    const { parts } = this;
    const frame = this.#frame;
    const policy = parts.sysctls.inboundPolicyCheck !== 0;
    let previous: Sa | undefined;
    let protocol = frame.protocol;
    for (let layer = 0; protocol === ESP || protocol === AH || protocol === IPCOMP; layer++) {
      if (layer === LAYERS) return DROP.WRONG_ORDER;
      const header = frame.start + frame.headerLength;
      if (frame.end - header < (protocol === IPCOMP ? 4 : 8)) return DROP.TRUNCATED;
      const spi = this.#spi(protocol, header);
      const sa = parts.sad.lookup(parts.memory, protocol, spi, frame.destination, frame.addressBytes);
      if (parts.trace.on) parts.trace.looked(sa, protocol, spi);
      if (!sa) return DROP.UNKNOWN_SA;
      if (sa.state === "larval") return DROP.SA_LARVAL;
      if (sa.state === "dead") return DROP.SA_DEAD;
      if (policy) {
        if (!sa.udp && !this.#comesFrom(sa)) return DROP.WRONG_SOURCE;
        // COMP may have been left out on the way, so the neighbour counts through it.
        if (previous ? previous.inner !== sa : sa.outer !== undefined) return DROP.WRONG_ORDER;
      }
      if (layer === 0 && (sa.udp !== undefined) !== (udp !== undefined)) return DROP.WRONG_ENCAPSULATION;
      const expired = checkLifetimes(sa, parts.now());
      if (expired === HARD) {
        parts.expire(sa, true);
        return DROP.LIFETIME;
      }
      const before = frame.end - frame.start;
      const next = this.#openLayer(sa);
      if (next < 0) return ~next;
      if (parts.trace.on) parts.trace.opened(sa, before, frame.end - frame.start);
      if (expired === SOFT) parts.expire(sa, false);
      if (udp && layer === 0) this.#followPeer(sa, udp);
      if (policy && sa.inner && !mayFollow(sa.inner, next)) return DROP.WRONG_INNER;
      this.#count(sa);
      previous = sa;
      protocol = next;
    }
    if (!previous) return DROP.UNKNOWN_SA;
    return this.#unwrap(device, previous, policy, protocol);
  }

  /** As a signed number: from 2^31 on V8 makes an object of an unsigned one that is passed on. */
  #spi(protocol: number, header: number): number {
    const { view } = this.parts.memory;
    if (protocol === IPCOMP) return view.getUint16(header + 2);
    return view.getInt32(protocol === ESP ? header : header + 4);
  }

  #comesFrom(sa: Sa): boolean {
    const { bytes } = this.parts.memory;
    const source = sa.source.bytes;
    const at = this.#frame.source;
    if (source.length !== this.#frame.addressBytes) return false;
    let any = true, same = true;
    for (let i = 0; i < source.length; i++) {
      if (source[i] !== 0) any = false;
      if (source[i] !== bytes[at + i]) same = false;
    }
    return same || any;
  }

  /** @returns the protocol inside, or the complement of a drop reason */
  #openLayer(sa: Sa): number {
    const t = sa.transform;
    switch (t.kind) {
      case "esp":
        return openEsp(this.#frame, sa, t, this.parts.scratch);
      case "ah":
        return openAh(this.#frame, sa, t, this.parts.scratch, this.#mutable);
      case "comp":
        return decompress(this.#frame, sa, t, this.#inflated);
      case "ipip":
        return ~DROP.UNKNOWN_SA;
    }
  }

  /** RFC 3948 §4: an authentic packet says where the peer behind a NAT is now. */
  #followPeer(sa: Sa, udp: UdpOrigin): void {
    const known = sa.udp!;
    const address = known.peer?.bytes ?? sa.source.bytes;
    let moved = known.dport !== udp.port;
    for (let i = 0; i < address.length; i++) if (address[i] !== udp.names[udp.at + i]) moved = true;
    if (moved) this.parts.remapped(sa, udp.names.slice(udp.at, udp.at + address.length), udp.port);
  }

  #count(sa: Sa): void {
    sa.bytesUsed += this.#frame.end - this.#frame.start;
    sa.packetsUsed++;
    sa.lastUsedAt = this.parts.now();
    if (sa.firstUsedAt === 0) sa.firstUsedAt = sa.lastUsedAt;
  }

  // 3. unwrap

  #unwrap(device: Device, last: Sa, policy: boolean, protocol: number): number {
    const frame = this.#frame;
    let tunnel = last.inner;
    if (tunnel?.transform.kind === "comp") {
      // The sender left compression out for this packet.
      const length = frame.end - frame.start;
      tunnel.transform.uncompressedBytes += length;
      tunnel.transform.compressedBytes += length;
      tunnel = tunnel.inner;
    }
    if (!tunnel) return this.#deliver(device, last, policy, protocol);
    if (protocol !== IPIP && protocol !== IPV6_IN_IP || tunnel.transform.kind !== "ipip") return DROP.WRONG_INNER;
    if (policy) {
      if (tunnel.inner) return DROP.WRONG_ORDER;
      if (!last.udp && !this.#comesFrom(tunnel)) return DROP.WRONG_SOURCE;
    }
    const expired = checkLifetimes(tunnel, this.parts.now());
    if (expired === HARD) {
      this.parts.expire(tunnel, true);
      return DROP.LIFETIME;
    }
    if (expired === SOFT) this.parts.expire(tunnel, false);
    this.#count(tunnel);
    const inner = frame.start + frame.headerLength;
    const version = protocol === IPIP ? 4 : 6;
    const { memory } = this.parts;
    if (inner >= frame.end || memory.bytes[inner] >>> 4 !== version) return DROP.WRONG_INNER;
    trimPadding(frame, inner, version);
    if (checkPacket(memory, inner, frame.end - inner) < 0) return DROP.WRONG_INNER;
    if (!unwrapIpip(frame)) return DROP.CONGESTED;
    if (policy && tunnel.policy && !this.#fitsPolicy(tunnel)) return DROP.WRONG_POLICY;
    return this.#write(device);
  }

  #fitsPolicy(tunnel: Sa): boolean {
    const frame = this.#frame;
    const { source, destination } = tunnel.policy!;
    const { bytes } = this.parts.memory;
    return inSubnet(bytes, frame.source, frame.addressBytes, source) &&
      inSubnet(bytes, frame.destination, frame.addressBytes, destination) && this.#fitsPorts(tunnel.policy!);
  }

  #fitsPorts({ source, destination, protocol }: InboundPolicy): boolean {
    if (protocol === 0) return true;
    const frame = this.#frame;
    if (!this.parts.readFlow(frame.start, frame.end - frame.start)) return false;
    const { flow } = this.parts;
    return flow.protocol === protocol && (source.port === 0 || source.port === flow.sourcePort) &&
      (destination.port === 0 || destination.port === flow.destinationPort);
  }

  // 4. deliver

  /** Transport mode: the packet goes to the host as it is. Its addresses are those of the SA, or a NAT's. */
  #deliver(device: Device, last: Sa, policy: boolean, protocol: number): number {
    const frame = this.#frame;
    const wanted = (last.inner ?? last).policy;
    if (policy && wanted && !this.#fitsPorts(wanted)) return DROP.WRONG_POLICY;
    if (last.udp && (protocol === TCP || protocol === UDP)) {
      // RFC 3948 §3.1.2: NAT has changed the addresses that the checksum covers; ESP has vouched for the rest.
      finishTransportChecksum(this.parts.memory, frame.start, frame.headerLength, frame.end - frame.start, protocol);
    }
    return this.#write(device);
  }

  #write(device: Device): number {
    const frame = this.#frame;
    const length = frame.end - frame.start;
    if (!device.inlet) return DROP.NOT_ATTACHED;
    const { memory, trace } = this.parts;
    if (trace.on) trace.delivered(device.name, memory, frame.start, length);
    if (!device.deliver(frame.start, length)) return DROP.HOST_REFUSED;
    device.counters.rxBytes += length;
    return -1;
  }
}

/** Where a UDP-encapsulated packet came from: the address at `at` in `names`. One object, refilled for each packet. */
export interface UdpOrigin {
  names: Uint8Array;
  at: number;
  port: number;
}

/** A tunnelled packet knows its length; what follows it hides that length (RFC 4303 §2.7). */
function trimPadding(frame: Frame, inner: number, version: 4 | 6): void {
  const { view } = frame.memory;
  const header = version === 4 ? IPV4_HEADER : IPV6_HEADER;
  if (frame.end - inner < header) return;
  const length = version === 4 ? view.getUint16(inner + 2) : view.getUint16(inner + 4) + IPV6_HEADER;
  if (length >= header && inner + length < frame.end) frame.end = inner + length;
}

/** What may stand inside an SA that has an inner neighbour (klips.md §16, step 18). */
function mayFollow(inner: Sa, protocol: number): boolean {
  if (protocol === ESP || protocol === AH || protocol === IPCOMP || protocol === IPIP || protocol === IPV6_IN_IP) {
    return true;
  }
  return inner.transform.kind === "comp" && inner.inner === undefined;
}

function inSubnet(bytes: Uint8Array, at: number, addressBytes: number, subnet: Subnet): boolean {
  const network = subnet.address.bytes;
  if (network.length !== addressBytes) return false;
  const whole = subnet.bits >> 3;
  for (let i = 0; i < whole; i++) if (bytes[at + i] !== network[i]) return false;
  const rest = subnet.bits & 7;
  return rest === 0 || (bytes[at + whole] ^ network[whole]) >> (8 - rest) === 0;
}
