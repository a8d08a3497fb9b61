/** Which end of a connection is this host (pluto.md §5). */
import { formatAddress, sameAddress } from "../text/address.ts";
import type { Connection, Interface } from "./connection.ts";
import type { End } from "./end.ts";

/** @returns a complaint for the log, where there is something to complain of; the connection is oriented or not */
export function orient(connection: Connection, interfaces: readonly Interface[]): string | undefined {
  connection.interface = undefined;
  const at = ({ host }: End) => interfaces.filter(({ address }) => sameAddress(address, host));
  const ours = at(connection.ours), peers = at(connection.peers);
  const [first, second] = [...ours, ...peers];
  if (!first) return undefined;
  if (ours.length && peers.length && first.physical === second.physical) {
    return `both sides of "${connection.name}" are our interface ${first.physical}!`;
  }
  if (second) return `two interfaces match "${connection.name}" (${first.physical}, ${second.physical})`;
  if (peers.length) connection.swapEnds();
  connection.interface = first;
  return undefined;
}

/** What the kernel has of interfaces. */
export interface KernelInterface {
  readonly virtual: string;
  readonly physical: string;
  readonly addresses: readonly Interface["address"][];
}

/**
 * The usable ones, and what is wrong with others: an address belongs to one device only.
 *
 * @param only physical devices that may be used; empty for all
 */
export function usableInterfaces(
  found: readonly KernelInterface[],
  only: readonly string[],
): { interfaces: Interface[]; complaints: string[] } {
  const interfaces: Interface[] = [], complaints: string[] = [], clashes = new Set<string>();
  const all = found.filter(({ physical }) => only.length === 0 || only.includes(physical))
    .flatMap(({ virtual, physical, addresses }) => addresses.map((address) => ({ virtual, physical, address })));
  for (const one of all) {
    const other = interfaces.find(({ address }) => sameAddress(address, one.address));
    if (!other) {
      interfaces.push(one);
      continue;
    }
    const text = formatAddress(one.address);
    clashes.add(text);
    if (other.physical !== one.physical) {
      complaints.push(`IP interfaces ${other.physical} and ${one.physical} share address ${text}!`);
    } else if (other.virtual !== one.virtual) {
      complaints.push(`ipsec interfaces ${other.virtual} and ${one.virtual} share same address ${text}`);
    } else clashes.delete(text);
  }
  return { interfaces: interfaces.filter(({ address }) => !clashes.has(formatAddress(address))), complaints };
}
