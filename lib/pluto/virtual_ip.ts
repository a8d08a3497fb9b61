/** `rightsubnet=vhost:%no,%priv` and `virtual_private=`: which networks a peer behind NAT may have (pluto.md §22). */
import type { Address } from "../text/address.ts";
import { ok, refuse, type Result } from "../text/result.ts";
import {
  formatSubnet,
  hostSubnet,
  isHostSubnet,
  parseSubnet,
  sameSubnet,
  type Subnet,
  subnetInSubnet,
} from "../text/subnet.ts";

/** Networks that peers may have, and those excepted from them. */
export interface PrivateNets {
  readonly allowed: readonly Subnet[];
  readonly excepted: readonly Subnet[];
}

/** What a peer behind NAT may name as its own. */
export interface VirtualClient {
  /** One address, or a network. */
  readonly kind: "vhost" | "vnet";
  /** The peer's own address, as without NAT. */
  readonly no: boolean;
  /** What `virtual_private=` has. */
  readonly priv: boolean;
  /** Any at all. */
  readonly all: boolean;
  readonly nets: PrivateNets;
  readonly text: string;
}

/** `%v4:10.0.0.0/8,%v4:!10.1.0.0/16`; an empty list allows nothing. */
export function parsePrivateNets(text: string): Result<PrivateNets> {
  const allowed: Subnet[] = [], excepted: Subnet[] = [];
  for (const item of text.split(",").map((one) => one.trim()).filter(Boolean)) {
    const net = parseItem(item);
    if (!net.ok) return refuse(`${net.error} in "${item}"`);
    (net.value.excepted ? excepted : allowed).push(net.value.subnet);
  }
  return ok({ allowed, excepted });
}

function parseItem(item: string): Result<{ subnet: Subnet; excepted: boolean }> {
  const [, version, not, net] = /^%v([46]):(!?)(.+)$/.exec(item) ?? [];
  if (!net) return refuse("neither %v4: nor %v6:");
  const subnet = parseSubnet(net, version === "4" ? "inet" : "inet6");
  return subnet.ok ? ok({ subnet: subnet.value, excepted: not !== "" }) : subnet;
}

export function parseVirtualClient(text: string): Result<VirtualClient> {
  const [, kind, list] = /^(vhost|vnet):(.+)$/.exec(text) ?? [];
  if (!list) return refuse("neither vhost: nor vnet:");
  const words = list.split(",").map((word) => word.trim()).filter(Boolean);
  const nets = parsePrivateNets(words.filter((word) => word.startsWith("%v")).join(","));
  if (!nets.ok) return nets;
  const unknown = words.find((word) => !/^%(no|priv|all|dhcp|ike|v[46]:.*)$/.test(word));
  if (unknown) return refuse(`unknown word "${unknown}"`);
  return ok({
    kind: kind as "vhost" | "vnet",
    no: words.includes("%no"),
    priv: words.includes("%priv"),
    all: words.includes("%all"),
    nets: nets.value,
    text,
  });
}

/** @returns why a peer may not have a network; undefined where it may */
export function whyNotVirtual(
  { kind, no, priv, all, nets }: VirtualClient,
  wanted: Subnet,
  peer: Address,
  configured: PrivateNets,
): string | undefined {
  if (no && sameSubnet(wanted, hostSubnet(peer))) return undefined;
  if (kind === "vhost" && !isHostSubnet(wanted)) return "only single addresses are allowed";
  if (all) return undefined;
  if (isIn(wanted, nets)) return undefined;
  if (priv && isIn(wanted, configured)) return undefined;
  return priv ? "it is not among the networks of virtual_private=" : "it is not among those listed";
}

/**
 * Why a peer behind NAT gets no connection, where what it wants to have protected looks like its own address or network there.
 * Goes on behind a sentence.
 */
export function natAdvice(
  wanted: Subnet,
  peer: Address,
  virtual: VirtualClient | undefined,
  nets: PrivateNets,
): string {
  const net = formatSubnet(wanted), isKnown = isIn(wanted, nets);
  if (virtual) {
    const why = whyNotVirtual(virtual, wanted, peer, nets);
    return why === undefined ? "" : `; ${virtual.text} does not take ${net}: ${why}`;
  }
  if (!isKnown && !isHostSubnet(wanted)) return "";
  const version = wanted.address.family === "inet" ? "%v4" : "%v6";
  const list = isKnown ? "" : `, and virtual_private= with ${version}:${net}, or a network around it`;
  const remedy = isHostSubnet(wanted)
    ? "rightsubnet=vhost:%priv,%no"
    : "rightsubnet=vnet:%priv,%no or rightsubnetwithin= a network around it";
  return `; the peer is behind NAT: ${remedy} would take ${net}${list}`;
}

function isIn(net: Subnet, { allowed, excepted }: PrivateNets): boolean {
  return allowed.some((one) => subnetInSubnet(net, one)) &&
    !excepted.some((one) => subnetInSubnet(net, one) || subnetInSubnet(one, net));
}
