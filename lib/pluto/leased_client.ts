/** What an address from a pool means for Quick Mode: its client has this address, and no other. */
import { formatAddress, sameAddress } from "../text/address.ts";
import { formatPoolRange } from "../text/pool_range.ts";
import { formatSubnet, isHostSubnet, type Subnet } from "../text/subnet.ts";
import type { Connection } from "./connection.ts";

/**
 * Why a client may not have what it wants in Quick Mode; undefined where it may. Nobody whose address comes from a pool has
 * any other, whatever other connections would allow.
 */
export function whyNotLeased({ label, lease, peers }: Connection, wanted: Subnet): string | undefined {
  if (!peers.addressPool) return undefined;
  if (!lease) return `${formatSubnet(wanted)} is asked for by a client that Mode Config has not given an address`;
  if (isHostSubnet(wanted) && sameAddress(wanted.address, lease.address)) return undefined;
  return `${formatSubnet(wanted)} is asked for by ${lease.holder}, whose address of ${label} is ${
    formatAddress(lease.address)
  }`;
}

/** Whether a connection with a pool serves the client of another one. */
export function servesLease(one: Connection, { lease, peers }: Connection): boolean {
  const pool = one.peers.addressPool;
  if (!pool || !lease || !peers.addressPool) return false;
  if (one.lease) return one.lease === lease;
  return one.connectionKind === "CK_TEMPLATE" && formatPoolRange(pool) === formatPoolRange(peers.addressPool);
}
