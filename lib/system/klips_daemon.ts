/**
 * The KLIPS daemon: the engine with real devices, sockets, clock, and the PF_KEY socket. One thread, one event loop.
 */
import { chooseProvider } from "../ffi/choose_provider.ts";
import { LinkEvents } from "../ffi/link_events.ts";
import { ReceiveSlots } from "../ffi/receive_batch.ts";
import { Engine } from "../klips/engine.ts";
import { learnPathMtu } from "../klips/path_mtu.ts";
import { PfkeyService } from "../klips/pfkey_service.ts";
import { PacketMemory } from "../packet/memory.ts";
import { PfkeyServer } from "../pfkey/server.ts";
import { formatAddress } from "../text/address.ts";
import { HostAddresses } from "./host_addresses.ts";
import { IcmpErrors } from "./icmp_errors.ts";
import { IkeRelay } from "./ike_relay.ts";
import { KlipsInterfaces } from "./klips_interfaces.ts";
import type { Log } from "./log.ts";
import { LARGEST_PACKET, LAYOUT } from "./memory_layout.ts";
import { PacketIntake } from "./packet_intake.ts";
import { Poller } from "./poller.ts";
import { RoutedOutput } from "./routed_output.ts";
import { SaUpkeep } from "./sa_upkeep.ts";
import { versionCode } from "./version.ts";

export interface KlipsOptions {
  readonly crypto: "libcrypto" | "runtime" | "noble" | undefined;
  /** 0 for no keepalives. */
  readonly keepaliveSeconds: number;
  /** Whether interfaces that a killed daemon has left are taken over, with their addresses and routes. */
  readonly adopt: boolean;
  readonly socketPath: string;
  /** On which IKE goes to and fro. */
  readonly ikeSocketPath: string;
  readonly log: Log;
}

export class KlipsDaemon {
  readonly #log: Log;
  readonly #adopt: boolean;
  readonly #poller = new Poller();
  readonly #memory = new PacketMemory(LAYOUT.end);
  readonly #routed = new RoutedOutput(this.#memory);
  readonly #errors: IcmpErrors;
  readonly #events = new LinkEvents();
  readonly #addresses = new HostAddresses();
  readonly #interfaces: KlipsInterfaces;
  readonly #engine: Engine;
  readonly #upkeep: SaUpkeep;
  readonly #intake: PacketIntake;
  readonly #ike: IkeRelay;
  readonly #service: PfkeyService;
  readonly #server: PfkeyServer;
  readonly #startedAt = Deno.osUptime();

  constructor(options: KlipsOptions) {
    const { log } = options;
    this.#log = log;
    this.#adopt = options.adopt;
    const memory = this.#memory;
    const provider = chooseProvider(options.crypto);
    log("notice", `KLIPS startup, oneswan version ${versionCode()}, crypto: ${provider.description}`);
    const slots = new ReceiveSlots(
      memory,
      LAYOUT.slots,
      LAYOUT.slotCount,
      LARGEST_PACKET,
      LAYOUT.slotHeadroom,
      LAYOUT.slotStride,
    );
    this.#errors = new IcmpErrors(
      slots,
      this.#poller,
      (at, length, addressBytes) => this.#icmpError(at, length, addressBytes),
    );
    this.#addresses.read();
    this.#interfaces = new KlipsInterfaces({
      slots,
      poller: this.#poller,
      addresses: this.#addresses,
      routed: this.#routed,
      log,
      outbound: (device, at, length) => {
        this.#engine.tick();
        this.#engine.outbound.accept(device, at, length);
      },
      ip: (device, batch, count, protocol) => this.#intake.ip(device, batch, count, protocol),
      udp: (device, batch, count) => this.#intake.udp(device, batch, count),
      connected: (physical) => {
        this.#upkeep.openPorts(physical);
        this.#ike.openPort(physical);
      },
    });
    const engine = this.#engine = new Engine({
      memory,
      arena: [LAYOUT.arena, LAYOUT.end],
      scratch: LAYOUT.scratch,
      devices: this.#interfaces.devices,
      clock: () => this.#clock(),
      random: (bytes) => void crypto.getRandomValues(bytes),
      isLocal: (address) => this.#addresses.has(address),
      debug: (text) => log("info", text),
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
    this.#upkeep = new SaUpkeep({
      engine,
      addresses: this.#addresses,
      log,
      keepaliveSeconds: options.keepaliveSeconds,
      physicals: () => this.#interfaces.physicals,
      clock: () => this.#clock(),
    });
    this.#ike = new IkeRelay({
      socketPath: options.ikeSocketPath,
      engine,
      addresses: this.#addresses,
      log,
      physicals: () => this.#interfaces.physicals,
    });
    this.#intake = new PacketIntake(slots, engine, (frame) => this.#ike.take(frame));
    this.#server = new PfkeyServer(
      options.socketPath,
      (peer, raw) => {
        this.#poller.attend();
        engine.tick();
        this.#service.handle(peer, raw);
      },
      log,
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
      tunnel: (op, virtual, physical) => this.#interfaces.tunnel(op, virtual, physical),
      devices: () => this.#interfaces.describe(),
      peers: () => this.#server.peers(),
      log,
      onInstall: (sa) => this.#upkeep.installed(sa),
    });
    this.#poller.add(this.#events.fd, () => {
      this.#events.drain();
      this.#addresses.read();
      this.#interfaces.linksChanged();
    });
  }

  /** Seconds since the host started, as KLIPS counted them. */
  #clock(): number {
    return this.#startedAt + performance.now() / 1000;
  }

  /** Serves until `stop`; then undoes everything. @throws SystemError where the rights to make TUN devices are lacking */
  async run(): Promise<void> {
    const interfaces = this.#interfaces;
    if (!this.#adopt) interfaces.removeStale();
    interfaces.tryTun();
    this.#ike.listen();
    this.#server.listen();
    await this.#poller.run(() => this.#engine.flush());
    this.#server.close();
    this.#ike.close();
    this.#upkeep.cancel();
    this.#engine.sad.clear();
    interfaces.clear();
    interfaces.removeStale(); // those that were not taken over
    this.#errors.close();
    this.#routed.close();
  }

  stop(): void {
    this.#poller.stop();
  }

  #icmpError(at: number, length: number, addressBytes: 4 | 16): void {
    const engine = this.#engine;
    engine.tick();
    const sa = learnPathMtu(this.#memory, engine.sad, at, length, addressBytes, engine.now());
    if (sa) this.#log("info", `path MTU to ${formatAddress(sa.id.destination)} is ${sa.pathMtu}`);
  }
}
