/** What an updown command is told of a connection (commands.md §11.2): variables of its environment, in pluto's order. */
import { type Address, formatAddress } from "./address.ts";
import { formatSubnet, hostSubnet, maskOf, sameSubnet, type Subnet } from "./subnet.ts";

export const UPDOWN_VERBS = ["prepare", "route", "unroute", "up", "down"] as const;
export type UpdownVerb = typeof UPDOWN_VERBS[number];

export interface UpdownEnd {
  readonly host: Address;
  /** Default: the host itself. */
  readonly client?: Subnet;
}

export interface UpdownIdentity {
  readonly id: string;
  /** 0 is any. */
  readonly port: number;
  readonly protocol: number;
}

/** What only automatic keying knows. */
export interface UpdownKeying {
  readonly me: UpdownIdentity;
  readonly peer: UpdownIdentity;
  /** Issuer of the peer's key; "" where there is none. */
  readonly peerCa: string;
}

export interface UpdownAssigned {
  readonly dns: readonly Address[];
  readonly domain?: string;
}

export interface UpdownConnection {
  readonly name: string;
  /** ipsecN */
  readonly device: string;
  /** Towards the peer. */
  readonly nextHop?: Address;
  readonly me: UpdownEnd;
  readonly peer: UpdownEnd;
  /** leftsourceip= of our end. */
  readonly sourceIp?: Address;
  /** What came with our address, where the peer has assigned it. */
  readonly assigned?: UpdownAssigned;
  readonly keying?: UpdownKeying;
}

export type UpdownVariables = Readonly<Record<string, string>>;

const VERSION = "1.1";

export function updownVariables(verb: UpdownVerb, connection: UpdownConnection): UpdownVariables {
  const { name, device, nextHop, me, peer, sourceIp, assigned, keying } = connection;
  return {
    PLUTO_VERSION: VERSION,
    PLUTO_VERB: updownVerb(verb, me),
    PLUTO_CONNECTION: name,
    PLUTO_NEXT_HOP: nextHop ? formatAddress(nextHop) : "",
    PLUTO_INTERFACE: device,
    PLUTO_ME: formatAddress(me.host),
    ...(keying && { PLUTO_MY_ID: escapedId(keying.me.id) }),
    ...clientVariables("MY", me),
    ...(keying && identityVariables("MY", keying.me)),
    PLUTO_PEER: formatAddress(peer.host),
    ...(keying && { PLUTO_PEER_ID: escapedId(keying.peer.id) }),
    ...clientVariables("PEER", peer),
    ...(keying && { ...identityVariables("PEER", keying.peer), PLUTO_PEER_CA: escapedId(keying.peerCa) }),
    ...(sourceIp && { PLUTO_MY_SOURCEIP: formatAddress(sourceIp) }),
    ...(assigned && assignedVariables(assigned)),
  };
}

/** As `up-client`, `route-host-v6`: host where our client is this host, and the suffix by the hosts' family. */
function updownVerb(verb: UpdownVerb, me: UpdownEnd): string {
  const kind = sameSubnet(clientOf(me), hostSubnet(me.host)) ? "host" : "client";
  return `${verb}-${kind}${me.host.family === "inet6" ? "-v6" : ""}`;
}

function clientOf({ client, host }: UpdownEnd): Subnet {
  return client ?? hostSubnet(host);
}

function clientVariables(whose: "MY" | "PEER", end: UpdownEnd): UpdownVariables {
  const client = clientOf(end);
  return {
    [`PLUTO_${whose}_CLIENT`]: formatSubnet(client),
    [`PLUTO_${whose}_CLIENT_NET`]: formatAddress(client.address),
    [`PLUTO_${whose}_CLIENT_MASK`]: formatAddress(maskOf(client)),
  };
}

/** By libreswan's names. */
function assignedVariables({ dns, domain }: UpdownAssigned): UpdownVariables {
  return {
    PLUTO_CFG_CLIENT: "1",
    ...(dns.length && { PLUTO_PEER_DNS_INFO: dns.map((one) => formatAddress(one)).join(" ") }),
    ...(domain && { PLUTO_PEER_DOMAIN_INFO: domain }),
  };
}

function identityVariables(whose: "MY" | "PEER", { port, protocol }: UpdownIdentity): UpdownVariables {
  return { [`PLUTO_${whose}_PORT`]: String(port), [`PLUTO_${whose}_PROTOCOL`]: String(protocol) };
}

/** Characters that a shell would take for its own become octal escapes; control characters, too. */
function escapedId(id: string): string {
  // deno-lint-ignore no-control-regex
  return id.replace(/['"\\`$\x00-\x1f\x7f]/g, (one) => `\\${one.charCodeAt(0).toString(8).padStart(3, "0")}`);
}
