/**
 * Addresses of one range, lent to clients of Mode Config. Nothing is kept of an address that nobody has had: a range of
 * IPv6 costs no more than one of ten addresses. Who returns gets its address again, as long as nobody else needed it.
 *
 * Holders are names of clients; owners are what they have while they are here, which is connections. The two differ since
 * one user may be here twice, and one client may have several connections.
 */
import { type Address, compareAddresses } from "../text/address.ts";
import { addressAfter, addressInRange, addressNumber, rangeSize } from "../text/pool_range.ts";
import type { AddressRange } from "../text/range.ts";

export interface Lease<Owner> {
  readonly address: Address;
  readonly holder: string;
  /** None: the address is kept for the holder's return. */
  readonly owners: ReadonlySet<Owner>;
}

export interface LeaseRequest<Owner> {
  readonly holder: string;
  readonly owner: Owner;
  /** That the client asks for: it gets it where nobody else has it. */
  readonly wanted?: Address;
  /** Whether a lease in use may be taken from its owners, where they are the same client in another place. */
  readonly takeOver: "at once" | "when full" | "never";
  isSameClient(owner: Owner): boolean;
  /** Whether an address of the range belongs to somebody else, who has it from elsewhere. */
  isForeign(address: Address): boolean;
}

export interface Granted<Owner> {
  readonly lease: Lease<Owner>;
  /** That have it no more. */
  readonly displaced: readonly Owner[];
}

export interface PoolCounts {
  readonly addresses: bigint;
  readonly inUse: number;
  /** For holders that may return. */
  readonly kept: number;
}

interface Entry<Owner> extends Lease<Owner> {
  readonly owners: Set<Owner>;
  /** From the beginning of the range. */
  readonly offset: bigint;
}

/** Users that went are remembered, as many as fit into a few hundred KB. */
const MOST_KEPT = 4096;
/** Addresses of others in the way of one search; the next search goes on behind them. */
const MOST_FOREIGN = 4096;

export class AddressPool<Owner> {
  readonly #size: bigint;
  readonly #byOffset = new Map<bigint, Entry<Owner>>();
  /** Of each holder the one that was given back last stands last. */
  readonly #byHolder = new Map<string, Set<Entry<Owner>>>();
  readonly #byOwner = new Map<Owner, Entry<Owner>>();
  /** Without owners; first is what was given back first. */
  readonly #kept = new Set<Entry<Owner>>();
  /** Where the search for an address that nobody has had begins. */
  #next = 0n;

  constructor(readonly range: AddressRange) {
    this.#size = rangeSize(range);
  }

  /** @returns undefined where no address is left */
  grant(request: LeaseRequest<Owner>): Granted<Owner> | undefined {
    const { holder, owner } = request;
    this.giveBack(owner);
    const back = this.#keptFor(request);
    if (back) return this.#lend(back, owner);
    if (request.takeOver === "at once") {
      const taken = this.#takeOver(request);
      if (taken) return taken;
    }
    const offset = this.#wanted(request) ?? this.#search(request) ?? this.#forgetOldest(request);
    if (offset !== undefined) return this.#lend(this.#enter(offset, holder), owner);
    return request.takeOver === "when full" ? this.#takeOver(request) : undefined;
  }

  /** One more owner, of the same client. */
  share(lease: Lease<Owner>, owner: Owner): void {
    const entry = this.#byOffset.get(this.#offsetOf(lease.address));
    if (!entry || entry !== lease) throw new TypeError("Cannot share a lease that is not of this pool");
    this.giveBack(owner);
    this.#lend(entry, owner);
  }

  /** Whoever has no lease gives nothing back. */
  giveBack(owner: Owner): void {
    const entry = this.#byOwner.get(owner);
    if (!entry) return;
    this.#byOwner.delete(owner);
    entry.owners.delete(owner);
    if (entry.owners.size > 0) return;
    this.#kept.add(entry);
    const its = this.#byHolder.get(entry.holder)!;
    its.delete(entry);
    its.add(entry);
    if (this.#kept.size > MOST_KEPT) this.#forget(first(this.#kept)!);
  }

  leaseOf(owner: Owner): Lease<Owner> | undefined {
    return this.#byOwner.get(owner);
  }

  leasesOf(holder: string): Iterable<Lease<Owner>> {
    return this.#byHolder.get(holder) ?? [];
  }

  /** By address. */
  leases(): Lease<Owner>[] {
    return [...this.#byOffset.values()].toSorted((a, b) => compareAddresses(a.address, b.address));
  }

  get counts(): PoolCounts {
    const kept = this.#kept.size;
    return { addresses: this.#size, inUse: this.#byOffset.size - kept, kept };
  }

  #lend(entry: Entry<Owner>, owner: Owner, displaced: readonly Owner[] = []): Granted<Owner> {
    this.#kept.delete(entry);
    entry.owners.add(owner);
    this.#byOwner.set(owner, entry);
    return { lease: entry, displaced };
  }

  /** The one that it asks for, else the one that it had last; not what somebody else has got meanwhile. */
  #keptFor({ holder, wanted, isForeign }: LeaseRequest<Owner>): Entry<Owner> | undefined {
    const its = [...this.#byHolder.get(holder) ?? []].filter((entry) => this.#kept.has(entry));
    const asked = its.findIndex(({ address }) => wanted && compareAddresses(address, wanted) === 0);
    if (asked >= 0) its.push(...its.splice(asked, 1));
    for (const entry of its.reverse()) {
      if (!isForeign(entry.address)) return entry;
      this.#forget(entry);
    }
    return undefined;
  }

  /** Of several the one that it asks for, else the oldest. */
  #takeOver({ holder, owner, wanted, isSameClient }: LeaseRequest<Owner>): Granted<Owner> | undefined {
    const its = [...this.#byHolder.get(holder) ?? []].filter(({ owners }) =>
      owners.size > 0 && [...owners].every(isSameClient)
    );
    const entry = its.find(({ address }) => wanted && compareAddresses(address, wanted) === 0) ?? its[0];
    if (!entry) return undefined;
    const displaced = [...entry.owners];
    for (const one of displaced) this.#byOwner.delete(one);
    entry.owners.clear();
    return this.#lend(entry, owner, displaced);
  }

  #wanted({ wanted, isForeign }: LeaseRequest<Owner>): bigint | undefined {
    if (!wanted || !addressInRange(wanted, this.range)) return undefined;
    const offset = this.#offsetOf(wanted);
    return this.#byOffset.has(offset) || isForeign(wanted) ? undefined : offset;
  }

  /** Goes round; each lease is in the way once. */
  #search({ isForeign }: LeaseRequest<Owner>): bigint | undefined {
    if (BigInt(this.#byOffset.size) >= this.#size) return undefined;
    const most = BigInt(this.#byOffset.size + MOST_FOREIGN);
    for (let left = most < this.#size ? most : this.#size; left > 0n; left--) {
      const offset = this.#next;
      this.#next = (offset + 1n) % this.#size;
      if (!this.#byOffset.has(offset) && !isForeign(this.#addressAt(offset))) return offset;
    }
    return undefined;
  }

  #forgetOldest({ isForeign }: LeaseRequest<Owner>): bigint | undefined {
    for (const entry of this.#kept) {
      this.#forget(entry);
      if (!isForeign(entry.address)) return entry.offset;
    }
    return undefined;
  }

  #enter(offset: bigint, holder: string): Entry<Owner> {
    const entry = { offset, address: this.#addressAt(offset), holder, owners: new Set<Owner>() };
    this.#byOffset.set(offset, entry);
    const its = this.#byHolder.get(holder);
    if (its) its.add(entry);
    else this.#byHolder.set(holder, new Set([entry]));
    return entry;
  }

  #forget(entry: Entry<Owner>): void {
    this.#kept.delete(entry);
    this.#byOffset.delete(entry.offset);
    const its = this.#byHolder.get(entry.holder)!;
    its.delete(entry);
    if (its.size === 0) this.#byHolder.delete(entry.holder);
  }

  #offsetOf(address: Address): bigint {
    return addressNumber(address) - addressNumber(this.range.from);
  }

  #addressAt(offset: bigint): Address {
    return addressAfter(this.range.from, offset);
  }
}

function first<T>(of: Iterable<T>): T | undefined {
  for (const one of of) return one;
  return undefined;
}
