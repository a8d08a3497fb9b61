/** From a description to a connection: words become values, and what cannot be is refused (whack.md §8, pluto.md §6.1). */
import type { DpdPolicy } from "../ike/connection.ts";
import type { IkeSuite, IpsecSuite } from "../ike/suite.ts";
import type { GroupName } from "../crypto/dh_groups.ts";
import { type Address, anyAddress, type Family, isAnyAddress, parseAddress } from "../text/address.ts";
import { type Identity, parseIdentity } from "../text/identity.ts";
import { parsePoolRange } from "../text/pool_range.ts";
import { type NameDatabase, parseProtocolPort } from "../text/protocol_port.ts";
import type { AddressRange } from "../text/range.ts";
import { ok, type Result } from "../text/result.ts";
import { hostSubnet, parseSubnet, type Subnet } from "../text/subnet.ts";
import { Connection, type ConnectionSettings, type Kind } from "./connection.ts";
import type { ConnectionDescription, EndDescription } from "./description.ts";
import { End, type OwnIdentity } from "./end.ts";
import { idWildcards } from "./identity_match.ts";
import type { MyId } from "./myid.ts";
import { everything, IKE_PORT } from "./nets.ts";
import { hasIpsecPolicy, neverNegotiates, type Policy } from "./policy.ts";
import { parseVirtualClient } from "./virtual_ip.ts";

/** Codes of whack.md §6.1. */
export const RC = {
  comment: 0,
  log: 2,
  serious: 3,
  success: 4,
  duplicateName: 20,
  unknownName: 21,
  orient: 22,
  clash: 23,
  deaf: 24,
  route: 25,
  routeBusy: 26,
  badId: 27,
  noKey: 28,
  noPeerIp: 29,
  initiateShunt: 30,
  wildcardId: 31,
  internal: 32,
  opportunism: 33,
  noAlgorithm: 34,
} as const;

/** A line for whoever asked. */
export interface Line {
  readonly code: number;
  readonly text: string;
}

/** What `ike=`, `esp=`, `ah=` and `pfsgroup=` give. */
export interface Suites {
  readonly ike: readonly IkeSuite[];
  readonly ipsec: readonly IpsecSuite[];
  readonly pfsGroup?: GroupName;
}

export interface DefineDeps {
  readonly myId: MyId;
  readonly canCompress: boolean;
  readSuites(description: ConnectionDescription): Result<Suites>;
}

export interface Defined {
  readonly connection?: Connection;
  /** Refusals, where there is no connection; else remarks. */
  readonly lines: readonly Line[];
}

/** Hosts that are words: what they add to the policy. */
const HOST_WORDS: Readonly<Record<string, { readonly group: boolean; readonly opportunistic: boolean }>> = {
  "%any": { group: false, opportunistic: false },
  "%opportunistic": { group: false, opportunistic: true },
  "%group": { group: true, opportunistic: false },
  "%opportunisticgroup": { group: true, opportunistic: true },
};

export function defineConnection(name: string, description: ConnectionDescription, deps: DefineDeps): Defined {
  const definition = new Definition(name, description, deps);
  try {
    return { connection: definition.make(), lines: definition.lines };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { lines: [error.line] };
  }
}

class Refused extends Error {
  constructor(readonly line: Line) {
    super(line.text);
  }
}

class Definition {
  readonly lines: Line[] = [];

  constructor(readonly name: string, readonly description: ConnectionDescription, readonly deps: DefineDeps) {}

  make(): Connection {
    const { name, description } = this;
    const left = this.#end("left"), right = this.#end("right");
    if (left.protocol !== right.protocol) {
      this.#refuse(RC.clash, "the protocol must be the same for leftport and rightport");
    }
    // an end that is assigned an address has none before
    const isAssigned = [left, right].some((end) => end.modecfgClient && !end.client && !end.addressPool);
    const differ = left.net.address.family !== right.net.address.family && !isAssigned;
    if (left.host.family !== right.host.family || differ) {
      this.#refuse(RC.clash, "address family inconsistency in connection");
    }
    if (left.isAnyHost && right.isAnyHost) {
      this.#refuse(RC.orient, "connection must specify host IP address for our side");
    }
    const policy = this.#policy();
    const settings = this.#settings(policy);
    const wild = (end: End) => isWild(end);
    const [ours, peers] = wild(left) && !wild(right) ? [right, left] : [left, right];
    const connection = new Connection({ name, connectionKind: kindOf(policy, peers), ours, peers, policy, settings });
    if (description.compress && !this.deps.canCompress) {
      this.lines.push({
        code: RC.comment,
        text: `ignoring --compress in "${name}" because KLIPS is not configured to do IPCOMP`,
      });
    }
    return connection;
  }

  #end(side: "left" | "right"): End {
    const given = this.description[side];
    const family = this.description.hostFamily ?? "inet";
    const word = hostWord(given);
    const host = word ? anyAddress(family) : this.#address(given.host, family, `${side} host`);
    const selector = given.protoPort ? this.#selector(given.protoPort, side) : { protocol: 0, port: 0 };
    const { client, isClientWithin } = this.#client(
      given,
      side,
      word !== undefined && (word.group || word.opportunistic),
    );
    const virtual = given.virtual ? parseVirtualClient(given.virtual) : undefined;
    if (virtual && !virtual.ok) this.#refuse(RC.clash, `bad ${side}subnet "${given.virtual}": ${virtual.error}`);
    const sourceIp = given.sourceIp ? this.#address(given.sourceIp, family, `${side} source address`) : undefined;
    // the address that Mode Config gives is what is protected, where nothing else is named
    const assigned = given.modecfgClient && !virtual && sourceIp ? hostSubnet(sourceIp) : undefined;
    const nextHop = given.nextHop && given.nextHop !== "%direct"
      ? this.#address(given.nextHop, family, `${side} nexthop`)
      : anyAddress(family);
    return new End({
      host,
      port: given.ikePort ?? IKE_PORT,
      id: this.#identity(given, side, family),
      nextHop,
      client: client ?? assigned,
      isClientWithin,
      virtual: virtual?.ok ? virtual.value : undefined,
      protocol: selector.protocol,
      clientPort: selector.port,
      keyOnDemand: given.dnsKeyOnDemand === true || given.host === "%opportunistic",
      updown: given.updown,
      ca: given.ca,
      sourceIp,
      addressPool: this.#addressPool(given, side),
      xauthServer: given.xauthServer === true,
      xauthClient: given.xauthClient === true,
      xauthUser: given.xauthUser,
      modecfgServer: given.modecfgServer === true,
      modecfgClient: given.modecfgClient === true,
    }, this.deps.myId);
  }

  #addressPool(given: EndDescription, side: string): AddressRange | undefined {
    if (given.addressPool === undefined) return undefined;
    const range = parsePoolRange(given.addressPool);
    if (!range.ok) this.#refuse(RC.clash, `bad ${side} address pool "${given.addressPool}": ${range.error}`);
    const beside = given.sourceIp ?? given.client ?? given.clientWithin ?? given.virtual;
    if (beside !== undefined) {
      this.#refuse(RC.clash, `${side} has an address pool, so that it cannot have ${beside} as well`);
    }
    if (given.host !== "%any") {
      this.#refuse(
        RC.clash,
        `${side} has an address pool, which is for peers of any address (%any), not ${given.host}`,
      );
    }
    return range.value;
  }

  #client(given: EndDescription, side: string, defaultsToAll: boolean): { client?: Subnet; isClientWithin: boolean } {
    const family = this.description.clientFamily ?? this.description.hostFamily ?? "inet";
    const text = given.clientWithin ?? given.client;
    if (text === undefined) return { client: defaultsToAll ? everything(family) : undefined, isClientWithin: false };
    const subnet = parseSubnet(text, family);
    if (!subnet.ok) this.#refuse(RC.clash, `bad ${side} client "${text}": ${subnet.error}`);
    return { client: subnet.value, isClientWithin: given.clientWithin !== undefined };
  }

  #identity({ id }: EndDescription, side: string, family: Family): OwnIdentity {
    if (id === undefined) return { kind: "any", family };
    if (id === "%myid") return "%myid";
    const parsed: Result<Identity> = parseIdentity(id);
    const why = !parsed.ok
      ? parsed.error
      : parsed.value.kind === "name"
      ? `a name as identity begins with @, as @${id}`
      : undefined;
    if (parsed.ok && why === undefined) return parsed.value;
    this.lines.push({ code: RC.badId, text: `bad ${side} --id: ${why} (ignored)` });
    return { kind: "any", family };
  }

  #address(text: string, family: Family, what: string): Address {
    const address = parseAddress(text, family);
    if (!address.ok) this.#refuse(RC.clash, `bad ${what} "${text}": ${address.error}`);
    return address.value;
  }

  #selector(text: string, side: string): { protocol: number; port: number } {
    const selector = parseProtocolPort(text.replace(/\/%any$/, "/0"), NO_NAMES);
    if (!selector.ok) this.#refuse(RC.clash, `bad ${side}protoport "${text}": ${selector.error}`);
    return selector.value;
  }

  #policy(): Policy {
    const { description, deps } = this;
    const words = [description.left, description.right].map(hostWord);
    const group = words.some((word) => word?.group), opportunistic = words.some((word) => word?.opportunistic);
    const { left, right } = description;
    const hasClient = [left, right].some(({ client, clientWithin, virtual, addressPool }) =>
      client ?? clientWithin ?? virtual ?? addressPool
    );
    return {
      psk: description.psk,
      rsasig: description.rsasig,
      encrypt: description.encrypt,
      authenticate: description.authenticate,
      compress: description.compress && deps.canCompress,
      tunnel: description.tunnel || group || opportunistic || hasClient,
      pfs: description.pfs,
      disableArrivalCheck: description.disableArrivalCheck,
      dontRekey: description.dontRekey,
      opportunistic,
      group,
      grouted: false,
      up: false,
      shunt: description.shunt,
      failure: description.failure,
    };
  }

  #settings(policy: Policy): ConnectionSettings {
    const { description } = this;
    const suites = neverNegotiates(policy) ? ok<Suites>({ ike: [], ipsec: [] }) : this.deps.readSuites(description);
    if (!suites.ok) this.#refuse(RC.noAlgorithm, suites.error);
    const { value } = suites;
    const addresses = (list: readonly string[] | undefined, what: string) =>
      (list ?? []).map((text) => this.#address(text, text.includes(":") ? "inet6" : "inet", what));
    return {
      auth: [...(policy.rsasig ? ["rsasig" as const] : []), ...(policy.psk ? ["psk" as const] : [])],
      ikeSuites: value.ike,
      ipsecSuites: hasIpsecPolicy(policy) ? value.ipsec : [],
      compress: policy.compress,
      mode: policy.tunnel ? "tunnel" : "transport",
      pfsGroup: value.pfsGroup,
      aggressive: description.aggressive === true,
      ikeLifetimeSeconds: description.ikeLifetimeSeconds,
      ipsecLifetimeSeconds: description.ipsecLifetimeSeconds,
      rekeyMarginSeconds: description.rekeyMarginSeconds,
      rekeyFuzzPercent: description.rekeyFuzzPercent,
      keyingTries: description.keyingTries,
      dpd: this.#dpd() ?? (policy.opportunistic && !neverNegotiates(policy) ? STRANGER_DPD : undefined),
      forceEncapsulation: description.forceEncapsulation === true,
      natTraversal: description.natTraversal !== false,
      modecfgPull: description.modecfgPull === true,
      modecfgDns: addresses(description.modecfgDns, "modecfgdns"),
      modecfgWins: addresses(description.modecfgWins, "modecfgwins"),
      modecfgDomains: description.modecfgDomains ?? [],
      modecfgBanner: description.modecfgBanner,
      xauthBy: description.xauthBy,
      fragmentation: description.fragmentation !== false,
    };
  }

  #dpd(): DpdPolicy | undefined {
    const { dpd } = this.description;
    if (!dpd || dpd.delaySeconds <= 0 || dpd.timeoutSeconds <= 0) return undefined;
    const action = DPD_ACTIONS.find((one) => one === dpd.action);
    if (!action) this.#refuse(RC.clash, `unknown dpdaction "${dpd.action}"`);
    return { delaySeconds: dpd.delaySeconds, timeoutSeconds: dpd.timeoutSeconds, action };
  }

  #refuse(code: number, text: string): never {
    throw new Refused({ code, text });
  }
}

/**
 * Nobody looks after a connection with a stranger: one that has been started again, and has forgotten its SAs, would hear
 * nothing of us until they expire. `clear` leaves the trap, which the next packet meets.
 */
const STRANGER_DPD: DpdPolicy = { delaySeconds: 20, timeoutSeconds: 60, action: "clear" };

const DPD_ACTIONS = ["none", "hold", "clear", "restart"] as const;

/** Descriptions have numbers only. */
const NO_NAMES: NameDatabase = { protocolNumber: () => undefined, servicePort: () => undefined };

function hostWord({ host }: EndDescription): { group: boolean; opportunistic: boolean } | undefined {
  return Object.hasOwn(HOST_WORDS, host) ? HOST_WORDS[host] : undefined;
}

/** What one peer is not yet known by. */
function isWild(end: End): boolean {
  return isAnyAddress(end.host) || end.isClientWithin || end.virtual !== undefined || hasWildcardDn(end);
}

function hasWildcardDn({ givenId }: End): boolean {
  return givenId !== "%myid" && givenId.kind === "dn" && idWildcards(givenId) > 0;
}

function kindOf(policy: Policy, peers: End): Kind {
  if (policy.group) return "CK_GROUP";
  const negotiates = !neverNegotiates(policy);
  if (peers.isAnyHost && negotiates) return "CK_TEMPLATE";
  if (peers.isClientWithin || peers.virtual) return "CK_TEMPLATE";
  return policy.shunt === "trap" && hasWildcardDn(peers) ? "CK_TEMPLATE" : "CK_PERMANENT";
}
