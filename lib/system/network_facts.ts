/** The links, addresses and default routes that the kernel has now, for `interfaces=`. */
import { Rtnetlink } from "../ffi/rtnetlink.ts";
import type { NetworkFacts } from "./virtual_interfaces.ts";

export function networkFacts(): NetworkFacts {
  using netlink = new Rtnetlink();
  return {
    links: netlink.links(),
    addresses: netlink.addresses(),
    defaultRoutes: [...netlink.defaultRoutes("inet"), ...netlink.defaultRoutes("inet6")],
  };
}
