/** What `%myid` stands for (pluto.md §7.1). */
import { type Address, formatAddress } from "../text/address.ts";
import { formatIdentity, type Identity } from "../text/identity.ts";

/** A host name that says nothing. */
const NAMELESS = /^localhost(\.localdomain)?$/i;

/**
 * Specified by IPSECmyid or `--myid`, or unknown; host name and address are candidates, of which one becomes the identity
 * once the DNS has confirmed it (pluto.md §19.2).
 */
export class MyId {
  #current: Identity | undefined;
  #state: "unknown" | "host name" | "address" | "specified" = "unknown";
  /** What the DNS may confirm. */
  hostName: Identity | undefined;
  readonly address: Identity | undefined;

  constructor(address: Address | undefined) {
    this.address = address && { kind: "address", address };
  }

  get isSpecified(): boolean {
    return this.#state === "specified";
  }

  /** Undefined while unknown. */
  get current(): Identity | undefined {
    return this.#current;
  }

  specify(id: Identity): void {
    this.#current = id;
    this.#state = "specified";
  }

  /** The DNS has said that this is us. */
  confirm(id: Identity): void {
    if (this.isSpecified) return;
    this.#current = id;
    this.#state = id.kind === "address" ? "address" : "host name";
  }

  /** At each `--listen`. */
  setHostName(name: string): void {
    const plain = name.replace(/\.$/, "");
    this.hostName = plain === "" || NAMELESS.test(plain) ? undefined : { kind: "fqdn", name: plain };
    if (this.#state === "host name") this.#current = this.hostName;
  }

  /** `(none)` while unknown. */
  format(): string {
    return this.#current ? formatIdentity(this.#current) : "(none)";
  }
}

/** The identity that an address makes, as connections without `leftid=` have it. */
export function addressIdentity(address: Address): Identity {
  return { kind: "address", address };
}

/** Whether an identity is just the address of a host. */
export function isAddressOf(id: Identity, host: Address): boolean {
  return id.kind === "address" && formatAddress(id.address) === formatAddress(host);
}
