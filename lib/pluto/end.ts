/** One end of a connection as pluto keeps it. An instance has a copy of its own, with what became known of the peer. */
import type { IkeEnd } from "../ike/connection.ts";
import { type Address, isAnyAddress } from "../text/address.ts";
import type { Identity } from "../text/identity.ts";
import type { AddressRange } from "../text/range.ts";
import { hostSubnet, type Subnet } from "../text/subnet.ts";
import { isAnyId } from "./identity_match.ts";
import type { MyId } from "./myid.ts";
import { addressIdentity } from "./myid.ts";
import { unknownNet } from "./nets.ts";
import type { VirtualClient } from "./virtual_ip.ts";

/** `%myid` is resolved whenever it is asked for. */
export type OwnIdentity = Identity | "%myid";

export interface EndFields {
  host: Address;
  port: number;
  id: OwnIdentity;
  /** The unspecified address: the other end's host, once that is known. */
  nextHop: Address;
  client?: Subnet;
  /** The peer may propose any network inside of `client`. */
  isClientWithin: boolean;
  virtual?: VirtualClient;
  protocol: number;
  clientPort: number;
  /** Its RSA key is looked for in the DNS when it is needed. */
  keyOnDemand: boolean;
  updown?: string;
  ca?: string;
  sourceIp?: Address;
  addressPool?: AddressRange;
  xauthServer: boolean;
  xauthClient: boolean;
  xauthUser?: string;
  modecfgServer: boolean;
  modecfgClient: boolean;
}

export class End implements IkeEnd {
  #host: Address;
  readonly port: number;
  nextHop: Address;
  #client: Subnet | undefined;
  #isClientWithin: boolean;
  #virtual: VirtualClient | undefined;
  readonly protocol: number;
  clientPort: number;
  readonly keyOnDemand: boolean;
  readonly updown: string | undefined;
  readonly ca: string | undefined;
  sourceIp: Address | undefined;
  /** Of the peer's end: Mode Config gives it an address out of these, which is then its client. */
  readonly addressPool: AddressRange | undefined;
  readonly xauthServer: boolean;
  readonly xauthClient: boolean;
  readonly xauthUser: string | undefined;
  readonly modecfgServer: boolean;
  readonly modecfgClient: boolean;
  #givenId: OwnIdentity;
  readonly #myId: MyId;
  /** Called after a change of what connections are found by: host, client, identity. */
  changed: (() => void) | undefined = undefined;

  constructor(fields: EndFields, myId: MyId) {
    this.#host = fields.host;
    this.port = fields.port;
    this.nextHop = fields.nextHop;
    this.#client = fields.client;
    this.#isClientWithin = fields.isClientWithin;
    this.#virtual = fields.virtual;
    this.protocol = fields.protocol;
    this.clientPort = fields.clientPort;
    this.keyOnDemand = fields.keyOnDemand;
    this.updown = fields.updown;
    this.ca = fields.ca;
    this.sourceIp = fields.sourceIp;
    this.addressPool = fields.addressPool;
    this.xauthServer = fields.xauthServer;
    this.xauthClient = fields.xauthClient;
    this.xauthUser = fields.xauthUser;
    this.modecfgServer = fields.modecfgServer;
    this.modecfgClient = fields.modecfgClient;
    this.#givenId = fields.id;
    this.#myId = myId;
  }

  copy(): End {
    const { host, client, isClientWithin, virtual, givenId: id } = this;
    return new End({ ...this, host, client, isClientWithin, virtual, id }, this.#myId);
  }

  get host(): Address {
    return this.#host;
  }

  set host(host: Address) {
    this.#host = host;
    this.changed?.();
  }

  get client(): Subnet | undefined {
    return this.#client;
  }

  set client(client: Subnet | undefined) {
    this.#client = client;
    this.changed?.();
  }

  get isClientWithin(): boolean {
    return this.#isClientWithin;
  }

  get virtual(): VirtualClient | undefined {
    return this.#virtual;
  }

  /** As it was given. */
  get givenId(): OwnIdentity {
    return this.#givenId;
  }

  set givenId(id: OwnIdentity) {
    this.#givenId = id;
    this.changed?.();
  }

  /** Where nothing else is known, the address of the host. */
  get id(): Identity {
    if (this.givenId === "%myid") return this.#myId.current ?? addressIdentity(this.host);
    if (isAnyId(this.givenId) && !isAnyAddress(this.host)) return addressIdentity(this.host);
    return this.givenId;
  }

  /** The network that is protected: the client, or the host alone. */
  get net(): Subnet {
    if (this.client) return this.client;
    return this.addressPool ? unknownNet(this.addressPool.from.family) : hostSubnet(this.host);
  }

  /** Which network it protects is for the peer to say, or for a pool to give; or it is the host, which may be any. */
  get isOpen(): boolean {
    return this.isClientWithin || this.virtual !== undefined || this.addressPool !== undefined ||
      !this.client && this.isAnyHost;
  }

  /** The peer has said which network it is. */
  settle(client: Subnet | undefined): void {
    this.#isClientWithin = false;
    this.#virtual = undefined;
    this.client = client;
  }

  get isAnyHost(): boolean {
    return isAnyAddress(this.host);
  }

  /** The next hop towards the peer; still unspecified where the peer is. */
  hopTo(peer: Address): Address {
    return isAnyAddress(this.nextHop) ? peer : this.nextHop;
  }
}
