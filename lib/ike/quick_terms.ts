/** What a connection, and the NAT that phase 1 has found, say about an IPsec SA: what to offer and what to take. */
import { type GroupName, GROUPS } from "../crypto/dh_groups.ts";
import { sameAddress } from "../text/address.ts";
import { isHostSubnet } from "../text/subnet.ts";
import { type Client, needsIds } from "./client_ids.ts";
import type { IkeConnection } from "./connection.ts";
import { ID_TYPE } from "./constants.ts";
import type { IpsecState } from "./ipsec_sa.ts";
import type { IsakmpState } from "./isakmp_sa.ts";
import type { Payload } from "./payload.ts";
import type { Phase2Policy } from "./phase2_choice.ts";
import type { Phase2Offer, Spis } from "./phase2_proposal.ts";
import type { Encapsulation } from "./phase2_transform.ts";
import type { Path } from "./state.ts";
import type { Mode } from "./suite.ts";

/** ESP goes in UDP where a NAT is in between, or we have made the peer believe so (RFC 3947 §5.1). */
export function isEncapsulated({ nat }: IsakmpState): boolean {
  return nat.ours || nat.peers;
}

function encapsulationOf(sa: IsakmpState): Encapsulation {
  if (!isEncapsulated(sa)) return "none";
  return usesDrafts(sa) ? "drafts" : "rfc";
}

/** Peers from before RFC 3947 have other numbers for payloads and modes. */
function usesDrafts({ nat }: IsakmpState): boolean {
  return nat.method !== undefined && nat.method.startsWith("draft");
}

export function offerOf(sa: IsakmpState, { connection, mode, pfsGroup }: IpsecState, spis: Spis): Phase2Offer {
  return {
    suites: connection.ipsecSuites,
    compress: connection.compress,
    spis,
    mode,
    encapsulation: encapsulationOf(sa),
    pfsGroup,
    lifetimeSeconds: connection.ipsecLifetimeSeconds,
  };
}

/** @param clients between which the traffic goes: what is not the two hosts themselves needs a tunnel */
export function policyOf(sa: IsakmpState, connection: IkeConnection, clients: readonly Client[]): Phase2Policy {
  const { path: { local, remote } } = sa;
  const betweenHosts = clients.every(({ client }) =>
    isHostSubnet(client) && [local, remote].some((host) => sameAddress(client.address, host))
  );
  return {
    suites: connection.ipsecSuites,
    canCompress: connection.compress,
    mode: betweenHosts ? undefined : "tunnel",
    encapsulated: isEncapsulated(sa),
    pfs: connection.pfs,
    pfsGroups: acceptedGroups(connection),
  };
}

/** All that are not legacy, and whatever the connection names for phase 1 or for PFS. */
function acceptedGroups({ ikeSuites, pfsGroup }: IkeConnection): GroupName[] {
  const named = new Set<GroupName | undefined>([pfsGroup, ...ikeSuites.map(({ group }) => group)]);
  return (Object.keys(GROUPS) as GroupName[]).filter((name) => !GROUPS[name].legacy || named.has(name));
}

/**
 * Addresses as we see them, for the peer's checksums (RFC 3947 §5.2); only transport mode has a use for them.
 *
 * @param role of us in this Quick Mode: the initiator's address comes first
 */
export function natOaPayloads(sa: IsakmpState, role: IpsecState["role"], mode: Mode): Payload[] {
  if (mode !== "transport" || !isEncapsulated(sa)) return [];
  const { local, remote }: Path = sa.path;
  return (role === "initiator" ? [local, remote] : [remote, local]).map(({ family, bytes }) => ({
    type: "NAT-OA",
    draft: usesDrafts(sa),
    idType: family === "inet" ? ID_TYPE.IPV4_ADDR : ID_TYPE.IPV6_ADDR,
    data: bytes,
  }));
}

/**
 * In transport mode a host behind a NAT names itself by an address that the other cannot see, and is named by one that it
 * does not know: what counts is where its packets come from.
 */
export function clientSeen({ nat, path }: IsakmpState, mode: Mode, whose: "ours" | "peers", client: Client): Client {
  if (mode !== "transport" || !nat[whose] || !isHostSubnet(client.client)) return client;
  const address = whose === "ours" ? path.local : path.remote;
  return { ...client, client: { ...client.client, address } };
}

/**
 * Whether identities are sent: not for the two hosts themselves, unless a NAT hides from the peer which host that is whose
 * packets come out of the tunnel.
 */
export function namesClients(sa: IsakmpState, connection: IkeConnection, mode = connection.mode): boolean {
  return needsIds(connection) || sa.nat.ours && mode === "tunnel";
}

/** Of what goes between the ports of IKE, as they are now. */
export function encapsulationPorts(sa: IsakmpState): IpsecState["encapsulation"] {
  const { localPort, remotePort } = sa.path;
  return isEncapsulated(sa) ? { localPort, remotePort } : undefined;
}
