/**
 * Two engines that talk through an array, in fake time. The wire drops, repeats, delays and corrupts by a seed, or as a test
 * says; a NAT may stand before either.
 */
import type { IkeOptions } from "../../lib/ike/host.ts";
import { IkeV1 } from "../../lib/ike/ike_v1.ts";
import type { EngineServices, Phase2 } from "../../lib/ike/phase2.ts";
import type { IsakmpSa, Path } from "../../lib/ike/state.ts";
import { type Address, formatAddress, sameAddress } from "../../lib/text/address.ts";
import { FakeClock } from "./_fake_clock.ts";
import { address, TestHost } from "./_test_host.ts";

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ t >>> 15, t | 1);
    t ^= t + Math.imul(t ^ t >>> 7, t | 61);
    return ((t ^ t >>> 14) >>> 0) / 2 ** 32;
  };
}

export function randomBytes(next: () => number): (bytes: number) => Uint8Array<ArrayBuffer> {
  return (bytes) => Uint8Array.from({ length: bytes }, () => Math.floor(next() * 256));
}

export interface Flying {
  readonly from: Side;
  readonly to: Side;
  readonly path: Path;
  readonly datagram: Uint8Array;
}

/** What the wire does with a datagram: copies to be delivered, each with a delay. */
export type Wire = (flying: Flying) => readonly { readonly datagram: Uint8Array; readonly afterMs: number }[];

export const PERFECT: Wire = ({ datagram }) => [{ datagram, afterMs: 1 }];

/** Turns a sender's address and port into what the other side sees, and back. */
export interface Nat {
  readonly inside: Address;
  readonly outside: Address;
  /** Added to ports on the way out. */
  shift: number;
}

const OPTIONS: IkeOptions = { mostHalfOpen: 50, keepAliveSeconds: 20 };

export class Side {
  readonly host = new TestHost();
  readonly engine: IkeV1;
  readonly address: Address;
  readonly sent: Flying[] = [];
  nat?: Nat;
  isDeaf = false;

  constructor(
    readonly name: string,
    where: string,
    world: World,
    makePhase2: (services: EngineServices) => Phase2,
    options: Partial<IkeOptions>,
  ) {
    this.address = address(where);
    this.engine = new IkeV1({ ...OPTIONS, ...options }, {
      host: this.host,
      clock: world.clock,
      random: randomBytes(chance(world.seed + name.length * 7919)),
      send: (path, datagram) => world.carry(this, path, datagram.slice()),
    }, makePhase2);
    this.host.engine = this.engine;
  }

  get isakmp(): IsakmpSa[] {
    return [...this.engine.states.values()].filter((state) => state.kind === "isakmp");
  }

  /** The names of all states. */
  get names(): string[] {
    return [...this.engine.states.values()].map(({ name }) => name);
  }

  get established(): boolean {
    return this.isakmp.some(({ isEstablished }) => isEstablished);
  }

  /** Where the other side is seen. */
  pathTo(other: Side): Path {
    const remote = other.nat ? other.nat.outside : other.address;
    return { local: this.address, localPort: 500, remote, remotePort: 500 };
  }
}

export interface WorldOptions {
  readonly seed?: number;
  readonly makePhase2: (services: EngineServices) => Phase2;
  readonly west?: string;
  readonly east?: string;
  readonly options?: Partial<IkeOptions>;
}

export class World {
  readonly clock = new FakeClock();
  readonly seed: number;
  readonly west: Side;
  readonly east: Side;
  wire: Wire = PERFECT;

  constructor({ seed = 1, makePhase2, west = "192.0.2.1", east = "192.0.2.2", options = {} }: WorldOptions) {
    this.seed = seed;
    this.west = new Side("west", west, this, makePhase2, options);
    this.east = new Side("east..", east, this, makePhase2, options);
  }

  carry(from: Side, path: Path, datagram: Uint8Array): void {
    const to = from === this.west ? this.east : this.west;
    const flying = { from, to, path, datagram };
    from.sent.push(flying);
    for (const copy of this.wire(flying)) {
      this.clock.after(copy.afterMs, () => this.#arrive(flying, copy.datagram));
    }
  }

  #arrive({ from, to, path }: Flying, datagram: Uint8Array): void {
    const seen = throughNats(from, to, path);
    if (seen && !to.isDeaf) to.engine.receive(seen, datagram);
  }

  pass(seconds: number): Promise<void> {
    return this.clock.pass(1000 * seconds);
  }

  /** For a failure: what both have said. */
  get story(): string {
    const of = ({ name, host, names }: Side) => [`-- ${name}: ${names.join(" ")}`, ...host.told, ...host.events];
    return [...of(this.west), ...of(this.east)].join("\n");
  }
}

/** @returns the path as the receiver has it; undefined where nobody has that address, or the NAT has no such port */
function throughNats(from: Side, to: Side, { local, localPort, remote, remotePort }: Path): Path | undefined {
  const source = from.nat
    ? { remote: from.nat.outside, remotePort: localPort + from.nat.shift }
    : { remote: local, remotePort: localPort };
  const target = to.nat && sameAddress(remote, to.nat.outside)
    ? { local: to.address, localPort: remotePort - to.nat.shift }
    : { local: remote, localPort: remotePort };
  if (!sameAddress(target.local, to.address) || target.localPort !== 500 && target.localPort !== 4500) return undefined;
  return { ...target, ...source };
}

export function where({ remote, remotePort }: Path): string {
  return `${formatAddress(remote)}:${remotePort}`;
}
