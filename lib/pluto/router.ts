/**
 * Carries out what {@linkcode TRANSITIONS} says: eroutes, shunts, routes by the updown commands, and the way back where
 * one of them fails (pluto.md §16). Its methods run one after another, in the daemon's task queue.
 */
import type { IpsecSa } from "../ike/state.ts";
import { sameAddress } from "../text/address.ts";
import { isHostSubnet } from "../text/subnet.ts";
import type { UpdownVerb } from "../text/updown_variables.ts";
import { type BareShunt, type BareShunts, sameFlow } from "./bare_shunts.ts";
import { type Connection, NOBODY } from "./connection.ts";
import { type Line, RC } from "./define.ts";
import { type ByPeerNet, checkRoutable, displacedBy, eclipsedAt, ownersOf } from "./eroutes.ts";
import { type Flow, type Kernel, KernelError, type ShuntKind } from "./kernel.ts";
import type { FailureName } from "./policy.ts";
import { isRouted, type Routing } from "./routing_states.ts";
import { type Circumstances, findTransition } from "./transitions.ts";
import { runUpdownVerb, type UpdownDeps } from "./updown.ts";

export interface RouterDeps extends UpdownDeps {
  readonly kernel: Kernel;
  readonly connections: ByPeerNet;
  readonly shunts: BareShunts;
  tell(connection: Connection | undefined, code: number, text: string): void;
  /** In its turn after a while. */
  later(ms: number, task: () => Promise<void>): void;
  /** The IPsec SA of a number. */
  ipsecSa(state: number): IpsecSa | undefined;
}

/** A failure, and what is to stand for it. */
export interface Failing {
  readonly kind: Exclude<FailureName, "none">;
  readonly reason: string;
  /** Milliseconds of the clock. */
  readonly now: number;
  readonly isUnanswered: boolean;
}

/**
 * After which opportunism is tried again although the shunt is in use. Traffic that is refused has the most to gain; traffic
 * in the clear is held for a moment by it, and where nobody answers for seconds.
 */
const RETRY_SECONDS = { pass: 3600, drop: 300, reject: 300 } as const;
/** The same, where the DNS or the peer did not answer. */
const UNANSWERED_SECONDS = { pass: 300, drop: 30, reject: 30 } as const;

export class Router {
  constructor(readonly deps: RouterDeps) {}

  /** Trap, or whatever the connection's shunt is, and the route. @returns whether it is routed now */
  async route(connection: Connection): Promise<boolean> {
    const { connections } = this.deps;
    const displaced = displacedBy(connection, connections);
    const others: ByPeerNet = { towards: (net) => connections.towards(net).filter((one) => !displaced.includes(one)) };
    if (checkRoutable(connection, others, this.#sayer(connection)) === "impossible") return false;
    const { eroute } = findTransition("route", circumstances(connection));
    if (eroute === "leave") return true;
    if (!await this.#lead(connection, undefined)) return false;
    for (const one of displaced) await this.#yield(one);
    return true;
  }

  /** Its eroute has become another's; its SAs are still to be deleted. */
  async #yield(connection: Connection): Promise<void> {
    if (connection.erouteOwner !== NOBODY) await this.#updown("down", connection);
    connection.routing = "UNROUTED";
    connection.erouteOwner = NOBODY;
    connection.hold = undefined;
  }

  /** Whatever there is goes; a route only where nobody else needs it. An SA must not own the eroute. */
  async unroute(connection: Connection): Promise<void> {
    const wasRouted = isRouted(connection.routing);
    const { eroute } = findTransition("unroute", circumstances(connection));
    if (connection.hold) await this.#letAllGo(connection);
    if (eroute === "delete") await this.#dropEroute(connection);
    connection.routing = "UNROUTED";
    connection.erouteOwner = NOBODY;
    connection.hold = undefined;
    if (wasRouted) await this.#unrouteUnlessShared(connection);
    this.#unchain(connection);
  }

  /**
   * What a connection protects becomes something else. Its route stays meanwhile, and what it leads into KLIPS is dropped
   * there. An SA must not own the eroute.
   *
   * @param change of its ends
   */
  async changeFlow(connection: Connection, change: () => void): Promise<void> {
    if (!isRouted(connection.routing)) {
      await this.unroute(connection);
      return change();
    }
    if (connection.hold) await this.#letAllGo(connection);
    await this.#dropEroute(connection);
    connection.hold = undefined;
    change();
    connection.routing = "ROUTED_PROSPECTIVE";
    if (await this.#putShunt(connection, "ROUTED_PROSPECTIVE", false)) return;
    // another has that flow
    connection.routing = "UNROUTED";
    await this.#unrouteUnlessShared(connection);
  }

  /**
   * Opportunism has got no SA: what was held meets the failure shunt, until nobody asks for it any more. FreeS/WAN took the
   * hold away, so that the next packet was held for as long again.
   */
  async abandonHold(connection: Connection, why: string, now: number, isUnanswered = false): Promise<void> {
    const { hold, policy: { failure } } = connection;
    if (!hold || failure === "none" || connection.routing !== "UNROUTED_HOLD") return;
    const owner = connection.template ?? connection;
    if (!await this.putBare(hold, owner, { kind: failure, reason: why, now, isUnanswered })) return;
    connection.routing = "UNROUTED";
    connection.hold = undefined;
  }

  /** What a failure has left in place of a hold, until it is tried again. @returns whether it stands there */
  async putBare(flow: Flow, owner: Connection, { kind, reason, now, isUnanswered }: Failing): Promise<boolean> {
    if (!await this.#kernel(owner, (k) => k.addShunt(flow, kind, true))) return false;
    const { priority } = owner;
    const shunt: BareShunt = { flow, kind, priority, reason, packets: 0, activeAt: now, owner };
    this.deps.shunts.add(shunt);
    const seconds = (isUnanswered ? UNANSWERED_SECONDS : RETRY_SECONDS)[kind];
    this.deps.later(1000 * seconds, () => this.forgetFailure(shunt));
    return true;
  }

  /** A failure's time is over; what has come in its place meanwhile stays. */
  async forgetFailure(shunt: BareShunt): Promise<void> {
    if (this.deps.shunts.find(shunt.flow) === shunt) await this.dropBare(shunt.flow);
  }

  /** The traffic of a bare shunt meets again what the shunt stood in front of: the trap of a wider flow, or of its own. */
  async dropBare(flow: Flow): Promise<void> {
    this.deps.shunts.remove(flow);
    const hidden = eclipsedAt(flow, this.deps.connections);
    if (!hidden) {
      await this.#kernel(undefined, (k) => k.deleteEroute(flow));
      return;
    }
    hidden.routing = "ROUTED_PROSPECTIVE";
    await this.#putShunt(hidden, "ROUTED_PROSPECTIVE", true);
  }

  /** What was one connection's is another's now: the eroute is replaced, and nothing passes in between. */
  async handOver(from: Connection, to: Connection): Promise<boolean> {
    if (!isRouted(from.routing) || from.routing === "ROUTED_ECLIPSED" || from.erouteOwner !== NOBODY) return false;
    if (!sameFlow(from.flow, to.flow)) return false;
    if (!await this.#putShunt(to, "ROUTED_PROSPECTIVE", true)) return false;
    to.routing = "ROUTED_PROSPECTIVE";
    from.routing = "UNROUTED";
    return true;
  }

  /** Before anything is installed for a negotiation, on either side. */
  mayInstall(connection: Connection): boolean {
    return checkRoutable(connection, this.deps.connections, this.#sayer(connection)) !== "impossible";
  }

  /** The connection that has our peer's client behind another peer or device. */
  conflicting(connection: Connection): Connection | undefined {
    const { route } = ownersOf(connection, this.deps.connections);
    if (!route || route === connection) return undefined;
    const agrees = sameAddress(route.peers.host, connection.peers.host) &&
      route.interface?.virtual === connection.interface?.virtual;
    return agrees || route.connectionKind === "CK_TEMPLATE" && route.name === connection.name ? undefined : route;
  }

  /** Leads the flow into the SA's tunnel. @returns whether it does now; if not, all is as it was */
  async established(connection: Connection, sa: IpsecSa): Promise<boolean> {
    if (findTransition("established", circumstances(connection)).eroute === "leave") return true;
    if (!this.mayInstall(connection)) return false;
    return connection.erouteOwner === sa.number || await this.#lead(connection, sa);
  }

  /** An IPsec SA ends. Its place in the eroute goes to a shunt. */
  async ownerGone(connection: Connection, state: number): Promise<void> {
    if (connection.erouteOwner !== state) return;
    connection.erouteOwner = NOBODY;
    const transition = findTransition("ownerGone", circumstances(connection));
    if (transition.eroute === "leave") return;
    for (const verb of transition.before ?? []) await this.#updown(verb, connection);
    if (transition.eroute === "delete") return await this.unroute(connection);
    connection.routing = transition.to!;
    await this.#putShunt(connection, transition.to!, true);
  }

  /** Nobody will key the connection now: what was held gives way to its shunt, by which it may begin again. */
  async gaveUp(connection: Connection): Promise<void> {
    const { to, eroute } = findTransition("gaveUp", circumstances(connection));
    if (eroute === "leave") return;
    await this.#letAllGo(connection);
    if (eroute === "delete") return await this.unroute(connection);
    connection.routing = to!;
    connection.hold = undefined;
    await this.#putShunt(connection, to!, true);
  }

  /** A hold of the kernel's, for one packet, becomes the connection's. @returns whether the traffic is held */
  async assignHold(connection: Connection, hold: Flow): Promise<boolean> {
    const { eroute, to } = findTransition("hold", circumstances(connection));
    const isSame = sameFlow(hold, connection.flow);
    if (eroute === "hold") {
      const isReplaced = connection.routing !== "UNROUTED";
      // where the flow is that of the two hosts, the kernel's hold stands in the trap's place already
      if (!isSame && !await this.#kernel(connection, (k) => k.addShunt(connection.flow, "hold", isReplaced))) {
        return false;
      }
      connection.routing = to!;
      connection.hold = connection.flow;
    }
    const isHeld = connection.routing === "UNROUTED_HOLD" || connection.routing === "ROUTED_HOLD";
    if (isSame) this.deps.shunts.remove(hold);
    // the narrow one keeps its packet until there is an SA for it
    else if (!isHeld) await this.#letGo(connection, hold);
    return true;
  }

  /** While the DNS is asked for a template of two hosts, the kernel's hold is in its place. */
  eclipse(connection: Connection): void {
    const { ours, peers } = connection.flow;
    if (connection.connectionKind !== "CK_TEMPLATE" || !isHostSubnet(ours) || !isHostSubnet(peers)) return;
    const { to } = findTransition("eclipse", circumstances(connection));
    if (to) connection.routing = to;
  }

  /** Eroute, firewall, route; and back where one fails. @param sa undefined for the connection's own shunt */
  async #lead(connection: Connection, sa: IpsecSa | undefined): Promise<boolean> {
    const { connections, shunts } = this.deps;
    const { route, eroute } = ownersOf(connection, connections);
    const bare = eroute ? undefined : shunts.find(connection.flow);
    // what is behind a template in its chain has left its eroute in place
    const replaces = eroute !== undefined || bare !== undefined || connection.policyNext !== undefined;
    const installed = sa
      ? await this.#kernel(connection, (k) => k.addEroute(connection.flow, sa, replaces))
      : await this.#putShunt(connection, "ROUTED_PROSPECTIVE", replaces);
    if (!installed) return false;
    const announces = sa !== undefined && connection.erouteOwner === NOBODY;
    let isRoutedNow = !announces || await this.#updown("up", connection);
    if (isRoutedNow && !route) {
      // the first clears the way for the second, whatever comes of it: what is not there cannot go
      [, isRoutedNow] = await Promise.all([this.#updown("prepare", connection), this.#updown("route", connection)]);
    }
    if (!isRoutedNow) {
      if (announces) await this.#updown("down", connection);
      await this.#restore(connection, eroute, bare && { flow: bare.flow, kind: bare.kind });
      return false;
    }
    if (bare) shunts.remove(bare.flow);
    if (eroute && eroute !== connection && eroute.connectionKind === "CK_TEMPLATE") eroute.routing = "ROUTED_ECLIPSED";
    connection.hold = undefined;
    if (!sa) {
      connection.routing = "ROUTED_PROSPECTIVE";
      await this.#letAllGo(connection);
      return true;
    }
    connection.routing = "ROUTED_TUNNEL";
    connection.erouteOwner = sa.number;
    await this.#letAllGo(connection);
    return true;
  }

  /** Holds for single packets, of a flow that has found its way. */
  async #letAllGo(connection: Connection): Promise<void> {
    for (const hold of this.deps.shunts.holdsWithin(connection.flow)) await this.#letGo(connection, hold.flow);
  }

  /** KLIPS sends the packet on where the hold is replaced, and drops it where the hold is deleted. */
  async #letGo(connection: Connection, hold: Flow): Promise<void> {
    // between two hosts the hold was the trap's place, where the connection's own eroute stands by now
    if (sameFlow(hold, connection.flow)) return this.deps.shunts.remove(hold);
    const sa = this.deps.ipsecSa(connection.erouteOwner);
    if (sa) await this.#kernel(connection, (k) => k.addEroute(hold, sa, true));
    await this.dropBare(hold);
  }

  /** The eroute that was there before; what cannot be restored stays away. */
  async #restore(
    connection: Connection,
    owner: Connection | undefined,
    bare: { readonly flow: Flow; readonly kind: ShuntKind } | undefined,
  ): Promise<void> {
    if (bare) {
      await this.#kernel(connection, (k) => k.addShunt(bare.flow, bare.kind, true));
      return;
    }
    if (!owner) {
      await this.#kernel(connection, (k) => k.deleteEroute(connection.flow));
      return;
    }
    const sa = owner.erouteOwner === NOBODY ? undefined : this.deps.ipsecSa(owner.erouteOwner);
    if (sa) await this.#kernel(connection, (k) => k.addEroute(owner.flow, sa, true));
    else await this.#putShunt(owner, owner.routing, true);
  }

  /** The shunt that a routing has; none where nothing is to stand there. */
  async #putShunt(connection: Connection, routing: Routing, replace: boolean): Promise<boolean> {
    const kind = shuntOf(connection, routing);
    // an eclipsed template has no eroute of its own, although it counts as routed
    const isThere = replace && connection.routing !== "ROUTED_ECLIPSED";
    if (kind) return await this.#kernel(connection, (k) => k.addShunt(connection.flow, kind, replace));
    return !isThere || await this.#kernel(connection, (k) => k.deleteEroute(connection.flow));
  }

  async #dropEroute(connection: Connection): Promise<void> {
    if (connection.routing === "ROUTED_ECLIPSED") return;
    const hidden = eclipsedAt(connection.flow, this.deps.connections, connection);
    if (!hidden) {
      await this.#kernel(connection, (k) => k.deleteEroute(connection.flow));
      return;
    }
    hidden.routing = "ROUTED_PROSPECTIVE";
    await this.#putShunt(hidden, "ROUTED_PROSPECTIVE", true);
  }

  async #unrouteUnlessShared(connection: Connection): Promise<void> {
    if (!ownersOf(connection, this.deps.connections).route) await this.#updown("unroute", connection);
  }

  /** A chained connection may be routed again, by itself. */
  #unchain(connection: Connection): void {
    const next = connection.policyNext;
    if (!next) return;
    connection.policyNext = undefined;
    if (next.routing === "UNROUTED_KEYED") next.routing = "UNROUTED";
  }

  async #updown(verb: UpdownVerb, connection: Connection): Promise<boolean> {
    return await runUpdownVerb(verb, connection, this.deps);
  }

  /** @returns whether the kernel did it; if not, it has been said why */
  async #kernel(connection: Connection | undefined, act: (kernel: Kernel) => Promise<void>): Promise<boolean> {
    try {
      await act(this.deps.kernel);
      return true;
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      this.deps.tell(connection, RC.serious, error.message);
      return false;
    }
  }

  #sayer(connection: Connection): (line: Line) => void {
    return ({ code, text }) => this.deps.tell(connection, code, text);
  }
}

function circumstances({ routing, policy, connectionKind }: Connection): Circumstances {
  return {
    routing,
    failure: policy.failure,
    isUnrekeyedInstance: policy.dontRekey && connectionKind === "CK_INSTANCE",
  };
}

/** @returns undefined where no eroute is to stand */
function shuntOf({ policy }: Connection, routing: Routing): ShuntKind | undefined {
  if (routing === "ROUTED_FAILURE") return policy.failure === "none" ? undefined : policy.failure;
  return routing === "ROUTED_HOLD" || routing === "UNROUTED_HOLD" ? "hold" : policy.shunt;
}
