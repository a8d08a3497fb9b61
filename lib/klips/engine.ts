/**
 * KLIPS without the world: SA database, eroutes, both directions of the data path, and the PF_KEY service, joined
 * together. Packets come as offsets into the packet memory; clock, randomness and devices are passed in.
 */
import { FlowKey, readFlow } from "../packet/ip_header.ts";
import type { PacketMemory } from "../packet/memory.ts";
import type { Address } from "../text/address.ts";
import { Arena } from "./arena.ts";
import type { Device } from "./device.ts";
import type { EngineParts } from "./engine_parts.ts";
import { Eroute } from "./eroute.ts";
import { ErouteTable } from "./eroute_table.ts";
import type { Scratch } from "./esp.ts";
import { Inbound } from "./inbound.ts";
import { expiredByTime, FINE, HARD, nextExpiry } from "./lifetime.ts";
import { Outbound } from "./outbound.ts";
import { PacketTrace } from "./packet_trace.ts";
import { RandomPool } from "./random_pool.ts";
import type { Sa } from "./sa.ts";
import { Sad } from "./sad.ts";
import { MAGIC_SPIS } from "../text/sa_id.ts";
import { Sysctls } from "./sysctl.ts";
import { subnetOf } from "../text/subnet.ts";

/** What the engine needs of its surroundings. */
export interface EngineWorld {
  readonly memory: PacketMemory;
  /** The part of the memory that the engine may cut packets from. */
  readonly arena: readonly [start: number, end: number];
  /** 64 bytes of the memory for nonces, additional data and ICVs. */
  readonly scratch: number;
  readonly devices: readonly Device[];
  /** Seconds, monotonic. */
  clock(): number;
  random(bytes: Uint8Array<ArrayBuffer>): void;
  isLocal(address: Uint8Array): boolean;
  /** A line that `ipsec klipsdebug` has asked for. */
  debug(text: string): void;
  /** A soft or hard lifetime ran out. */
  expired(sa: Sa, hard: boolean): void;
  /** Keys are wanted; @returns whether a key daemon was there to ask */
  acquire(eroute: Eroute, source: Address, destination: Address, flow: FlowKey): boolean;
}

export class Engine implements EngineParts {
  readonly memory: PacketMemory;
  readonly arena: Arena;
  readonly scratch: Scratch;
  readonly sad = new Sad();
  readonly eroutes = new ErouteTable();
  readonly sysctls = new Sysctls();
  readonly random: RandomPool;
  readonly flow = new FlowKey();
  readonly trace: PacketTrace;
  readonly outbound: Outbound;
  readonly inbound: Inbound;
  readonly #world: EngineWorld;
  #now = 0;

  constructor(world: EngineWorld) {
    this.#world = world;
    this.memory = world.memory;
    this.arena = new Arena(world.arena[0], world.arena[1]);
    this.scratch = { nonce: world.scratch, aad: world.scratch + 16, icv: world.scratch + 32 };
    this.random = new RandomPool(world.random);
    this.trace = new PacketTrace(this.sysctls, world.debug);
    for (const { name, counters } of world.devices) {
      counters.onDrop = (reason, packets) => this.trace.dropped(name, reason, packets);
    }
    this.outbound = new Outbound(this);
    this.inbound = new Inbound(this);
    this.tick();
  }

  /** Reads the clock; once per batch of packets is enough. */
  tick(): void {
    this.#now = this.#world.clock();
    this.trace.refresh();
  }

  now(): number {
    return this.#now;
  }

  isLocal(address: Uint8Array): boolean {
    return this.#world.isLocal(address);
  }

  readFlow(at: number, length: number): boolean {
    return readFlow(this.memory, at, length, this.flow) >= 0;
  }

  flush(): void {
    for (const device of this.#world.devices) {
      device.outlet?.flush();
      device.flushJoined();
    }
    this.arena.reset();
  }

  expire(sa: Sa, hard: boolean): void {
    this.#world.expired(sa, hard);
    if (hard) this.sad.removeChain(sa);
    else sa.state = "dying";
  }

  /** Ends what has outlived its time without being used; @returns the instant of the next such event, if any */
  expireByTime(): number | undefined {
    this.tick();
    let next: number | undefined;
    for (const sa of [...this.sad]) {
      if (sa.state === "dead") continue; // its chain has just ended
      const expired = expiredByTime(sa, this.#now);
      if (expired !== FINE) this.expire(sa, expired === HARD);
      const at = expired === HARD ? undefined : nextExpiry(sa, this.#now);
      if (at !== undefined) next = Math.min(next ?? at, at);
    }
    return next;
  }

  /** klips.md §15.3: a %trap leaves a host-to-host %hold, a %trapsubnet becomes the %hold itself. */
  trap(eroute: Eroute, flow: FlowKey, at: number, packet: Uint8Array): void {
    const { bytes } = this.memory;
    const v4 = bytes[at] >>> 4 === 4;
    const size = v4 ? 4 : 16;
    const first = at + (v4 ? 12 : 8);
    const family = v4 ? "inet" : "inet6";
    const source: Address = { family, bytes: bytes.slice(first, first + size) };
    const destination: Address = { family, bytes: bytes.slice(first + size, first + 2 * size) };
    if (!this.#world.acquire(eroute, source, destination, flow)) return;
    if (eroute.shunt === MAGIC_SPIS.trapsubnet) {
      eroute.shunt = MAGIC_SPIS.hold;
      eroute.saId = { ...eroute.saId, spi: MAGIC_SPIS.hold };
      eroute.firstHeld = packet;
      return;
    }
    const { selector } = eroute;
    const host = (address: Address, port: number, given: number) => ({
      ...subnetOf(address, size * 8),
      port: given ? port : 0,
    });
    const holdSelector = {
      source: host(source, flow.sourcePort, selector.source.port),
      destination: host(destination, flow.destinationPort, selector.destination.port),
      protocol: selector.protocol ? flow.protocol : 0,
    };
    this.eroutes.remove(holdSelector);
    const hold = new Eroute(holdSelector, { ...eroute.saId, spi: MAGIC_SPIS.hold }, eroute.pid);
    hold.firstHeld = packet;
    this.eroutes.add(hold);
  }

  /** RFC 3948 §4: every encapsulated SA to and from that peer follows it to its new address and port. */
  remapped(sa: Sa, address: Uint8Array, port: number): void {
    const old = sa.udp!.dport;
    for (const other of this.sad) {
      if (!other.udp || other.udp.dport !== old || other.udp.sport !== sa.udp!.sport) continue;
      const peer = other.inbound ? other.source : other.id.destination;
      if (!sameBytes(peer.bytes, sa.source.bytes)) continue;
      other.udp.dport = port;
      other.udp.peer = sameBytes(address, peer.bytes) ? undefined : { family: peer.family, bytes: address };
    }
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
