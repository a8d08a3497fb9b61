/** What pluto asks of addresses and networks beyond `lib/text`. */
import { type Address, anyAddress, isAnyAddress } from "../text/address.ts";
import { hostSubnet, isHostSubnet, sameSubnet, type Subnet } from "../text/subnet.ts";

/** IKE's port where nothing else is said. */
export const IKE_PORT = 500;

/** 0.0.0.0/32: what an opportunistic instance has for its peer's client until the peer says it. */
export function isUnknownNet(net: Subnet): boolean {
  return isHostSubnet(net) && isAnyAddress(net.address);
}

export function unknownNet(family: Address["family"]): Subnet {
  return hostSubnet(anyAddress(family));
}

/** 0.0.0.0/0 or ::/0 */
export function isEverything({ address, bits }: Subnet): boolean {
  return bits === 0 && isAnyAddress(address);
}

export function everything(family: Address["family"]): Subnet {
  return { address: anyAddress(family), bits: 0, port: 0 };
}

/** Whether a network is this one host. */
export function isOnly(net: Subnet, host: Address): boolean {
  return sameSubnet(net, hostSubnet(host));
}
