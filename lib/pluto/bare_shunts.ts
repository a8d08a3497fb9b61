/** Shunt eroutes that belong to no connection (whack.md §9.4): holds that wait, and what became of failures. */
import { sameSubnet, subnetInSubnet } from "../text/subnet.ts";
import type { Flow, ShuntKind } from "./kernel.ts";

export interface BareShunt {
  readonly flow: Flow;
  kind: ShuntKind;
  readonly priority: number;
  reason: string;
  /** Of the last scan; what moved since was used. */
  packets: number;
  /** Milliseconds of the clock. */
  activeAt: number;
}

export class BareShunts implements Iterable<BareShunt> {
  /** Newest first. */
  #all: BareShunt[] = [];

  [Symbol.iterator](): Iterator<BareShunt> {
    return [...this.#all][Symbol.iterator]();
  }

  add(shunt: BareShunt): void {
    this.remove(shunt.flow);
    this.#all.unshift(shunt);
  }

  find(flow: Flow): BareShunt | undefined {
    return this.#all.find((one) => sameFlow(one.flow, flow));
  }

  remove(flow: Flow): void {
    this.#all = this.#all.filter((one) => !sameFlow(one.flow, flow));
  }

  /** Holds for traffic that a wider eroute now takes. */
  holdsWithin(flow: Flow): BareShunt[] {
    return this.#all.filter((one) => one.kind === "hold" && isWithin(one.flow, flow));
  }
}

export function sameFlow(a: Flow, b: Flow): boolean {
  return sameSubnet(a.ours, b.ours) && sameSubnet(a.peers, b.peers) && a.protocol === b.protocol &&
    a.ourPort === b.ourPort && a.peersPort === b.peersPort;
}

/** Whether all traffic of `inner` belongs to `outer`. */
export function isWithin(inner: Flow, outer: Flow): boolean {
  const fits = (wanted: number, has: number) => wanted === 0 || wanted === has;
  return subnetInSubnet(inner.ours, outer.ours) && subnetInSubnet(inner.peers, outer.peers) &&
    fits(outer.protocol, inner.protocol) && fits(outer.ourPort, inner.ourPort) &&
    fits(outer.peersPort, inner.peersPort);
}
