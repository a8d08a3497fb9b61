/** What went over a wire: the packets of a capture file (pcap, Ethernet), read again while tcpdump(8) writes it. */
import { type Capture, until } from "../../tools/_net.ts";

export const PROTOCOL = {
  hopByHop: 0,
  icmp: 1,
  tcp: 6,
  udp: 17,
  fragment: 44,
  esp: 50,
  ah: 51,
  icmpv6: 58,
  comp: 108,
} as const;

const PCAP_HEADER = 24, RECORD_HEADER = 16, ETHERNET_HEADER = 14;
const IPV4 = 0x0800, IPV6 = 0x86dd;
const IPV6_HEADER = 40;

/** One IP packet. */
export interface Packet {
  /** The whole packet, from its IP header on. */
  readonly bytes: Uint8Array;
  readonly version: 4 | 6;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  /** What follows the IP header, and an IPv6 fragment header. */
  readonly protocol: number;
  /** What `protocol` names. */
  readonly payload: Uint8Array;
  /** Of UDP and TCP, in first fragments; else 0. */
  readonly ports: readonly [source: number, destination: number];
  /** Not the first piece of a packet. */
  readonly later: boolean;
}

/** @returns the IP packets of a capture file, without a last one that is not written to its end yet */
export function readCapture(file: Uint8Array): Packet[] {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const packets: Packet[] = [];
  for (let at = PCAP_HEADER; at + RECORD_HEADER <= file.length;) {
    const length = view.getUint32(at + 8, true);
    at += RECORD_HEADER;
    if (at + length > file.length) break;
    const type = view.getUint16(at + 12);
    if (type === IPV4 || type === IPV6) packets.push(readPacket(file.subarray(at + ETHERNET_HEADER, at + length)));
    at += length;
  }
  return packets;
}

function readPacket(frame: Uint8Array): Packet {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  if (frame[0] >>> 4 === 4) {
    const header = (frame[0] & 0x0f) << 2;
    const bytes = frame.subarray(0, view.getUint16(2) || frame.length); // behind it, Ethernet's padding
    const later = (view.getUint16(6) & 0x1fff) !== 0;
    return packet(bytes, 4, frame.subarray(12, 16), frame.subarray(16, 20), frame[9], header, later);
  }
  const bytes = frame.subarray(0, IPV6_HEADER + view.getUint16(4));
  const ends = [frame.subarray(8, 24), frame.subarray(24, 40)] as const;
  if (frame[6] !== PROTOCOL.fragment) return packet(bytes, 6, ...ends, frame[6], IPV6_HEADER, false);
  return packet(bytes, 6, ...ends, frame[IPV6_HEADER], IPV6_HEADER + 8, view.getUint16(IPV6_HEADER + 2) >>> 3 !== 0);
}

function packet(
  bytes: Uint8Array,
  version: 4 | 6,
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
  header: number,
  later: boolean,
): Packet {
  const payload = bytes.subarray(header);
  const hasPorts = !later && payload.length >= 4 && (protocol === PROTOCOL.udp || protocol === PROTOCOL.tcp);
  const port = (at: number) => hasPorts ? payload[at] << 8 | payload[at + 1] : 0;
  return { bytes, version, source, destination, protocol, payload, ports: [port(0), port(2)], later };
}

/** A capture that can be asked while it runs. */
export class Wire {
  constructor(readonly capture: Capture) {}

  packets(): Packet[] {
    return readCapture(Deno.readFileSync(this.capture.file));
  }

  count(which: (packet: Packet) => boolean): number {
    return this.packets().filter(which).length;
  }

  /** Waits until `count` such packets have been seen. */
  async saw(what: string, which: (packet: Packet) => boolean, count = 1): Promise<void> {
    await until(`${count} of ${what} on the wire`, () => this.count(which) >= count).catch((error) => {
      throw new Error(`${error.message}; seen: ${this.summary()}`);
    });
  }

  /** Ends the capture. @returns what it saw */
  async stop(): Promise<Packet[]> {
    return readCapture(await Deno.readFile(await this.capture.stop()));
  }

  summary(): string {
    const kinds = new Map<string, number>();
    for (const { version, protocol, ports, later } of this.packets()) {
      const kind = `IPv${version} protocol ${protocol}${ports[0] ? ` ${ports.join("->")}` : ""}${
        later ? " later" : ""
      }`;
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
    return [...kinds].map(([kind, count]) => `${count} of ${kind}`).join(", ") || "nothing";
  }
}

/** What hosts need to find each other, neighbour discovery and multicast listeners' reports: it is no traffic. */
export function isHousekeeping({ version, protocol, payload }: Packet): boolean {
  if (protocol === PROTOCOL.icmpv6) return payload[0] >= 130 && payload[0] <= 143;
  return version === 6 && protocol === PROTOCOL.hopByHop;
}

export function isEsp({ protocol }: Packet): boolean {
  return protocol === PROTOCOL.esp;
}

export function isAh({ protocol }: Packet): boolean {
  return protocol === PROTOCOL.ah;
}

/** ESP in UDP (RFC 3948), its later fragments too. */
export function isEspInUdp({ protocol, ports, later }: Packet): boolean {
  return protocol === PROTOCOL.udp && (later || ports.includes(4500));
}

/** Whether `marker` occurs in a packet. */
export function contains({ bytes }: Packet, marker: Uint8Array): boolean {
  outer: for (let at = 0; at + marker.length <= bytes.length; at++) {
    for (let i = 0; i < marker.length; i++) if (bytes[at + i] !== marker[i]) continue outer;
    return true;
  }
  return false;
}

/** Fills the payload of ping(8) with these bytes: what must not be seen on the wire. */
export const MARKER = new TextEncoder().encode("plain as day");
export const MARKER_WORDS = `-p ${Array.from(MARKER, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
