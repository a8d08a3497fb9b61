/** Nets beyond {@linkcode fourHosts}: with something between the gateways. */
import { ADDRESS, type FourHosts, type Host, Net } from "../../tools/_net.ts";

export interface RoutedHosts extends FourHosts {
  readonly router: Host;
}

export const ROUTER = { inet: "192.0.2.254", inet6: "2001:db8::fe" } as const;

/**
 * ```
 * sunset 10.1.0.10 -- 10.1.0.1 west 192.0.2.1 -- 192.0.2.254 router 192.0.2.254 -- 192.0.2.2 east 10.2.0.1 -- 10.2.0.10 sunrise
 *   eth0                 eth1       eth0              eth0           eth1              eth0       eth1            eth0
 * ```
 * and the same in IPv6. The links to the router are point to point, so that all addresses are those of
 * {@linkcode fourHosts}.
 */
export async function routedHosts(): Promise<RoutedHosts> {
  const net = await Net.make(["sunset", "west", "router", "east", "sunrise"], [
    ["sunset", "eth0", "west", "eth1"],
    ["west", "eth0", "router", "eth0"],
    ["router", "eth1", "east", "eth0"],
    ["east", "eth1", "sunrise", "eth0"],
  ]);
  try {
    const { sunset, west, router, east, sunrise } = net.hosts;
    for (const family of ["inet", "inet6"] as const) {
      const at = ADDRESS[family], between = ROUTER[family];
      const bits = family === "inet" ? 24 : 64, dashed = family === "inet" ? "-4" : "-6";
      await sunset.ip(`addr add ${at.sunset}/${bits} dev eth0`);
      await west.ip(`addr add ${at.westInner}/${bits} dev eth1`);
      await west.ip(`addr add ${at.west} peer ${between} dev eth0`);
      await router.ip(`addr add ${between} peer ${at.west} dev eth0`);
      await router.ip(`addr add ${between} peer ${at.east} dev eth1`);
      await east.ip(`addr add ${at.east} peer ${between} dev eth0`);
      await east.ip(`addr add ${at.eastInner}/${bits} dev eth1`);
      await sunrise.ip(`addr add ${at.sunrise}/${bits} dev eth0`);
      await sunset.ip(`${dashed} route add default via ${at.westInner}`);
      await sunrise.ip(`${dashed} route add default via ${at.eastInner}`);
      for (const gateway of [west, east]) await gateway.ip(`${dashed} route add default via ${between} dev eth0`);
    }
    for (const host of [west, router, east]) {
      await host.sysctl("net.ipv4.ip_forward", 1);
      await host.sysctl("net.ipv6.conf.all.forwarding", 1);
    }
    return { net, sunset, west, router, east, sunrise, [Symbol.asyncDispose]: () => net[Symbol.asyncDispose]() };
  } catch (error) {
    await net[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * Gives west's packets another source; what the NAT remembers of former ones goes with its interface.
 *
 * @param to a statement of nft(8): `masquerade to :41000-41999`, `snat to 203.0.113.9:43000`
 */
export async function translate(router: Host, to: string): Promise<void> {
  await router.run(["nft", "flush", "ruleset"]);
  await router.run(["nft", "-f", "-"], {
    input: `table ip nat {
      chain post {
        type nat hook postrouting priority srcnat
        oifname "eth1" meta l4proto udp ${to}
      }
    }\n`,
  });
  await router.ip("link set eth1 down");
  await router.ip("link set eth1 up");
}
