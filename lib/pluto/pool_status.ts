/** Address pools in `--status`: of a template how much of its pool is in use, of an instance who has which address. */
import { formatAddress } from "../text/address.ts";
import { formatPoolRange } from "../text/pool_range.ts";
import type { AddressRange } from "../text/range.ts";
import type { AddressPool, PoolCounts } from "./address_pool.ts";
import type { Connection } from "./connection.ts";

/** Of those that connections have. */
export interface ListedPools extends Iterable<AddressPool<Connection>> {
  of(range: AddressRange): PoolCounts;
}

export function poolLines({ lease, peers: { addressPool } }: Connection, pools: ListedPools | undefined): string[] {
  if (!addressPool) return [];
  const range = formatPoolRange(addressPool);
  if (lease) return [`  address pool: ${lease.holder} has ${formatAddress(lease.address)} of ${range}; `];
  if (!pools) return [`  address pool: ${range}; `];
  const { addresses, inUse, kept } = pools.of(addressPool);
  return [`  address pool: ${range}; ${addresses} addresses; in use: ${inUse}; kept for their return: ${kept}; `];
}

/** Counts of addresses are text: those of IPv6 may be more than a number can tell apart. */
export function poolJson(pools: ListedPools) {
  return [...pools].map((pool) => {
    const { addresses, inUse, kept } = pool.counts;
    return {
      range: formatPoolRange(pool.range),
      addresses: String(addresses),
      inUse,
      kept,
      leases: pool.leases().map(({ address, holder, owners }) => ({
        address: formatAddress(address),
        holder,
        connections: [...owners].map(({ name, serial }) => ({ name, instance: serial })),
      })),
    };
  });
}
