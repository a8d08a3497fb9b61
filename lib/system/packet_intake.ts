/**
 * What sockets receive, as the engine wants to see it: whole IP packets in the packet memory. The headers that the kernel
 * took off are put back, and trains of datagrams are taken apart.
 */
import type { ReceiveBatch, ReceiveSlots } from "../ffi/receive_batch.ts";
import { DROP } from "../klips/counters.ts";
import type { Device } from "../klips/device.ts";
import type { Engine } from "../klips/engine.ts";
import type { UdpOrigin } from "../klips/inbound.ts";
import type { IkeFrame } from "../packet/ike_frame.ts";
import type { Address } from "../text/address.ts";
import { NAT_TRAVERSAL_PORT } from "./ike_relay.ts";

/** RFC 3948 §2.2. */
const NON_ESP_MARKER_BYTES = 4;

export class PacketIntake {
  readonly #slots: ReceiveSlots;
  readonly #engine: Engine;
  readonly #ike: (frame: IkeFrame) => boolean;
  readonly #origin: UdpOrigin = { names: new Uint8Array(), at: 0, port: 0 };

  /** @param ike takes a datagram of IKE, where anybody does; borrows its bytes */
  constructor(slots: ReceiveSlots, engine: Engine, ike: (frame: IkeFrame) => boolean) {
    this.#slots = slots;
    this.#engine = engine;
    this.#ike = ike;
  }

  /** `batch` holds `count` packets of IP protocol `protocol` that came for `device`. */
  ip(device: Device, batch: ReceiveBatch, count: number, protocol: number): void {
    this.#engine.tick();
    const { bytes, view } = this.#slots.memory;
    for (let i = 0; i < count; i++) {
      let at = this.#slots.at[i];
      let length = batch.length(i);
      if (batch.truncated(i)) {
        device.counters.drop(DROP.TRUNCATED);
        continue;
      }
      if (batch.addressBytes === 16) {
        // The kernel took the IPv6 header off, and those of its extensions: put back what an SA and its ICV look at
        // (RFC 4302 §3.3.3.1.2).
        batch.readControl(i);
        length += batch.extensionBytes;
        if (batch.extensionBytes + 40 > this.#slots.headroom) {
          device.counters.drop(DROP.NO_ROOM);
          continue;
        }
        for (let j = batch.extensions - 1; j >= 0; j--) {
          at -= batch.extensionLength[j];
          copy(bytes, at, batch.controls, batch.extensionAt[j], batch.extensionLength[j]);
        }
        at -= 40;
        view.setUint32(at, 0x60000000 | batch.tos << 20);
        view.setUint16(at + 4, length);
        bytes[at + 6] = batch.extensions > 0 ? batch.firstExtension : protocol;
        bytes[at + 7] = 64;
        copy(bytes, at + 8, batch.names, batch.sourceAddress(i), 16);
        copy(bytes, at + 24, batch.controls, Math.max(0, batch.localAddress), 16);
        length += 40;
      }
      this.#engine.inbound.accept(device, at, length, undefined);
    }
  }

  /** `batch` holds `count` datagrams of encapsulated ESP, each perhaps a train of several. */
  udp(device: Device, batch: ReceiveBatch, count: number): void {
    this.#engine.tick();
    const origin = this.#origin;
    for (let i = 0; i < count; i++) {
      batch.readControl(i);
      const at = this.#slots.at[i];
      const length = batch.length(i);
      if (batch.truncated(i) || batch.localAddress < 0) {
        device.counters.drop(DROP.TRUNCATED);
        continue;
      }
      origin.names = batch.names;
      origin.at = batch.sourceAddress(i);
      origin.port = batch.sourcePort(i);
      const size = batch.segmentSize > 0 ? batch.segmentSize : length;
      for (let from = 0; from < length; from += size) {
        this.#datagram(device, batch, at + from, Math.min(size, length - from));
      }
    }
  }

  /**
   * One datagram of UDP-encapsulated ESP (RFC 3948 §2). The IP header that the socket took off is put back before it,
   * over the tail of the datagram before, which has been dealt with.
   */
  #datagram(device: Device, batch: ReceiveBatch, at: number, length: number): void {
    const { bytes, view } = this.#slots.memory;
    if (length === 1 && bytes[at] === 0xff) return; // keepalive
    if (length < 8 || view.getUint32(at) === 0) {
      if (!this.#takesIke(batch, at, length)) device.counters.drop(DROP.NO_IKE);
      return;
    }
    const source = this.#origin.at;
    const v4 = batch.addressBytes === 4;
    const start = at - (v4 ? 20 : 40);
    if (v4) {
      view.setUint32(start, 0x45000000 | batch.tos << 16 | length + 20);
      view.setUint32(start + 4, 0);
      view.setUint32(start + 8, 64 << 24 | 50 << 16);
      copy(bytes, start + 12, batch.names, source, 4);
      copy(bytes, start + 16, batch.controls, batch.localAddress, 4);
    } else {
      view.setUint32(start, 0x60000000 | batch.tos << 20);
      view.setUint16(start + 4, length);
      bytes[start + 6] = 50;
      bytes[start + 7] = 64;
      copy(bytes, start + 8, batch.names, source, 16);
      copy(bytes, start + 24, batch.controls, batch.localAddress, 16);
    }
    this.#engine.inbound.accept(device, start, at + length - start, this.#origin);
  }

  #takesIke(batch: ReceiveBatch, at: number, length: number): boolean {
    if (length < NON_ESP_MARKER_BYTES || this.#slots.memory.view.getUint32(at) !== 0) return false;
    const { addressBytes } = batch;
    const address = (bytes: Uint8Array, from: number): Address => ({
      family: addressBytes === 4 ? "inet" : "inet6",
      bytes: bytes.slice(from, from + addressBytes),
    });
    return this.#ike({
      local: address(batch.controls, batch.localAddress),
      localPort: NAT_TRAVERSAL_PORT,
      remote: address(batch.names, this.#origin.at),
      remotePort: this.#origin.port,
      datagram: this.#slots.memory.bytes.subarray(at + NON_ESP_MARKER_BYTES, at + length),
    });
  }
}

function copy(to: Uint8Array, at: number, from: Uint8Array, start: number, length: number): void {
  for (let i = 0; i < length; i++) to[at + i] = from[start + i];
}
