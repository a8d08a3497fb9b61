/**
 * The way out (klips.md §15). The stages, in the order of the functions below:
 *
 *  1. accept   check the packet that the host routed into ipsecN; read its flow; finish or cut what was offloaded
 *  2. decide   IKE bypass, then the most specific eroute: a shunt, a hold, or an SA
 *  3. shunt    pass, drop, reject, hold, trap
 *  4. protect  check the whole chain, then transform each segment, innermost SA first
 *  5. emit     look up the result once more, then fragment where needed and queue it on the physical device
 *
 * A TCP super-packet is looked up once and then cut into segments, each of which passes stages 4 and 5; one that goes in
 * the clear may leave uncut.
 */
import { finishPartialChecksum } from "../packet/checksum.ts";
import { countFragments, writeFragment } from "../packet/fragment.ts";
import { mayAnswerWithIcmp, writeIcmpError } from "../packet/icmp.ts";
import { checkPacket, FlowKey, readFlow } from "../packet/ip_header.ts";
import { Segmenter, VNET, VNET_NEEDS_CHECKSUM } from "../packet/tcp_segments.ts";
import { MAGIC_SPIS } from "../text/sa_id.ts";
import { ahHeadroom, newMutable, signAh } from "./ah.ts";
import { compress } from "./comp.ts";
import { DROP } from "./counters.ts";
import type { Device } from "./device.ts";
import type { EngineParts } from "./engine_parts.ts";
import type { Eroute } from "./eroute.ts";
import { espHeadroom, espTailroom, sealEsp } from "./esp.ts";
import { Frame } from "./frame.ts";
import { ipipHeadroom, wrapIpip } from "./ipip.ts";
import { checkLifetimes, HARD, SOFT } from "./lifetime.ts";
import type { Sa } from "./sa.ts";

const UDP = 17;
const ISAKMP_PORT = 500;
const UDP_HEADER = 8;
/** Room kept on both sides of every frame beyond what its chain needs: a vnet header, an ICMP quote's header. */
const SLACK = 64;
/** The largest packet that a chain may make (klips.md §15.5). */
const LARGEST = 65520;
/** How often a result may be sent through another eroute. */
const NESTING = 4;

const ICMP_UNREACHABLE = 3, ICMP_FRAGMENTATION_NEEDED = 4, ICMP_FILTERED = 13;
const ICMPV6_UNREACHABLE = 1, ICMPV6_TOO_BIG = 2, ICMPV6_PROHIBITED = 1;
const IPV6_MINIMUM_MTU = 1280;
/** As many ICMP errors as Linux sends by default (icmp_msgs_per_sec). */
const ANSWERS_PER_SECOND = 1000;

/** What a chain of SAs costs, in bytes. */
interface Room {
  head: number;
  tail: number;
}

export class Outbound {
  readonly #frame: Frame;
  readonly #flow = new FlowKey();
  readonly #segmenter = new Segmenter();
  readonly #room: Room = { head: SLACK, tail: SLACK };
  readonly #nestedRoom: Room = { head: SLACK, tail: SLACK };
  readonly #mutable = newMutable();
  readonly #heldOn = new WeakMap<Uint8Array, Device>();
  #identification: number;
  /** The second of the engine's clock that the ICMP errors are counted in, and how many it has had. */
  #answeredIn = -1;
  #answers = 0;

  constructor(readonly parts: EngineParts) {
    this.#frame = new Frame(parts.memory);
    const start = new Uint8Array(2);
    parts.random.fill(start);
    this.#identification = start[0] << 8 | start[1];
  }

  // 1. accept

  /** Takes one read of the TUN device: a virtio header at `header`, then a packet; `length` counts both. */
  accept(device: Device, header: number, length: number): void {
    const { memory, arena } = this.parts;
    const at = header + VNET.bytes;
    const bytes = length - VNET.bytes;
    if (!device.outlet) return;
    if (checkPacket(memory, at, bytes) < 0) return device.counters.drop(DROP.BAD_PACKET_OUT);
    const flow = this.#flow;
    if (readFlow(memory, at, bytes, flow) < 0) return device.counters.drop(DROP.BAD_PACKET_OUT);
    if (memory.bytes[at] >>> 4 === 4 && (memory.bytes[at] & 0x0f) !== 5) return device.counters.drop(DROP.IP_OPTIONS);

    const segments = this.#segmenter.begin(memory, header, length);
    const start = memory.view.getUint16(header + VNET.checksumStart, true);
    if (segments < 0 || segments > 1 && start !== flow.headerLength) {
      return device.counters.drop(DROP.BAD_PACKET_OUT);
    }
    if (segments === 1 && memory.bytes[header] & VNET_NEEDS_CHECKSUM) {
      if (start < flow.headerLength) return device.counters.drop(DROP.BAD_PACKET_OUT);
      const offset = memory.view.getUint16(header + VNET.checksumOffset, true);
      if (finishPartialChecksum(memory, at, bytes, start, offset) < 0) return device.counters.drop(DROP.BAD_PACKET_OUT);
    }
    if (this.parts.trace.on) this.parts.trace.routed(device.name, memory, at, bytes, segments);
    this.#decide(device, at, bytes, segments);
    if (arena.shouldFlush) this.parts.flush();
  }

  /** Sends a packet that was held through the decision again, on the device where it was held. */
  resend(packet: Uint8Array): void {
    const device = this.#heldOn.get(packet);
    if (!device?.outlet) return;
    const { memory, arena } = this.parts;
    const at = arena.take(packet.length);
    if (at < 0) return device.counters.drop(DROP.NO_ROOM);
    memory.bytes.set(packet, at);
    if (readFlow(memory, at, packet.length, this.#flow) < 0) return;
    this.#decide(device, at, packet.length, 1);
  }

  // 2. decide

  #decide(device: Device, at: number, length: number, segments: number): void {
    const { memory, eroutes } = this.parts;
    const flow = this.#flow;
    this.#room.head = this.#room.tail = SLACK;
    const addressBytes = memory.bytes[at] >>> 4 === 4 ? 4 : 16;
    const source = at + (addressBytes === 4 ? 12 : 8);
    const eroute = eroutes.lookup(
      memory,
      source,
      source + addressBytes,
      addressBytes,
      flow.protocol,
      flow.sourcePort,
      flow.destinationPort,
    );
    if (this.parts.trace.on) this.parts.trace.found(eroute);
    if (this.#isLocalIke(source, addressBytes, eroute)) return this.#pass(device, at, length, segments);
    if (!eroute) return device.counters.drop(DROP.NO_EROUTE, segments);
    eroute.count += segments;
    eroute.lastUsedAt = this.parts.now();
    if (eroute.shunt !== 0) return this.#shunt(device, eroute, at, length, segments);

    const sa = this.#saOf(eroute);
    if (!sa) return device.counters.drop(DROP.UNKNOWN_SA_OUT, segments);
    this.#protect(device, sa, at, length, segments);
  }

  /** Our own IKE to a peer goes in the clear, whatever the eroute to that peer says (klips.md §15.2). */
  #isLocalIke(source: number, addressBytes: 4 | 16, eroute: Eroute | undefined): boolean {
    const { protocol, sourcePort, laterFragment } = this.#flow;
    // What stands in a later fragment where ports would be is anything; it must not open a way past the eroutes.
    if (protocol !== UDP || sourcePort !== ISAKMP_PORT || laterFragment) return false;
    const { memory } = this.parts;
    if (!this.parts.isLocal(memory.bytes.slice(source, source + addressBytes))) return false;
    if (!eroute) return true;
    const peer = eroute.saId.destination.bytes;
    return peer.every((byte) => byte === 0) ||
      peer.length === addressBytes && peer.every((byte, i) => byte === memory.bytes[source + addressBytes + i]);
  }

  // 3. shunt

  #shunt(device: Device, eroute: Eroute, at: number, length: number, segments: number): void {
    const { counters } = device;
    switch (eroute.shunt) {
      case MAGIC_SPIS.pass:
        return this.#pass(device, at, length, segments);
      case MAGIC_SPIS.reject:
        this.#reject(device, at, length);
        return counters.drop(DROP.REJECT, segments);
      case MAGIC_SPIS.hold:
        eroute.lastHeld = this.#copy(device, at, length, segments);
        return counters.drop(DROP.HOLD, segments);
      case MAGIC_SPIS.trap:
      case MAGIC_SPIS.trapsubnet:
        this.parts.trap(eroute, this.#flow, at, this.#copy(device, at, length, segments));
        return counters.drop(DROP.TRAP, segments);
      default:
        return counters.drop(DROP.DROP, segments);
    }
  }

  #pass(device: Device, at: number, length: number, segments: number): void {
    if (segments > 1 && this.#passWhole(device, at, length, segments)) return;
    for (let i = 0; i < segments; i++) {
      if (!this.#load(at, length, segments, i)) return device.counters.drop(DROP.NO_ROOM, segments - i);
      this.#send(device, undefined);
    }
  }

  /** A super-packet is looked at and sent once, where its segments fit the device: the host or its network card cuts it. */
  #passWhole(device: Device, at: number, length: number, segments: number): boolean {
    const { memory, trace } = this.parts;
    const outlet = device.outlet!;
    if (this.#segmenter.largest > outlet.mtu) return false;
    if (!outlet.superPacket(at, length, memory.bytes[at] >>> 4 === 4 ? 4 : 16)) return false;
    if (trace.on) trace.sending(device.name, memory, at, length);
    device.counters.txPackets += segments;
    device.counters.txBytes += this.#segmenter.bytes;
    return true;
  }

  #reject(device: Device, at: number, length: number): void {
    if (this.parts.memory.bytes[at] >>> 4 === 4) this.#answer(device, at, length, ICMP_UNREACHABLE, ICMP_FILTERED, 0);
    else this.#answer(device, at, length, ICMPV6_UNREACHABLE, ICMPV6_PROHIBITED, 0);
  }

  /** An ICMP error to the packet's sender, which the host routes. */
  #answer(device: Device, at: number, length: number, type: number, code: number, mtu: number): void {
    const { memory, arena } = this.parts;
    if (!mayAnswerWithIcmp(memory, at, length)) return;
    const from = device.outlet?.address(memory.bytes[at] >>> 4 === 4 ? 4 : 16);
    const target = arena.take(IPV6_MINIMUM_MTU + SLACK);
    if (!from || target < 0 || !this.#mayAnswerNow()) return;
    const size = writeIcmpError(memory, at, length, target, type, code, mtu, from.bytes);
    if (size > 0) device.inlet?.answer(target, size);
  }

  /** RFC 1812 §4.3.2.8, RFC 4443 §2.4 (f): a flood must not make another one. */
  #mayAnswerNow(): boolean {
    const second = Math.floor(this.parts.now());
    if (second !== this.#answeredIn) {
      this.#answeredIn = second;
      this.#answers = 0;
    }
    return ++this.#answers <= ANSWERS_PER_SECOND;
  }

  /** A copy of the packet (of a super-packet's first segment) that outlives this turn. */
  #copy(device: Device, at: number, length: number, segments: number): Uint8Array {
    const frame = this.#frame;
    const loaded = this.#load(at, length, segments, 0);
    const copy = loaded
      ? this.parts.memory.bytes.slice(frame.start, frame.end)
      : this.parts.memory.bytes.slice(at, at + length);
    this.#heldOn.set(copy, device);
    return copy;
  }

  // 4. protect

  #protect(device: Device, first: Sa, at: number, length: number, segments: number): void {
    const room = this.#room;
    // RFC 4303 §3.3.4, RFC 4302 §3.3.4: fragmentation comes after transport mode, never before it.
    if (this.#flow.fragment && !isTunnel(first)) return device.counters.drop(DROP.FRAGMENT, segments);
    const addressBytes = this.parts.memory.bytes[at] >>> 4 === 4 ? 4 : 16;
    chainRoom(first, addressBytes, room);
    this.#announceMtu(device, first, at, length, segments, room);
    for (let i = 0; i < segments; i++) {
      const reason = this.#checkChain(first);
      if (reason >= 0) return device.counters.drop(reason, segments - i);
      if (!this.#load(at, length, segments, i)) return device.counters.drop(DROP.NO_ROOM, segments - i);
      this.#transform(device, first, 0);
    }
  }

  /** Lowers the effective MTU to what the chain leaves, and tells a sender whose packets are larger (klips.md §15.6). */
  #announceMtu(device: Device, first: Sa, at: number, length: number, segments: number, room: Room): void {
    const { memory, sysctls } = this.parts;
    const head = room.head - SLACK, tail = room.tail - SLACK;
    const overhead = head + ((tail + 2) & ~7) + 5;
    device.effectiveMtu = Math.min(device.effectiveMtu, device.outlet!.mtu - overhead);
    const mtu = Math.min(device.effectiveMtu, this.#mtuTo(device, outermost(first)) - overhead);
    const size = segments > 1 ? this.#segmenter.largest : length;
    if (size <= mtu || !sysctls.icmp) return;
    if (memory.bytes[at] >>> 4 === 4) {
      const dontFragment = (memory.view.getUint16(at + 6) & 0x4000) !== 0;
      if (dontFragment) this.#answer(device, at, length, ICMP_UNREACHABLE, ICMP_FRAGMENTATION_NEEDED, mtu);
    } else if (size > IPV6_MINIMUM_MTU) {
      this.#answer(device, at, length, ICMPV6_TOO_BIG, 0, Math.max(mtu, IPV6_MINIMUM_MTU));
    }
    // The packet is sent anyway, in fragments.
  }

  /** Bytes of the largest packet that reaches the SA's peer in one piece, as far as we know. */
  #mtuTo(device: Device, last: Sa | undefined): number {
    const { mtu } = device.outlet!;
    if (!last || last.pathMtu === 0) return mtu;
    if (last.pathMtuUntil <= this.parts.now()) last.pathMtu = 0; // the path may have become wider: ask again
    return last.pathMtu ? Math.min(mtu, last.pathMtu) : mtu;
  }

  /** @returns a drop reason, or -1 where every SA of the chain may carry one more packet */
  #checkChain(first: Sa): number {
    for (let sa: Sa | undefined = first; sa; sa = sa.outer) {
      if (sa.state === "larval") return DROP.SA_STATE_OUT;
      if (sa.state === "dead") return DROP.SA_STATE_OUT;
      if (sa.sequenceLow === 0xffffffff && (!sa.esn || sa.sequenceHigh === 0xffffffff)) {
        this.parts.expire(sa, true);
        return DROP.SEQUENCE_EXHAUSTED;
      }
      const expired = checkLifetimes(sa, this.parts.now());
      if (expired === HARD) {
        this.parts.expire(sa, true);
        return DROP.LIFETIME_OUT;
      }
      if (expired === SOFT) this.parts.expire(sa, false);
    }
    return -1;
  }

  /** Puts the packet, or segment `index` of it, into the frame, with the room that the chain needs around it. */
  #load(at: number, length: number, segments: number, index: number): boolean {
    const { memory, arena } = this.parts;
    const size = segments > 1 ? this.#segmenter.largest : length;
    const target = arena.take(this.#room.head + size + this.#room.tail);
    if (target < 0) return false;
    const start = target + this.#room.head;
    if (segments > 1) {
      const written = this.#segmenter.writeSegment(memory, index, start);
      this.#frame.set(start, start + written);
    } else {
      memory.bytes.copyWithin(start, at, at + length);
      this.#frame.set(start, start + length);
    }
    return true;
  }

  #transform(device: Device, first: Sa, depth: number): void {
    const { parts } = this;
    const frame = this.#frame;
    let last = first;
    for (let sa: Sa | undefined = first; sa; sa = sa.outer) {
      last = sa;
      const before = frame.end - frame.start;
      const t = sa.transform;
      switch (t.kind) {
        case "ipip":
          this.#identification = (this.#identification + 1) & 0xffff;
          wrapIpip(frame, sa, parts.sysctls.tos === 1, this.#identification);
          break;
        case "esp":
          takeSequence(sa);
          sealEsp(frame, sa, t, parts.scratch, parts.random);
          if (sa.udp && sa.outer) this.#insertUdp(sa);
          break;
        case "ah":
          takeSequence(sa);
          signAh(frame, sa, t, this.#mutable);
          break;
        case "comp":
          compress(frame, sa, t);
          break;
      }
      const after = frame.end - frame.start;
      if (after > LARGEST) return device.counters.drop(DROP.TOO_BIG);
      if (parts.trace.on) parts.trace.sealed(sa, before, after);
      sa.bytesUsed += t.kind === "comp" ? before : after;
      sa.packetsUsed++;
      sa.lastUsedAt = parts.now();
      if (sa.firstUsedAt === 0) sa.firstUsedAt = sa.lastUsedAt;
    }
    this.#emit(device, last, depth);
  }

  /** A UDP header inside what goes on through further SAs; the outermost one is the socket's business. */
  #insertUdp(sa: Sa): void {
    const frame = this.#frame;
    const { view } = this.parts.memory;
    const payload = frame.start + frame.headerLength;
    frame.insert(UDP_HEADER);
    const at = payload - UDP_HEADER;
    view.setUint16(at, sa.udp!.sport);
    view.setUint16(at + 2, sa.udp!.dport);
    view.setUint16(at + 4, frame.end - at);
    view.setUint16(at + 6, 0); // RFC 3948 §2.1, RFC 6935 for IPv6
    frame.finish(UDP);
  }

  // 5. emit

  #emit(device: Device, last: Sa, depth: number): void {
    const eroute = this.#nestedEroute(last);
    if (!eroute) return this.#send(device, last);
    if (depth === NESTING) return device.counters.drop(DROP.RECURSION);
    const next = this.#saOf(eroute);
    if (!next) return device.counters.drop(DROP.UNKNOWN_SA_OUT);
    const reason = this.#checkChain(next);
    if (reason >= 0) return device.counters.drop(reason);
    if (last.udp) this.#insertUdp(last);
    // The frame was given room for the first chain only; the nested one gets a frame of its own.
    const { memory, arena } = this.parts;
    const frame = this.#frame;
    const { start, end } = frame;
    const room = this.#nestedRoom;
    chainRoom(next, frame.addressBytes, room);
    const target = arena.take(room.head + end - start + room.tail);
    if (target < 0) return device.counters.drop(DROP.NO_ROOM);
    memory.bytes.copyWithin(target + room.head, start, end);
    frame.set(target + room.head, target + room.head + end - start);
    this.#transform(device, next, depth + 1);
  }

  /** The eroute for the result, where it names an SA to another destination (klips.md §15.5). */
  #nestedEroute(last: Sa): Eroute | undefined {
    const { memory, eroutes } = this.parts;
    const frame = this.#frame;
    const { udp } = last;
    if (udp?.peer) copyBytes(udp.peer.bytes, memory.bytes, frame.destination);
    const eroute = eroutes.lookup(
      memory,
      frame.source,
      frame.destination,
      frame.addressBytes,
      udp ? UDP : frame.protocol,
      udp ? udp.sport : 0,
      udp ? udp.dport : 0,
    );
    if (!eroute) return undefined;
    const destination = eroute.saId.destination.bytes;
    const goesOn = eroute.shunt === 0 && !sameBytes(destination, last.id.destination.bytes) && !isZero(destination);
    if (!goesOn) return undefined; // between two hosts the same eroute, which has counted the packet
    eroute.count++;
    return eroute;
  }

  /** The SA of an eroute, looked up again only after the database has changed. */
  #saOf(eroute: Eroute): Sa | undefined {
    if (eroute.saGeneration !== this.parts.sad.generation) {
      eroute.sa = this.parts.sad.find(eroute.saId);
      eroute.saGeneration = this.parts.sad.generation;
    }
    return eroute.sa;
  }

  #send(device: Device, last: Sa | undefined): void {
    const frame = this.#frame;
    const outlet = device.outlet!;
    const length = frame.end - frame.start;
    const { memory, trace } = this.parts;
    if (trace.on) trace.sending(device.name, memory, frame.start, length);
    const mtu = this.#mtuTo(device, last);
    if (!last?.udp && length > mtu) return this.#fragment(device, length, mtu, last === undefined);
    device.counters.txPackets++;
    device.counters.txBytes += length;
    if (last?.udp) {
      const payload = frame.start + frame.headerLength;
      const peer = last.udp.peer ?? last.id.destination;
      const segmentable = length + UDP_HEADER <= mtu;
      const size = frame.end - payload;
      outlet.datagram(payload, size, frame.source, last.udp, peer.bytes, frame.tos, segmentable);
      return;
    }
    outlet.packet(frame.start, length, frame.addressBytes);
  }

  /** @param passed whether the packet is a host's own, which may forbid us to (DF), or always does (RFC 8200 §5) */
  #fragment(device: Device, length: number, mtu: number, passed: boolean): void {
    const { memory, arena } = this.parts;
    const frame = this.#frame;
    const outlet = device.outlet!;
    const v4 = frame.addressBytes === 4;
    if (passed && (!v4 || (memory.view.getUint16(frame.start + 6) & 0x4000) !== 0)) {
      if (v4) this.#answer(device, frame.start, length, ICMP_UNREACHABLE, ICMP_FRAGMENTATION_NEEDED, mtu);
      else this.#answer(device, frame.start, length, ICMPV6_TOO_BIG, 0, mtu);
      return device.counters.drop(DROP.TOO_BIG);
    }
    this.#identification = (this.#identification + 1) & 0xffff;
    const fragments = countFragments(memory, frame.start, length, mtu);
    if (fragments === 0) return device.counters.drop(DROP.TOO_BIG);
    const room = (mtu + SLACK + 7) & ~7;
    let target = arena.take(fragments * room);
    if (target < 0) return device.counters.drop(DROP.NO_ROOM);
    device.counters.txPackets++;
    device.counters.txBytes += length;
    for (let i = 0; i < fragments; i++, target += room) {
      const size = writeFragment(memory, frame.start, length, mtu, i, target, this.#identification);
      outlet.packet(target, size, frame.addressBytes);
    }
  }
}

function chainRoom(first: Sa, addressBytes: 4 | 16, room: Room): void {
  room.head = SLACK;
  room.tail = SLACK;
  for (let sa: Sa | undefined = first; sa; sa = sa.outer) {
    const t = sa.transform;
    if (t.kind === "ipip") room.head += ipipHeadroom(sa);
    else if (t.kind === "ah") room.head += ahHeadroom(t, addressBytes);
    else if (t.kind === "esp") {
      room.head += espHeadroom(t) + (sa.udp ? UDP_HEADER : 0);
      room.tail += espTailroom(t);
    }
  }
}

/** Whether the chain puts a header of its own before the packet, ahead of ESP or AH. */
function isTunnel(first: Sa): boolean {
  let sa: Sa | undefined = first;
  while (sa?.transform.kind === "comp") sa = sa.outer;
  return sa?.transform.kind === "ipip";
}

function outermost(first: Sa): Sa {
  let sa = first;
  while (sa.outer) sa = sa.outer;
  return sa;
}

function takeSequence(sa: Sa): void {
  if (sa.sequenceLow === 0xffffffff) {
    sa.sequenceLow = 0;
    sa.sequenceHigh++;
  } else sa.sequenceLow++;
}

function copyBytes(from: Uint8Array, to: Uint8Array, at: number): void {
  for (let i = 0; i < from.length; i++) to[at + i] = from[i];
}

function isZero(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== 0) return false;
  return true;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
