import type { PacketMemory } from "../packet/memory.ts";
import type { Coalescer } from "../packet/tcp_coalesce.ts";
import type { Address } from "../text/address.ts";
import { DROP, type InterfaceCounters } from "./counters.ts";
import type { UdpEncapsulation } from "./sa.ts";

/** The way out to the network: one physical device. Packets stay in the packet memory until `flush`. */
export interface Outlet {
  readonly name: string;
  /** Bytes of the largest IP packet that leaves in one piece. */
  readonly mtu: number;
  /** Queues a whole IP packet; borrows its bytes until `flush`. */
  packet(at: number, length: number, addressBytes: 4 | 16): void;
  /**
   * Sends a TCP or UDP super-packet, its virtio header before `at`, uncut: at once, but after what is queued. False where
   * that cannot be, and its segments are to be queued.
   */
  superPacket(at: number, length: number, addressBytes: 4 | 16): boolean;
  /** Queues an ESP packet (without IP header) as a UDP datagram; `source` is the offset of its source address. */
  datagram(
    at: number,
    length: number,
    source: number,
    udp: UdpEncapsulation,
    peer: Uint8Array,
    tos: number,
    segmentable: boolean,
  ): void;
  flush(): void;
  /** The device's own address of that family, for messages that KLIPS itself sends. */
  address(addressBytes: 4 | 16): Address | undefined;
}

/** The way in to the host: the TUN side. */
export interface Inlet {
  /** Writes one packet with its virtio header; false where the host would not take it. */
  write(at: number, length: number): boolean;
  /** Sends a whole IP packet of KLIPS's own, such as an ICMP error, to wherever the host routes it. */
  answer(at: number, length: number): void;
}

/** The MTU that a virtual device has from attaching on (klips.md §5). */
export const VIRTUAL_MTU = 16260;

/** A virtual interface ipsecN, attached to a physical one or not. */
export class Device {
  inlet: Inlet | undefined = undefined;
  outlet: Outlet | undefined = undefined;
  /** The MTU that packets inside may have; only ever lowered between attaching and detaching. */
  effectiveMtu = 0;

  /** @param joiner puts consecutive TCP segments together on their way to the host */
  constructor(
    readonly name: string,
    readonly counters: InterfaceCounters,
    readonly memory: PacketMemory,
    readonly joiner: Coalescer,
  ) {}

  /** Hands a packet to the host, or keeps it to be joined with those that follow until `flushJoined`. */
  deliver(at: number, length: number): boolean {
    if (this.joiner.offer(this.memory, at, length) !== 0) return true;
    this.flushJoined();
    return this.joiner.offer(this.memory, at, length) !== 0;
  }

  flushJoined(): void {
    const { segments } = this.joiner;
    const length = this.joiner.flush();
    if (length > 0 && !this.inlet?.write(this.joiner.start, length)) this.counters.drop(DROP.HOST_REFUSED, segments);
  }
}
