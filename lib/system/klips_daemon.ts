/**
 * The KLIPS daemon: the engine with real devices, sockets, clock, and the PF_KEY socket. One thread, one event loop.
 */
import { chooseProvider } from "../ffi/choose_provider.ts";
import { closeSocket, ERRNO, errorText, SystemError } from "../ffi/libc.ts";
import { LinkEvents } from "../ffi/link_events.ts";
import { type ReceiveBatch, ReceiveSlots } from "../ffi/receive_batch.ts";
import { interfaceIndex, interfaceIsUp, interfaceMtu, openTun, VNET_HEADER_BYTES } from "../ffi/tun.ts";
import { DROP, InterfaceCounters } from "../klips/counters.ts";
import { Device } from "../klips/device.ts";
import { Engine } from "../klips/engine.ts";
import type { UdpOrigin } from "../klips/inbound.ts";
import { nextExpiry } from "../klips/lifetime.ts";
import type { DeviceDescription } from "../klips/listing.ts";
import { learnPathMtu } from "../klips/path_mtu.ts";
import { PfkeyService } from "../klips/pfkey_service.ts";
import type { Sa } from "../klips/sa.ts";
import { PacketMemory } from "../packet/memory.ts";
import { Coalescer } from "../packet/tcp_coalesce.ts";
import { PfkeyServer } from "../pfkey/server.ts";
import { type Address, formatAddress, parseAddress } from "../text/address.ts";
import { Alarm } from "./alarm.ts";
import type { Log } from "./log.ts";
import { IpInputs } from "./ip_inputs.ts";
import { Physical, type Receiver } from "./physical.ts";
import { IcmpErrors } from "./icmp_errors.ts";
import { Poller } from "./poller.ts";
import { RoutedOutput } from "./routed_output.ts";
import { versionCode } from "./version.ts";
import { removeStaleDevice, VirtualDevice } from "./virtual_device.ts";

const VIRTUAL_DEVICES = 4;
const LARGEST_PACKET = 65536;

/** The packet memory, region by region. Packets begin 2 bytes after a multiple of 4 behind their virtio header. */
const LAYOUT = (() => {
  const scratch = 0;
  const tunRead = 4098;
  const tunReadBytes = VNET_HEADER_BYTES + LARGEST_PACKET;
  const join = tunRead + tunReadBytes + 4096;
  const joinBytes = LARGEST_PACKET + 4096;
  const slots = join + VIRTUAL_DEVICES * joinBytes;
  const slotCount = 32, slotHeadroom = 256, slotStride = LARGEST_PACKET + 1408;
  const arena = slots + slotCount * slotStride + 4096;
  const end = arena + (4 << 20);
  return { scratch, tunRead, tunReadBytes, join, joinBytes, slots, slotCount, slotHeadroom, slotStride, arena, end };
})();

/** RFC 3948 §4: after this long without a packet, an encapsulated SA keeps its NAT mapping open. */
export const KEEPALIVE_SECONDS = 20;

export interface KlipsOptions {
  readonly crypto: "libcrypto" | "runtime" | "noble" | undefined;
  /** 0 for no keepalives. */
  readonly keepaliveSeconds: number;
  readonly socketPath: string;
  readonly log: Log;
}

export class KlipsDaemon implements Receiver {
  readonly #log: Log;
  readonly #keepaliveSeconds: number;
  readonly #poller = new Poller();
  readonly #memory = new PacketMemory(LAYOUT.end);
  readonly #devices: Device[] = [];
  readonly #virtuals: VirtualDevice[] = [];
  /** ESP and AH that come out of the tunnels of each ipsecN: tunnels within tunnels. */
  readonly #nested: (IpInputs | undefined)[] = [];
  readonly #slots: ReceiveSlots;
  readonly #routed = new RoutedOutput(this.#memory);
  readonly #errors: IcmpErrors;
  readonly #events = new LinkEvents();
  readonly #physicals = new Map<string, Physical>();
  /** What each ipsecN is attached to, also while that device is away. */
  readonly #attachments: (string | undefined)[] = [];
  /** The host's own addresses, each as its bytes joined, and the devices that have it. */
  #local = new Map<string, Set<string>>();
  #addresses: Deno.NetworkInterfaceInfo[] = [];
  readonly #engine: Engine;
  readonly #service: PfkeyService;
  readonly #server: PfkeyServer;
  readonly #origin: UdpOrigin = { names: new Uint8Array(), at: 0, port: 0 };
  readonly #startedAt = Deno.osUptime();
  /** For the nearest expiry or keepalive: nothing wakes the daemon where none is due. */
  readonly #alarm = new Alarm({
    now: () => this.#clock(),
    ring: () => this.#watchTimes(),
    startTimer: (ring, afterMs) => {
      const timer = setTimeout(ring, afterMs);
      return () => clearTimeout(timer);
    },
  });

  constructor(options: KlipsOptions) {
    this.#log = options.log;
    this.#keepaliveSeconds = options.keepaliveSeconds;
    const memory = this.#memory;
    const provider = chooseProvider(options.crypto);
    options.log("notice", `KLIPS startup, oneswan version ${versionCode()}, crypto: ${provider.description}`);
    this.#slots = new ReceiveSlots(
      memory,
      LAYOUT.slots,
      LAYOUT.slotCount,
      LARGEST_PACKET,
      LAYOUT.slotHeadroom,
      LAYOUT.slotStride,
    );
    this.#errors = new IcmpErrors(
      this.#slots,
      this.#poller,
      (at, length, addressBytes) => this.#icmpError(at, length, addressBytes),
    );
    for (let i = 0; i < VIRTUAL_DEVICES; i++) this.#addDevice(i);
    this.#readAddresses();
    this.#engine = new Engine({
      memory,
      arena: [LAYOUT.arena, LAYOUT.end],
      scratch: LAYOUT.scratch,
      devices: this.#devices,
      clock: () => this.#clock(),
      random: (bytes) => void crypto.getRandomValues(bytes),
      isLocal: (address) => this.#local.has(address.join()),
      expired: (sa, hard) => this.#service.expire(sa, hard),
      acquire: (eroute, source, destination, flow) =>
        this.#service.acquire({
          source,
          destination,
          protocol: flow.protocol,
          sourcePort: flow.sourcePort,
          destinationPort: flow.destinationPort,
          eroute,
        }),
    });
    const engine = this.#engine;
    this.#server = new PfkeyServer(
      options.socketPath,
      (peer, raw) => {
        engine.tick();
        this.#service.handle(peer, raw);
      },
      options.log,
    );
    this.#service = new PfkeyService({
      sad: engine.sad,
      eroutes: engine.eroutes,
      sysctls: engine.sysctls,
      provider,
      memory,
      version: versionCode(),
      now: () => engine.now(),
      random: (bytes) => void crypto.getRandomValues(bytes),
      isLocal: (address) => this.#local.has(address.bytes.join()),
      resend: (packet) => {
        engine.outbound.resend(packet);
        engine.flush();
      },
      tunnel: (op, virtual, physical) => this.#tunnel(op, virtual, physical),
      devices: () => this.#devices.map((device) => this.#describe(device)),
      peers: () => this.#server.peers(),
      log: options.log,
      onInstall: (sa) => this.#installed(sa),
    });
    this.#poller.add(this.#events.fd, () => {
      this.#events.drain();
      this.#linksChanged();
    });
  }

  /** Seconds since the host started, as KLIPS counted them. */
  #clock(): number {
    return this.#startedAt + performance.now() / 1000;
  }

  /** Serves until `stop`; then undoes everything. @throws SystemError where the rights to make TUN devices are lacking */
  async run(): Promise<void> {
    this.#removeStaleDevices();
    closeSocket(openTun(this.#devices[0].name).fd); // says now what attaching would say later
    this.#server.listen();
    await this.#poller.run(() => this.#engine.flush());
    this.#server.close();
    this.#alarm.cancel();
    this.#engine.sad.clear();
    this.#clear();
    this.#errors.close();
    this.#routed.close();
  }

  stop(): void {
    this.#poller.stop();
  }

  // Virtual and physical devices

  #addDevice(index: number): void {
    const joiner = new Coalescer(this.#memory, LAYOUT.join + index * LAYOUT.joinBytes + 2);
    const device = new Device(`ipsec${index}`, new InterfaceCounters(), this.#memory, joiner);
    this.#devices.push(device);
    this.#virtuals.push(
      new VirtualDevice(
        device,
        this.#memory,
        LAYOUT.tunRead,
        LAYOUT.tunReadBytes,
        this.#poller,
        (device, at, length) => {
          this.#engine.tick();
          this.#engine.outbound.accept(device, at, length);
        },
        (device) => this.#deviceGone(device),
        this.#routed,
      ),
    );
  }

  /** @returns an errno, 0 for success (klips.md §5) */
  #tunnel(op: "attach" | "detach" | "clear", virtual: string, physical: string): number {
    if (op === "clear") {
      this.#clear();
      return 0;
    }
    const index = this.#devices.findIndex((device) => device.name === virtual);
    if (index < 0) return ERRNO.ENODEV;
    if (op === "detach") {
      if (this.#attachments[index] === undefined) return ERRNO.ENODEV;
      this.#detach(index);
      return 0;
    }
    const name = physical.split(":")[0]; // an alias attaches to its device
    if (interfaceMtu(name) === undefined) return ERRNO.ENXIO;
    if (this.#attachments[index] !== undefined) return ERRNO.EBUSY;
    try {
      this.#attach(index, name);
      return 0;
    } catch (error) {
      this.#log("error", `Cannot attach ${virtual} to ${name}: ${error instanceof Error ? error.message : error}`);
      this.#detach(index);
      return error instanceof SystemError ? error.errno : ERRNO.EINVAL;
    }
  }

  #attach(index: number, name: string): void {
    this.#attachments[index] = name;
    this.#virtuals[index].open();
    const device = this.#devices[index];
    this.#nested[index] ??= new IpInputs(
      device.name,
      this.#slots,
      this.#poller,
      (batch, count, protocol) => this.#packets(device, batch, count, protocol),
    );
    this.#connect(index, name);
    this.#log("info", `${this.#devices[index].name} attached to ${name}`);
  }

  /** Gives an attached ipsecN its physical device, which is there and up. */
  #connect(index: number, name: string): void {
    let physical = this.#physicals.get(name);
    if (!physical) {
      physical = new Physical(
        name,
        interfaceMtu(name) ?? 0,
        this.#slots,
        this.#poller,
        this,
        (bytes) => this.#addressOn(name, bytes),
        (physical, packets, code) => this.#refused(physical, packets, code),
      );
      this.#physicals.set(name, physical);
      this.#openPorts(physical);
    }
    const device = this.#devices[index];
    device.outlet = physical;
    device.effectiveMtu = physical.mtu;
  }

  #disconnect(index: number): void {
    const device = this.#devices[index];
    const physical = device.outlet;
    device.outlet = undefined;
    device.effectiveMtu = 0;
    if (!physical || this.#devices.some((other) => other.outlet === physical)) return;
    this.#physicals.get(physical.name)?.close();
    this.#physicals.delete(physical.name);
  }

  #detach(index: number): void {
    this.#attachments[index] = undefined;
    this.#disconnect(index);
  }

  #clear(): void {
    this.#virtuals.forEach((virtual, index) => {
      this.#detach(index);
      this.#closeNested(index);
      virtual.close();
    });
  }

  /** A link came, went or changed its MTU; an attached device that returns is taken up again by itself. */
  #linksChanged(): void {
    this.#readAddresses();
    this.#attachments.forEach((name, index) => {
      if (name === undefined) return;
      const device = this.#devices[index];
      const there = interfaceIsUp(name) === true;
      const known = device.outlet as Physical | undefined;
      const same = known !== undefined && known.index === interfaceIndex(name);
      if (there && same) {
        const mtu = interfaceMtu(name) ?? known.mtu;
        if (mtu !== known.mtu) {
          known.mtu = mtu;
          device.effectiveMtu = mtu;
        }
        return;
      }
      if (known) {
        this.#disconnect(index);
        this.#log("notice", `IPSEC EVENT: ${name} is away; ${device.name} waits for it`);
      }
      if (!there) return;
      try {
        this.#connect(index, name);
        this.#log("notice", `IPSEC EVENT: ${name} is back; ${device.name} is attached to it again`);
      } catch (error) {
        this.#log("error", `Cannot attach ${device.name} to ${name} again: ${(error as Error).message}`);
      }
    });
  }

  #deviceGone(device: Device): void {
    this.#log("error", `IPSEC EVENT: KLIPS device ${device.name} shut down.`);
    const index = this.#devices.indexOf(device);
    this.#detach(index);
    this.#closeNested(index);
    this.#virtuals[index].abandon();
  }

  #closeNested(index: number): void {
    this.#nested[index]?.close();
    this.#nested[index] = undefined;
  }

  #readAddresses(): void {
    this.#addresses = Deno.networkInterfaces();
    this.#local = new Map();
    for (const { name, address } of this.#addresses) {
      const parsed = parseAddress(address.split("%")[0], 0);
      if (!parsed.ok) continue;
      const key = parsed.value.bytes.join();
      const devices = this.#local.get(key) ?? new Set();
      this.#local.set(key, devices.add(name.split(":")[0])); // an alias is its device
    }
  }

  #addressOn(name: string, addressBytes: number): Address | undefined {
    for (const { name: on, address } of this.#addresses) {
      if (on !== name || address.startsWith("fe80")) continue;
      const parsed = parseAddress(address.split("%")[0], 0);
      if (parsed.ok && parsed.value.bytes.length === addressBytes) return parsed.value;
    }
    return undefined;
  }

  #describe(device: Device): DeviceDescription {
    const index = this.#devices.indexOf(device);
    const mtu = this.#virtuals[index].exists ? interfaceMtu(device.name) ?? 0 : 0;
    return {
      virtual: device.name,
      physical: device.outlet?.name,
      mtu,
      effectiveMtu: device.effectiveMtu,
      physicalMtu: device.outlet?.mtu ?? 0,
      counters: device.counters,
    };
  }

  /** A killed daemon leaves its devices so that nothing leaks past them; a new one begins afresh. */
  #removeStaleDevices(): void {
    for (const { name } of this.#devices) {
      if (interfaceIndex(name) === 0) continue;
      removeStaleDevice(name);
      this.#log("notice", `${name}, left by a daemon that did not end properly, removed with its routes`);
    }
  }

  // Encapsulation ports, timers

  /**
   * A new SA may need a port, and may be due before all others. The others are not looked at: keying 10 000 SAs would
   * take minutes. Those that go need nothing: the timer that was meant for them finds nothing to do.
   */
  #installed(sa: Sa): void {
    for (const physical of this.#physicals.values()) this.#openPort(physical, sa);
    this.#alarm.setBy(nextExpiry(sa, this.#clock()));
    this.#alarm.setBy(this.#keepaliveDue(sa));
  }

  #openPorts(physical: Physical): void {
    for (const sa of this.#engine.sad) this.#openPort(physical, sa);
  }

  #openPort(physical: Physical, { udp }: Sa): void {
    if (!udp) return;
    try {
      physical.openPort(udp.sport);
    } catch (error) {
      this.#log("error", (error as Error).message);
    }
  }

  /** Does what is due, and sets the alarm for the rest. */
  #watchTimes(): void {
    this.#alarm.setBy(this.#engine.expireByTime());
    const now = this.#clock();
    for (const sa of this.#engine.sad) {
      let due = this.#keepaliveDue(sa);
      if (due === undefined) continue;
      if (due <= now) {
        this.#keepAlive(sa);
        due = now + this.#keepaliveSeconds;
      }
      this.#alarm.setBy(due);
    }
  }

  #keepaliveDue(sa: Sa): number | undefined {
    if (sa.inbound || !sa.udp || this.#keepaliveSeconds === 0) return undefined;
    return (sa.lastUsedAt || sa.addedAt) + this.#keepaliveSeconds;
  }

  /** RFC 3948 §2.3: one byte that the NAT sees and the peer ignores. */
  #keepAlive(sa: Sa): void {
    const memory = this.#memory;
    const at = this.#engine.arena.take(64);
    if (at < 0) return;
    memory.bytes[at] = 0xff;
    memory.bytes.set(sa.source.bytes, at + 8);
    const peer = (sa.udp!.peer ?? sa.id.destination).bytes;
    const devices = this.#local.get(sa.source.bytes.join());
    for (const physical of this.#physicals.values()) {
      if (devices?.has(physical.name)) physical.datagram(at, 1, at + 8, sa.udp!, peer, 0, false);
    }
    this.#engine.flush();
  }

  #refused(physical: Physical, packets: number, code: number): void {
    for (const device of this.#devices) {
      if (device.outlet !== physical) continue;
      device.counters.drop(DROP.SEND_FAILED, packets);
      this.#log("debug", `${physical.name} refused ${packets} packets: ${errorText(code)}`);
      return;
    }
  }

  // Packets in

  ip(physical: Physical, batch: ReceiveBatch, count: number, protocol: number): void {
    const device = this.#deviceOf(physical);
    if (device) this.#packets(device, batch, count, protocol);
  }

  #packets(device: Device, batch: ReceiveBatch, count: number, protocol: number): void {
    this.#engine.tick();
    const { bytes, view } = this.#memory;
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
        if (batch.extensionBytes + 40 > LAYOUT.slotHeadroom) {
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

  udp(physical: Physical, batch: ReceiveBatch, count: number, port: number): void {
    this.#engine.tick();
    const device = this.#deviceOf(physical);
    if (!device) return;
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
        this.#datagram(device, batch, at + from, Math.min(size, length - from), port);
      }
    }
  }

  /**
   * One datagram of UDP-encapsulated ESP (RFC 3948 §2). The IP header that the socket took off is put back before it,
   * over the tail of the datagram before, which has been dealt with.
   */
  #datagram(device: Device, batch: ReceiveBatch, at: number, length: number, _port: number): void {
    const { bytes, view } = this.#memory;
    if (length === 1 && bytes[at] === 0xff) return; // keepalive
    if (length < 8 || view.getUint32(at) === 0) return device.counters.drop(DROP.NO_IKE);
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

  #icmpError(at: number, length: number, addressBytes: 4 | 16): void {
    const engine = this.#engine;
    engine.tick();
    const sa = learnPathMtu(this.#memory, engine.sad, at, length, addressBytes, engine.now());
    if (sa) this.#log("info", `path MTU to ${formatAddress(sa.id.destination)} is ${sa.pathMtu}`);
  }

  /** The first ipsecN attached to a physical device is credited with what it receives (klips.md §16). */
  #deviceOf(physical: Physical): Device | undefined {
    for (const device of this.#devices) if (device.outlet === physical) return device;
    return undefined;
  }
}

function copy(to: Uint8Array, at: number, from: Uint8Array, start: number, length: number): void {
  for (let i = 0; i < length; i++) to[at + i] = from[start + i];
}
