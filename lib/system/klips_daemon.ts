/**
 * The KLIPS daemon: the engine with real devices, sockets, clock, and the PF_KEY socket. One thread, one event loop.
 */
import { chooseProvider } from "../ffi/choose_provider.ts";
import { closeSocket, ERRNO, errorText, SystemError } from "../ffi/libc.ts";
import { LinkEvents } from "../ffi/link_events.ts";
import { type ReceiveBatch, ReceiveSlots } from "../ffi/receive_batch.ts";
import { interfaceIndex, interfaceIsUp, interfaceMtu, openTun } from "../ffi/tun.ts";
import { DROP, InterfaceCounters } from "../klips/counters.ts";
import { Device } from "../klips/device.ts";
import { Engine } from "../klips/engine.ts";
import { nextExpiry } from "../klips/lifetime.ts";
import type { DeviceDescription } from "../klips/listing.ts";
import { learnPathMtu } from "../klips/path_mtu.ts";
import { PfkeyService } from "../klips/pfkey_service.ts";
import type { Sa } from "../klips/sa.ts";
import { PacketMemory } from "../packet/memory.ts";
import { Coalescer } from "../packet/tcp_coalesce.ts";
import { PfkeyServer } from "../pfkey/server.ts";
import { formatAddress } from "../text/address.ts";
import { Alarm } from "./alarm.ts";
import { HostAddresses } from "./host_addresses.ts";
import type { Log } from "./log.ts";
import { IpInputs } from "./ip_inputs.ts";
import { Physical, type Receiver } from "./physical.ts";
import { IcmpErrors } from "./icmp_errors.ts";
import { LARGEST_PACKET, LAYOUT, VIRTUAL_DEVICES } from "./memory_layout.ts";
import { PacketIntake } from "./packet_intake.ts";
import { Poller } from "./poller.ts";
import { RoutedOutput } from "./routed_output.ts";
import { versionCode } from "./version.ts";
import { removeStaleDevice, VirtualDevice } from "./virtual_device.ts";

/** RFC 3948 §4: after this long without a packet, an encapsulated SA keeps its NAT mapping open. */
export const KEEPALIVE_SECONDS = 20;

export interface KlipsOptions {
  readonly crypto: "libcrypto" | "runtime" | "noble" | undefined;
  /** 0 for no keepalives. */
  readonly keepaliveSeconds: number;
  /** Whether interfaces that a killed daemon has left are taken over, with their addresses and routes. */
  readonly adopt: boolean;
  readonly socketPath: string;
  readonly log: Log;
}

export class KlipsDaemon implements Receiver {
  readonly #log: Log;
  readonly #keepaliveSeconds: number;
  readonly #adopt: boolean;
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
  readonly #addresses = new HostAddresses();
  readonly #engine: Engine;
  readonly #intake: PacketIntake;
  readonly #service: PfkeyService;
  readonly #server: PfkeyServer;
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
    this.#adopt = options.adopt;
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
    this.#addresses.read();
    this.#engine = new Engine({
      memory,
      arena: [LAYOUT.arena, LAYOUT.end],
      scratch: LAYOUT.scratch,
      devices: this.#devices,
      clock: () => this.#clock(),
      random: (bytes) => void crypto.getRandomValues(bytes),
      isLocal: (address) => this.#addresses.has(address),
      debug: (text) => this.#log("info", text),
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
    this.#intake = new PacketIntake(this.#slots, engine);
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
      isLocal: (address) => this.#addresses.has(address.bytes),
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
    if (!this.#adopt) this.#removeStaleDevices();
    closeSocket(openTun(this.#devices[0].name).fd); // says now what attaching would say later
    this.#server.listen();
    await this.#poller.run(() => this.#engine.flush());
    this.#server.close();
    this.#alarm.cancel();
    this.#engine.sad.clear();
    this.#clear();
    this.#removeStaleDevices(); // those that were not taken over
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
      (batch, count, protocol) => this.#intake.ip(device, batch, count, protocol),
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
        (addressBytes) => this.#addresses.of(name, addressBytes),
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
    this.#addresses.read();
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
    for (const physical of this.#physicals.values()) {
      if (!this.#addresses.isOn(sa.source.bytes, physical.name)) continue;
      physical.datagram(at, 1, at + 8, sa.udp!, peer, 0, false);
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
    if (device) this.#intake.ip(device, batch, count, protocol);
  }

  udp(physical: Physical, batch: ReceiveBatch, count: number): void {
    const device = this.#deviceOf(physical);
    if (device) this.#intake.udp(device, batch, count);
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
