/** Shunt eroutes that belong to no connection (whack.md §9.4): holds that wait, and what became of failures. */
import { sameSubnet, subnetInSubnet } from "../text/subnet.ts";
import { formatSubnet } from "../text/subnet.ts";
import type { Connection } from "./connection.ts";
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
  /** Of a failure: whose it is. */
  readonly owner?: Connection;
}

export class BareShunts implements Iterable<BareShunt> {
  /** Oldest first. */
  readonly #all = new Map<string, BareShunt>();

  /** Newest first; what changes meanwhile does not count. */
  [Symbol.iterator](): Iterator<BareShunt> {
    return [...this.#all.values()].reverse()[Symbol.iterator]();
  }

  add(shunt: BareShunt): void {
    this.remove(shunt.flow);
    this.#all.set(flowText(shunt.flow), shunt);
  }

  find(flow: Flow): BareShunt | undefined {
    return this.#all.get(flowText(flow));
  }

  remove(flow: Flow): void {
    this.#all.delete(flowText(flow));
  }

  /** Holds for traffic that a wider eroute now takes. */
  holdsWithin(flow: Flow): BareShunt[] {
    return [...this].filter((one) => one.kind === "hold" && isWithin(one.flow, flow));
  }
}

/** By which flows are told apart: `10.0.1.0/24:0 -0-> 10.0.2.0/24:0` */
export function flowText({ ours, peers, protocol, ourPort, peersPort }: Flow): string {
  return `${formatSubnet(ours)}:${ourPort} -${protocol}-> ${formatSubnet(peers)}:${peersPort}`;
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
