/**
 * KLIPS's interfaces: ipsec0 to ipsec3, the physical devices that they are attached to, and what becomes of both when
 * links come and go (klips.md §5).
 */
import { closeSocket, ERRNO, errorText, SystemError } from "../ffi/libc.ts";
import type { ReceiveBatch, ReceiveSlots } from "../ffi/receive_batch.ts";
import { interfaceIndex, interfaceIsUp, interfaceMtu, openTun } from "../ffi/tun.ts";
import { DROP, InterfaceCounters } from "../klips/counters.ts";
import { Device } from "../klips/device.ts";
import type { DeviceDescription } from "../klips/listing.ts";
import { Coalescer } from "../packet/tcp_coalesce.ts";
import type { HostAddresses } from "./host_addresses.ts";
import { IpInputs } from "./ip_inputs.ts";
import type { Log } from "./log.ts";
import { LAYOUT, VIRTUAL_DEVICES } from "./memory_layout.ts";
import { Physical, type Receiver } from "./physical.ts";
import type { Poller } from "./poller.ts";
import type { RoutedOutput } from "./routed_output.ts";
import { removeStaleDevice, VirtualDevice } from "./virtual_device.ts";

export interface KlipsInterfacesDeps {
  readonly slots: ReceiveSlots;
  readonly poller: Poller;
  readonly addresses: HostAddresses;
  readonly routed: RoutedOutput;
  readonly log: Log;
  /** A packet of the host's for `device`: offset of its virtio header, length of both. */
  outbound(device: Device, at: number, length: number): void;
  /** `batch` holds `count` packets of IP protocol `protocol` that came for `device`. */
  ip(device: Device, batch: ReceiveBatch, count: number, protocol: number): void;
  /** `batch` holds `count` datagrams from an encapsulation port. */
  udp(device: Device, batch: ReceiveBatch, count: number): void;
  /** A physical device is in use from now on. */
  connected(physical: Physical): void;
}

export class KlipsInterfaces implements Receiver {
  readonly devices: readonly Device[];
  readonly #deps: KlipsInterfacesDeps;
  readonly #virtuals: readonly VirtualDevice[];
  /** ESP and AH that come out of the tunnels of each ipsecN: tunnels within tunnels. */
  readonly #nested: (IpInputs | undefined)[] = [];
  readonly #physicals = new Map<string, Physical>();
  /** What each ipsecN is attached to, also while that device is away. */
  readonly #attachments: (string | undefined)[] = [];

  constructor(deps: KlipsInterfacesDeps) {
    this.#deps = deps;
    const { slots: { memory }, poller, routed } = deps;
    this.devices = Array.from({ length: VIRTUAL_DEVICES }, (_, index) => {
      const joiner = new Coalescer(memory, LAYOUT.join + index * LAYOUT.joinBytes + 2);
      return new Device(`ipsec${index}`, new InterfaceCounters(), memory, joiner);
    });
    this.#virtuals = this.devices.map((device) =>
      new VirtualDevice(
        device,
        memory,
        LAYOUT.tunRead,
        LAYOUT.tunReadBytes,
        poller,
        deps.outbound,
        (device) => this.#deviceGone(device),
        routed,
      )
    );
  }

  /** The physical devices in use. */
  get physicals(): Iterable<Physical> {
    return this.#physicals.values();
  }

  /** Says now what attaching would say later. @throws SystemError where the rights to make TUN devices are lacking */
  tryTun(): void {
    closeSocket(openTun(this.devices[0].name).fd);
  }

  // Attaching and detaching

  /** @returns an errno, 0 for success (klips.md §5) */
  tunnel(op: "attach" | "detach" | "clear", virtual: string, physical: string): number {
    if (op === "clear") {
      this.clear();
      return 0;
    }
    const index = this.devices.findIndex((device) => device.name === virtual);
    if (index < 0) return ERRNO.ENODEV;
    if (op === "detach") {
      if (this.#attachments[index] === undefined) return ERRNO.ENODEV;
      this.#detach(index);
      return 0;
    }
    const name = physical.split(":")[0]; // an alias attaches to its device
    if (interfaceMtu(name) === undefined) return ERRNO.ENXIO;
    if (this.#attachments[index] === name) {
      this.linksChanged(); // what returns is taken up again by itself: scripts that attach it have what they want
      return 0;
    }
    if (this.#attachments[index] !== undefined) return ERRNO.EBUSY;
    try {
      this.#attach(index, name);
      return 0;
    } catch (error) {
      this.#deps.log("error", `Cannot attach ${virtual} to ${name}: ${error instanceof Error ? error.message : error}`);
      this.#detach(index);
      return error instanceof SystemError ? error.errno : ERRNO.EINVAL;
    }
  }

  /** Detaches all, and removes the virtual devices with their addresses and routes. */
  clear(): void {
    this.#virtuals.forEach((virtual, index) => {
      this.#detach(index);
      this.#closeNested(index);
      virtual.close();
    });
  }

  #attach(index: number, name: string): void {
    const { slots, poller, ip, log } = this.#deps;
    this.#attachments[index] = name;
    this.#virtuals[index].open();
    const device = this.devices[index];
    this.#nested[index] ??= new IpInputs(
      device.name,
      slots,
      poller,
      (batch, count, protocol) => ip(device, batch, count, protocol),
    );
    this.#connect(index, name);
    log("info", `${device.name} attached to ${name}`);
  }

  #detach(index: number): void {
    this.#attachments[index] = undefined;
    this.#disconnect(index);
  }

  /** Gives an attached ipsecN its physical device, which is there and up. */
  #connect(index: number, name: string): void {
    const { slots, poller, addresses, connected } = this.#deps;
    let physical = this.#physicals.get(name);
    if (!physical) {
      physical = new Physical(
        name,
        interfaceMtu(name) ?? 0,
        slots,
        poller,
        this,
        (addressBytes) => addresses.of(name, addressBytes),
        (physical, packets, code) => this.#refused(physical, packets, code),
      );
      this.#physicals.set(name, physical);
      connected(physical);
    }
    const device = this.devices[index];
    device.outlet = physical;
    device.effectiveMtu = physical.mtu;
  }

  #disconnect(index: number): void {
    const device = this.devices[index];
    const physical = device.outlet;
    device.outlet = undefined;
    device.effectiveMtu = 0;
    if (!physical || this.devices.some((other) => other.outlet === physical)) return;
    this.#physicals.get(physical.name)?.close();
    this.#physicals.delete(physical.name);
  }

  // Devices that come and go

  /** A link came, went or changed its MTU; an attached device that returns is taken up again by itself. */
  linksChanged(): void {
    const { log } = this.#deps;
    this.#attachments.forEach((name, index) => {
      if (name === undefined) return;
      const device = this.devices[index];
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
        log("notice", `IPSEC EVENT: ${name} is away; ${device.name} waits for it`);
      }
      if (!there) return;
      try {
        this.#connect(index, name);
        log("notice", `IPSEC EVENT: ${name} is back; ${device.name} is attached to it again`);
      } catch (error) {
        log("error", `Cannot attach ${device.name} to ${name} again: ${(error as Error).message}`);
      }
    });
  }

  /** A killed daemon leaves its devices so that nothing leaks past them; a new one begins afresh. */
  removeStale(): void {
    for (const { name } of this.devices) {
      if (interfaceIndex(name) === 0) continue;
      removeStaleDevice(name);
      this.#deps.log("notice", `${name}, left by a daemon that did not end properly, removed with its routes`);
    }
  }

  #deviceGone(device: Device): void {
    this.#deps.log("error", `IPSEC EVENT: KLIPS device ${device.name} shut down.`);
    const index = this.devices.indexOf(device);
    this.#detach(index);
    this.#closeNested(index);
    this.#virtuals[index].abandon();
  }

  #closeNested(index: number): void {
    this.#nested[index]?.close();
    this.#nested[index] = undefined;
  }

  // Packets and figures

  ip(physical: Physical, batch: ReceiveBatch, count: number, protocol: number): void {
    const device = this.#deviceOf(physical);
    if (device) this.#deps.ip(device, batch, count, protocol);
  }

  udp(physical: Physical, batch: ReceiveBatch, count: number): void {
    const device = this.#deviceOf(physical);
    if (device) this.#deps.udp(device, batch, count);
  }

  #refused(physical: Physical, packets: number, code: number): void {
    const device = this.#deviceOf(physical);
    if (!device) return;
    device.counters.drop(DROP.SEND_FAILED, packets);
    this.#deps.log("debug", `${physical.name} refused ${packets} packets: ${errorText(code)}`);
  }

  /** The first ipsecN attached to a physical device is credited with what it receives (klips.md §16). */
  #deviceOf(physical: Physical): Device | undefined {
    for (const device of this.devices) if (device.outlet === physical) return device;
    return undefined;
  }

  describe(): DeviceDescription[] {
    return this.devices.map((device, index) => ({
      virtual: device.name,
      physical: device.outlet?.name,
      mtu: this.#virtuals[index].exists ? interfaceMtu(device.name) ?? 0 : 0,
      effectiveMtu: device.effectiveMtu,
      physicalMtu: device.outlet?.mtu ?? 0,
      counters: device.counters,
    }));
  }
}
