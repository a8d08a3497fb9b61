/** A connection's ends as one line: `CLIENT===HOST[ID]---NEXTHOP...NEXTHOP---HOST[ID]===CLIENT` (whack.md §9.2). */
import { formatAddress, sameAddress } from "../text/address.ts";
import { formatIdentity } from "../text/identity.ts";
import { formatSubnet } from "../text/subnet.ts";
import type { End } from "./end.ts";
import { isAnyId } from "./identity_match.ts";
import { isAddressOf } from "./myid.ts";
import { IKE_PORT, isEverything, isUnknownNet } from "./nets.ts";
import type { Policy } from "./policy.ts";

type Groups = Pick<Policy, "group" | "opportunistic">;

const PLAIN: Groups = { group: false, opportunistic: false };

/** Our end stands on the left. */
export function formatTopology(ours: End, peers: End, policy: Groups, nextHops = true): string {
  return `${formatLeft(ours, peers, nextHops)}...${formatRight(peers, ours, policy, nextHops)}`;
}

function formatLeft(end: End, other: End, nextHops: boolean): string {
  const client = formatClient(end, PLAIN);
  return `${client && `${client}===`}${formatHost(end, PLAIN)}${nextHops ? formatHop(end, other, "---", "") : ""}`;
}

function formatRight(end: End, other: End, policy: Groups, nextHops: boolean): string {
  const client = formatClient(end, policy);
  return `${nextHops ? formatHop(end, other, "", "---") : ""}${formatHost(end, policy)}${client && `===${client}`}`;
}

/** "" where it is left out. */
function formatClient({ client, isClientWithin, virtual }: End, { group, opportunistic }: Groups): string {
  if (virtual) return virtual.text;
  if (!client) return "";
  if (isEverything(client) && (group || opportunistic)) return "";
  if (isUnknownNet(client)) return "?";
  return isClientWithin ? `{${formatSubnet(client)}}` : formatSubnet(client);
}

function formatHost(end: End, { group, opportunistic }: Groups): string {
  const word = opportunistic ? (group ? "%opportunisticgroup" : "%opportunistic") : group ? "%group" : "%any";
  const host = end.isAnyHost ? word : formatAddress(end.host);
  const port = end.port === IKE_PORT ? "" : `:${end.port}`;
  const selector = end.protocol || end.clientPort ? `:${end.protocol}/${end.clientPort}` : "";
  return host + port + formatId(end) + selector;
}

function formatId({ givenId, host }: End): string {
  if (givenId === "%myid") return "[%myid]";
  return isAnyId(givenId) || isAddressOf(givenId, host) ? "" : `[${formatIdentity(givenId)}]`;
}

function formatHop(end: End, other: End, before: string, after: string): string {
  const hop = end.hopTo(other.host);
  return sameAddress(hop, other.host) ? "" : `${before}${formatAddress(hop)}${after}`;
}
