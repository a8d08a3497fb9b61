/** A connection (pluto.md §6): what was described, whom it is with, how far it is routed, and which SAs it has. */
import type { DpdPolicy, IkeConnection } from "../ike/connection.ts";
import type { AuthMethod, IkeSuite, IpsecSuite, Mode } from "../ike/suite.ts";
import type { GroupName } from "../crypto/dh_groups.ts";
import type { RsaPublicKey } from "../crypto/rsa.ts";
import type { Secret } from "../crypto/secret.ts";
import { type Address, formatAddress } from "../text/address.ts";
import type { Identity } from "../text/identity.ts";
import { formatSubnet, type Subnet } from "../text/subnet.ts";
import type { Lease } from "./address_pool.ts";
import type { Assigned } from "./assigned_address.ts";
import type { End } from "./end.ts";
import type { Flow } from "./kernel.ts";
import { isOnly, isUnknownNet } from "./nets.ts";
import { formatPolicy, neverNegotiates, type Policy } from "./policy.ts";
import type { Routing } from "./routing_states.ts";
import { formatTopology } from "./topology.ts";

/** `kind=` in messages. */
export type Kind = "CK_GROUP" | "CK_TEMPLATE" | "CK_PERMANENT" | "CK_INSTANCE" | "CK_GOING_AWAY";

/** What a template and its instances have in common. */
export interface ConnectionSettings {
  readonly auth: readonly AuthMethod[];
  readonly ikeSuites: readonly IkeSuite[];
  readonly ipsecSuites: readonly IpsecSuite[];
  readonly compress: boolean;
  readonly mode: Mode;
  readonly pfsGroup?: GroupName;
  readonly aggressive: boolean;
  readonly ikeLifetimeSeconds: number;
  readonly ipsecLifetimeSeconds: number;
  readonly rekeyMarginSeconds: number;
  readonly rekeyFuzzPercent: number;
  /** 0: for ever. */
  readonly keyingTries: number;
  readonly dpd?: DpdPolicy;
  readonly forceEncapsulation: boolean;
  readonly natTraversal: boolean;
  readonly modecfgPull: boolean;
  readonly modecfgDns: readonly Address[];
  readonly modecfgWins: readonly Address[];
  readonly modecfgDomains: readonly string[];
  readonly modecfgBanner?: string;
  readonly xauthBy?: string;
  readonly fragmentation: boolean;
}

/** The ipsecN that a connection uses, and what it is over. */
export interface Interface {
  readonly virtual: string;
  readonly physical: string;
  readonly address: Address;
}

export interface ConnectionFields {
  readonly name: string;
  readonly connectionKind: Kind;
  readonly ours: End;
  readonly peers: End;
  readonly policy: Policy;
  readonly settings: ConnectionSettings;
}

/** No state. */
export const NOBODY = 0;

export class Connection implements IkeConnection {
  readonly name: string;
  connectionKind: Kind;
  ours: End;
  peers: End;
  readonly policy: Policy;
  readonly settings: ConnectionSettings;
  /** `[N]` of an instance; 0 for none. */
  serial = 0;
  /** Instances that were made of this template. */
  instancesMade = 0;
  template: Connection | undefined = undefined;
  /** Of an instance: milliseconds of the clock. */
  madeAt = 0;
  /** The group that it is a member of. */
  group: Connection | undefined = undefined;
  #interface: Interface | undefined = undefined;
  #changed: (() => void) | undefined = undefined;
  routing: Routing = "UNROUTED";
  /** Number of the state whose SAs the eroute leads to; {@linkcode NOBODY}. */
  erouteOwner = NOBODY;
  newestIsakmp = NOBODY;
  newestIpsec = NOBODY;
  /** There has been an SA, so that its peer is known to be whom it says. */
  hasWorked = false;
  priority: number;
  /** Used where opportunism over the same clients fails. */
  policyNext: Connection | undefined = undefined;
  /** The flow that a hold of the kernel's was given for, while it is in place. */
  hold: Flow | undefined = undefined;
  /** That came with the record that named the peer. */
  gatewayKeys: readonly RsaPublicKey[] = [];
  /** What `--initiate` was given for a peer that asks. */
  xauth: { readonly user?: string; readonly password?: Secret } | undefined = undefined;
  /** The address that its peer has from a pool. */
  lease: Lease<Connection> | undefined = undefined;
  /** By a Mode Config server, to us. */
  assigned: Assigned | undefined = undefined;
  lastAssigned: Address | undefined = undefined;
  /** Debugging in addition to the daemon's. */
  debug: readonly string[] = [];

  constructor({ name, connectionKind, ours, peers, policy, settings }: ConnectionFields) {
    this.name = name;
    this.connectionKind = connectionKind;
    this.ours = ours;
    this.peers = peers;
    this.policy = policy;
    this.settings = settings;
    this.priority = priorityOf(ours.net, peers.net);
  }

  /** A copy for one peer, without routes and SAs. Its own ends, its own marks; the same settings. */
  instantiate(host: Address, id?: Identity): Connection {
    const one = new Connection({
      name: this.name,
      connectionKind: "CK_INSTANCE",
      ours: this.ours.copy(),
      peers: this.peers.copy(),
      policy: { ...this.policy },
      settings: this.settings,
    });
    one.peers.host = host;
    if (id) one.peers.givenId = id;
    one.template = this;
    one.interface = this.interface;
    one.priority = this.priority;
    one.debug = this.debug;
    one.serial = ++this.instancesMade;
    return one;
  }

  swapEnds(): void {
    [this.ours, this.peers] = [this.peers, this.ours];
    this.priority = priorityOf(this.ours.net, this.peers.net);
    this.#changed?.();
  }

  /** @param changed called after a change of what the connection is found by */
  watch(changed: (() => void) | undefined): void {
    this.#changed = this.ours.changed = this.peers.changed = changed;
  }

  /** Undefined until oriented. */
  get interface(): Interface | undefined {
    return this.#interface;
  }

  set interface(one: Interface | undefined) {
    this.#interface = one;
    this.#changed?.();
  }

  get isOriented(): boolean {
    return this.#interface !== undefined;
  }

  get neverNegotiates(): boolean {
    return neverNegotiates(this.policy);
  }

  /** `"NAME"INST` */
  get label(): string {
    return `"${this.name}"${this.instanceText}`;
  }

  /** What follows the name in log lines; empty unless it is an instance (pluto.md §3.2). */
  get instanceText(): string {
    if (this.connectionKind !== "CK_INSTANCE" && this.connectionKind !== "CK_GOING_AWAY") return "";
    const serial = this.serialText, peer = formatAddress(this.peers.host);
    if (!this.policy.opportunistic) return `${serial} ${peer}`;
    const ours = clientText(this.ours), peers = clientText(this.peers);
    return `${serial}${ours && ` ${ours}===`} ...${peer}${peers && `===${peers}`}`;
  }

  /** `[N]`, or nothing. */
  get serialText(): string {
    return this.serial ? `[${this.serial}]` : "";
  }

  get flow(): Flow {
    return {
      ours: this.ours.net,
      peers: this.peers.net,
      protocol: this.ours.protocol,
      ourPort: this.ours.clientPort,
      peersPort: this.peers.clientPort,
    };
  }

  get topology(): string {
    return formatTopology(this.ours, this.peers, this.policy);
  }

  get policyText(): string {
    return formatPolicy(this.policy);
  }

  get nextHop(): Address {
    return this.ours.hopTo(this.peers.host);
  }

  /** `24,24`: lengths of both masks; `0` for the lowest of all. */
  get priorityText(): string {
    return formatPriority(this.priority);
  }

  get auth(): readonly AuthMethod[] {
    return this.settings.auth;
  }
  get ikeSuites(): readonly IkeSuite[] {
    return this.settings.ikeSuites;
  }
  get ipsecSuites(): readonly IpsecSuite[] {
    return this.settings.ipsecSuites;
  }
  get compress(): boolean {
    return this.settings.compress;
  }
  get mode(): Mode {
    return this.settings.mode;
  }
  get pfs(): boolean {
    return this.policy.pfs;
  }
  get pfsGroup(): GroupName | undefined {
    return this.settings.pfsGroup;
  }
  get aggressive(): boolean {
    return this.settings.aggressive;
  }
  get ikeLifetimeSeconds(): number {
    return this.settings.ikeLifetimeSeconds;
  }
  get ipsecLifetimeSeconds(): number {
    return this.settings.ipsecLifetimeSeconds;
  }
  get rekey(): boolean {
    return !this.policy.dontRekey;
  }
  get dpd(): DpdPolicy | undefined {
    return this.settings.dpd;
  }
  get forceEncapsulation(): boolean {
    return this.settings.forceEncapsulation;
  }
  get natTraversal(): boolean {
    return this.settings.natTraversal;
  }
  get modecfgPull(): boolean {
    return this.settings.modecfgPull;
  }
  get fragmentation(): boolean {
    return this.settings.fragmentation;
  }
}

/** "" where the client is the host; `?` while it is unknown. */
function clientText({ net, host }: End): string {
  if (isUnknownNet(net)) return "?";
  return isOnly(net, host) ? "" : formatSubnet(net);
}

/** Longer masks come first, ours before the peer's; lowest of all is 0. */
export function priorityOf(ours: Subnet, peers: Subnet): number {
  return ours.bits << 16 | peers.bits << 8 | 1;
}

export function formatPriority(priority: number): string {
  return priority === 0 ? "0" : `${priority >> 16},${priority >> 8 & 0xff}`;
}
