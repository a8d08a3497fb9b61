/**
 * Which connection a responder takes (pluto.md §15): by the peer's address, then by its identity, then by the networks
 * that it wants protected. Templates become instances here.
 */
import { NOTIFY } from "../ike/constants.ts";
import type { ClientRequest, Refusal } from "../ike/host.ts";
import type { IsakmpSa, Path } from "../ike/state.ts";
import type { AuthMethod } from "../ike/suite.ts";
import { addressInSubnet, formatSubnet, isHostSubnet, sameSubnet, subnetInSubnet } from "../text/subnet.ts";
import { formatAddress, sameAddress } from "../text/address.ts";
import { formatIdentity, type Identity, sameIdentity } from "../text/identity.ts";
import type { Secret } from "../crypto/secret.ts";
import {
  bestForClients,
  bestOpportunistic,
  holderOf,
  hostOrClient,
  sameSelectors,
  wantedText,
  wildId,
} from "./client_search.ts";
import type { Connection } from "./connection.ts";
import { type Connections, type HostPair, hostPairOf, sameHostPair } from "./connections.ts";
import { ANY_ID_WILDCARDS, idWildcards, matchIdentity } from "./identity_match.ts";
import { suitsPhase1, suitsPhase2 } from "./isakmp_fit.ts";
import { whyNotLeased } from "./leased_client.ts";
import { IKE_PORT, unknownNet } from "./nets.ts";
import type { Opportunism } from "./opportunism.ts";
import { isRouted } from "./routing_states.ts";
import { natAdvice, type PrivateNets } from "./virtual_ip.ts";

/** Where IKE goes on after NAT was found (RFC 3947 §4). */
const FLOATED_PORT = 4500;

export interface ChooserDeps {
  readonly connections: Connections;
  readonly privateNets: PrivateNets;
  /** @param peerId where keys were made with the secret of an identity: in Aggressive Mode */
  presharedKey(connection: Connection, peerId: Identity | undefined): Secret | undefined;
  hasPrivateKey(connection: Connection): boolean;
  readonly opportunism: Opportunism | undefined;
  /** The address from a pool that one connection of a peer has is that of another one as well. */
  shareLease(from: Connection, to: Connection): void;
  /** Milliseconds. */
  now(): number;
}

export class Chooser {
  constructor(readonly deps: ChooserDeps) {}

  /** The peer has said nothing yet but where it is, and in Aggressive Mode who it is. */
  byAddress(path: Path, mode: "main" | "aggressive", peerId?: Identity): Connection | Refusal {
    const received = mode === "main" ? "initial Main Mode message" : "initial Aggressive Mode message";
    const at = `${received} received on ${formatAddress(path.local)}:${path.localPort}`;
    const suits = (one: Connection) => mode === "main" || one.aggressive;
    // an instance whose peer has no name yet is for the exchange that it was made for
    const isPresent = (one: Connection) => one.connectionKind !== "CK_GOING_AWAY" && !isNameless(one);
    const isKnown = (one: Connection) => isPresent(one) && suits(one) && !one.neverNegotiates;
    // one that came by Aggressive Mode may share its address with others, who have a connection of their own
    const isStrange = (one: Connection) => mode === "main" && one.aggressive && one.connectionKind === "CK_INSTANCE";
    const pair = this.#pair(path);
    const its = best(pair, (one) => isKnown(one) && !isStrange(one), peerId);
    if (its) return its;
    const forbids = pair.find((one) => isPresent(one) && one.connectionKind !== "CK_INSTANCE");
    if (forbids) return { refused: `${at} but "${forbids.name}" forbids connection`, notify: 0 };
    const template = this.#wildcard(path, suits, peerId);
    const shared = pair.find((one) => isKnown(one) && isStrange(one));
    if (shared && (template?.connectionKind !== "CK_TEMPLATE" || template.aggressive)) return shared;
    if (!template) return { refused: `${at} but no connection has been authorized`, notify: 0 };
    if (template.connectionKind !== "CK_TEMPLATE") {
      return { refused: `${at} but "${template.name}" forbids connection`, notify: 0 };
    }
    return this.#instantiate(template, path);
  }

  /** The present connection, or one that is for this identity. A template becomes an instance with it. */
  byIdentity(sa: IsakmpSa, current: Connection, peerId: Identity, auth: AuthMethod): Connection | Refusal {
    if (sameIdentity(current.peers.id, peerId) && !isNameless(current)) return current;
    const found = this.#searchIdentity(sa, current, peerId, auth);
    if (!found) {
      return {
        refused: `no suitable connection for peer '${formatIdentity(peerId)}'`,
        notify: NOTIFY.INVALID_ID_INFORMATION,
      };
    }
    if (found !== current && found.connectionKind !== "CK_TEMPLATE") return found;
    // the instance is there already, made before the peer had a name
    if (isNameless(current) && (found === current || current.template === found)) current.peers.givenId = peerId;
    if (found === current || sameIdentity(current.peers.id, peerId) && current.template === found) return current;
    const instance = this.#instantiate(found, sa.path);
    instance.peers.givenId = peerId;
    return instance;
  }

  async byClients(sa: IsakmpSa, current: Connection, request: ClientRequest): Promise<Connection | Refusal> {
    const strange = whyNotLeased(current, request.peers.client);
    if (strange) {
      return { refused: `cannot respond to IPsec SA request: ${strange}`, notify: NOTIFY.INVALID_ID_INFORMATION };
    }
    const found = this.#searchClients(sa, current, request);
    if (!found) {
      const advice = sa.nat.peers
        ? natAdvice(request.peers.client, current.peers.host, current.peers.virtual, this.deps.privateNets)
        : "";
      const wanted = wantedText(current, request);
      const refused = `cannot respond to IPsec SA request because no connection is known for ${wanted}${advice}`;
      return { refused, notify: NOTIFY.INVALID_ID_INFORMATION };
    }
    const isOpportunistic = found.connectionKind === "CK_TEMPLATE" && found.policy.opportunistic;
    if (isOpportunistic || found.peers.isClientWithin || found.peers.virtual) {
      // what the DNS says changes hands among those who are known from it, and takes nothing from others
      const others = [...this.deps.connections].filter(({ policy }) => !isOpportunistic || !policy.opportunistic);
      const holder = holderOf(request.peers.client, current.peers.id, others);
      if (holder) {
        const refused = `${formatSubnet(request.peers.client)} is already used by '${formatIdentity(holder.peers.id)}'`;
        return { refused, notify: NOTIFY.INVALID_ID_INFORMATION };
      }
    }
    if (isOpportunistic) return await this.#confirm(sa, current, found, request);
    const chosen = found.connectionKind === "CK_TEMPLATE" ? this.#instantiate(found, sa.path, current) : found;
    if (chosen !== current && chosen.peers.addressPool) this.deps.shareLease(current, chosen);
    if (chosen.peers.isClientWithin || chosen.peers.virtual) {
      chosen.peers.settle(hostOrClient(request.peers.client, chosen.peers.host));
    }
    return chosen;
  }

  #pair(path: Path): readonly Connection[] {
    const exact = this.deps.connections.between(pairOf(path));
    // behind NAT any port may stand there
    return exact.length ? exact : this.deps.connections.between({ ...pairOf(path), peersPort: IKE_PORT });
  }

  /** A road warrior's template at once, else the opportunistic one or the shunt that fits the sender tightest. */
  #wildcard(path: Path, suits: (one: Connection) => boolean, peerId?: Identity): Connection | undefined {
    const pair = pairOf(path);
    const exact = this.deps.connections.wildcards(pair);
    const all = exact.length ? exact : this.deps.connections.wildcards({ ...pair, peersPort: IKE_PORT });
    const isRoad = (one: Connection) => one.connectionKind === "CK_TEMPLATE" && !one.policy.opportunistic;
    const known = best(all, (one) => isRoad(one) && suits(one), peerId);
    if (known) return known;
    let tightest: Connection | undefined;
    for (const one of all) {
      if (one.connectionKind === "CK_GROUP" || isRoad(one) || !addressInSubnet(path.remote, one.peers.net)) continue;
      if (!tightest || !subnetInSubnet(tightest.peers.net, one.peers.net)) tightest = one;
    }
    return tightest;
  }

  #searchIdentity(
    sa: IsakmpSa,
    current: Connection,
    peerId: Identity,
    auth: AuthMethod,
  ): Connection | undefined {
    const { connections, presharedKey } = this.deps;
    const psk = auth === "psk" ? presharedKey(current, sa.peerId) : undefined;
    // the secret decided over the messages so far, so it must not change; any private key of ours will do
    const hasKey = (one: Connection) => {
      if (auth === "rsasig") return this.deps.hasPrivateKey(one);
      const other = presharedKey(one, sa.peerId);
      return psk !== undefined && other !== undefined && other.equals(psk);
    };
    const pair = hostPairOf(current);
    const mayBe = (one: Connection) =>
      one.connectionKind !== "CK_GROUP" && one.connectionKind !== "CK_GOING_AWAY" && one.auth.includes(auth) &&
      // another peer's
      (one.connectionKind !== "CK_INSTANCE" || one === current || !isNameless(one)) && suitsPhase1(sa, current, one);
    const wildcardsOf = (one: Connection) => {
      const wanted = one.peers.givenId;
      return wanted === "%myid" ? undefined : matchIdentity(peerId, wildId(one, wanted));
    };
    // between two hosts, and for any host, there may be thousands, each for an identity
    const named = connections.withPeer(peerId).filter((one) => one.isOriented && wildcardsOf(one) === 0);
    const exact = named.find((one) => sameHostPair(one, current) && mayBe(one) && hasKey(one)) ??
      named.find((one) => isForAny(one, pair) && mayBe(one) && hasKey(one));
    if (exact) return exact;
    let found: Connection | undefined, fewest = ANY_ID_WILDCARDS + 1;
    for (const list of [connections.between(pair), connections.wildcards(pair)]) {
      for (const one of list) {
        if (!mayBe(one)) continue;
        const wildcards = wildcardsOf(one);
        if (wildcards === undefined || wildcards >= fewest || !hasKey(one)) continue;
        [found, fewest] = [one, wildcards];
      }
    }
    return found;
  }

  #searchClients(sa: IsakmpSa, current: Connection, request: ClientRequest): Connection | undefined {
    const isExact = sameSelectors(current, request) && sameSubnet(current.ours.net, request.ours.client) &&
      sameSubnet(current.peers.net, request.peers.client) && !current.peers.virtual;
    if (isExact && isRouted(current.routing)) return current;
    const { connections, privateNets } = this.deps;
    const pair = hostPairOf(current), { client } = request.peers;
    // a shunt has its say, however the peer has proved itself
    const suits = (one: Connection) => one.neverNegotiates || suitsPhase2(sa, current, one);
    const exact = bestForClients(connections.between(pair, client), suits, current, request, privateNets);
    if (exact) return exact;
    if (isExact) return current;
    const road = bestForClients(connections.wildcards(pair, client), suits, current, request, privateNets);
    if (road) return road;
    if (!isHostSubnet(request.ours.client) || !isHostSubnet(client)) return undefined;
    return bestOpportunistic(connections.wildcards(pair).filter(suits), current, request);
  }

  async #confirm(
    sa: IsakmpSa,
    current: Connection,
    template: Connection,
    request: ClientRequest,
  ): Promise<Connection | Refusal> {
    const { opportunism } = this.deps;
    const unconfirmed = opportunism
      ? await opportunism.confirm(sa, template, request)
      : { client: request.ours.client.address, whose: "our", why: "opportunism is not enabled" };
    if (unconfirmed) {
      const { client, whose, why } = unconfirmed;
      const refused = `gateway ${formatAddress(sa.path.remote)} wants connection with ${formatAddress(client)} as ` +
        `${whose} client, but DNS fails to confirm delegation: ${why}`;
      return { refused, notify: NOTIFY.INVALID_ID_INFORMATION };
    }
    // while the DNS was asked, traffic of ours may have begun the same
    const present = this.deps.connections.instancesOf(template).find((one) =>
      one.connectionKind === "CK_INSTANCE" && sameAddress(one.peers.host, sa.path.remote) &&
      sameIdentity(one.peers.id, current.peers.id) && sameSubnet(one.ours.net, request.ours.client) &&
      sameSubnet(one.peers.net, request.peers.client)
    );
    if (present) return present;
    const instance = this.#instantiate(template, sa.path, current);
    instance.ours.client = hostOrClient(request.ours.client, instance.ours.host);
    instance.peers.client = hostOrClient(request.peers.client, instance.peers.host);
    return instance;
  }

  /** @param authenticated whose peer's identity it takes over */
  #instantiate(template: Connection, path: Path, authenticated?: Connection): Connection {
    const instance = template.instantiate(path.remote);
    if (authenticated) instance.peers.givenId = authenticated.peers.id;
    if (template.policy.opportunistic) instance.peers.client = unknownNet(path.remote.family);
    instance.madeAt = this.deps.now();
    this.deps.connections.add(instance);
    return instance;
  }
}

/** An instance whose template is for many, before its peer has said who it is. */
function isNameless({ connectionKind, peers: { givenId } }: Connection): boolean {
  return connectionKind === "CK_INSTANCE" && givenId !== "%myid" && idWildcards(givenId) > 0;
}

/** Any peer that speaks with this host of ours. */
function isForAny({ ours, peers }: Connection, { ours: host, ourPort, peersPort }: HostPair): boolean {
  return peers.isAnyHost && sameAddress(ours.host, host) && ours.port === ourPort && peers.port === peersPort;
}

function pairOf({ local, localPort, remote, remotePort }: Path): HostPair {
  const plain = (port: number) => port === FLOATED_PORT ? IKE_PORT : port;
  return { ours: local, ourPort: plain(localPort), peers: remote, peersPort: plain(remotePort) };
}

/** Where the peer has said who it is, the first that is for it; else, in Main Mode, the first that is not for the other. */
function best(
  candidates: readonly Connection[],
  fits: (one: Connection) => boolean,
  peerId: Identity | undefined,
): Connection | undefined {
  if (!peerId) return candidates.find((one) => !one.aggressive && fits(one)) ?? candidates.find(fits);
  const rank = (one: Connection) => matchIdentity(peerId, wildId(one, one.peers.id)) ?? Infinity;
  return candidates.filter((one) => fits(one) && rank(one) < Infinity).sort((a, b) => rank(a) - rank(b))[0];
}
