/** A physical device as KLIPS uses it: sockets bound to it, for ESP and AH in and out and for ESP in UDP. */
import { closeSocket } from "../ffi/libc.ts";
import { interfaceIndex } from "../ffi/tun.ts";
import { type AddressBytes, openIpOutput, openUdpEncapsulation } from "../ffi/packet_sockets.ts";
import { ReceiveBatch, type ReceiveSlots } from "../ffi/receive_batch.ts";
import { SendBatch } from "../ffi/send_batch.ts";
import type { Outlet } from "../klips/device.ts";
import type { UdpEncapsulation } from "../klips/sa.ts";
import type { Address } from "../text/address.ts";
import { drain, IpInputs } from "./ip_inputs.ts";
import type { Poller } from "./poller.ts";
import { SuperPackets } from "./super_packets.ts";

/** Where received packets go; positions are in the packet memory. */
export interface Receiver {
  /** `batch` holds `count` packets of IP protocol `protocol`. */
  ip(physical: Physical, batch: ReceiveBatch, count: number, protocol: number): void;
  udp(physical: Physical, batch: ReceiveBatch, count: number): void;
}

interface UdpPort {
  readonly fds: number[];
  readonly sends: Map<AddressBytes, SendBatch>;
}

export class Physical implements Outlet {
  mtu: number;
  /** Tells a device from another that comes later under the same name. */
  readonly index: number;
  readonly #inputs: IpInputs;
  readonly #outputs: [v4: SendBatch, v6: SendBatch];
  readonly #superPackets: SuperPackets;
  readonly #udp = new Map<number, UdpPort>();

  constructor(
    readonly name: string,
    mtu: number,
    readonly slots: ReceiveSlots,
    readonly poller: Poller,
    readonly receiver: Receiver,
    readonly addressOf: (addressBytes: AddressBytes) => Address | undefined,
    /** Told of packets that the kernel would not take. */
    readonly refused: (physical: Physical, packets: number, errno: number) => void,
  ) {
    this.mtu = mtu;
    this.index = interfaceIndex(name);
    const { memory } = slots;
    this.#outputs = [
      new SendBatch(openIpOutput(name, 4), memory, 4),
      new SendBatch(openIpOutput(name, 16), memory, 16),
    ];
    this.#superPackets = new SuperPackets(name, this.index, memory);
    this.#inputs = new IpInputs(name, slots, poller, (...packets) => receiver.ip(this, ...packets));
  }

  address(addressBytes: AddressBytes): Address | undefined {
    return this.addressOf(addressBytes);
  }

  /** Opens UDP `port` for encapsulated ESP where it is not open yet. */
  openPort(port: number): void {
    if (this.#udp.has(port)) return;
    const opened: UdpPort = { fds: [], sends: new Map() };
    for (const bytes of [4, 16] as const) {
      const fd = openUdpEncapsulation(this.name, port, bytes);
      const batch = new ReceiveBatch(fd, this.slots, bytes);
      opened.fds.push(fd);
      opened.sends.set(bytes, new SendBatch(fd, this.slots.memory, bytes));
      this.poller.add(fd, () => drain(batch, this.slots, (count) => this.receiver.udp(this, batch, count)));
    }
    this.#udp.set(port, opened);
  }

  packet(at: number, length: number, addressBytes: AddressBytes): void {
    if (addressBytes === 4) this.#outputs[0].packet(at, length, at + 16);
    else this.#outputs[1].packet(at, length, at + 24);
  }

  superPacket(at: number, length: number, addressBytes: AddressBytes): boolean {
    const header = this.#superPackets.headerTo(at + (addressBytes === 4 ? 16 : 24), addressBytes);
    if (!header) return false;
    this.#flushBatch(this.#outputs[addressBytes === 4 ? 0 : 1]);
    return this.#superPackets.send(at, length, header);
  }

  datagram(
    at: number,
    length: number,
    source: number,
    udp: UdpEncapsulation,
    peer: Uint8Array,
    tos: number,
    segmentable: boolean,
  ): void {
    const send = this.#udp.get(udp.sport)?.sends.get(peer.length as AddressBytes);
    if (!send) return this.refused(this, 1, 0);
    send.datagram(at, length, source, peer, udp.dport, tos, segmentable);
  }

  flush(): void {
    for (const batch of this.#outputs) this.#flushBatch(batch);
    for (const port of this.#udp.values()) for (const batch of port.sends.values()) this.#flushBatch(batch);
  }

  close(): void {
    this.#inputs.close();
    for (const port of this.#udp.values()) {
      for (const fd of port.fds) {
        this.poller.remove(fd);
        closeSocket(fd);
      }
    }
    for (const batch of this.#outputs) closeSocket(batch.fd);
    this.#superPackets.close();
  }

  #flushBatch(batch: SendBatch): void {
    if (batch.empty) return;
    batch.flush();
    const { outcome } = batch;
    if (outcome.failed === 0) return;
    this.refused(this, outcome.failed, outcome.error);
    outcome.failed = 0;
  }
}
