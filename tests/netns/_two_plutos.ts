/**
 * Two gateways of ours that key each other.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 ====== 192.0.2.2 east -- sunrise 10.2.0.10
 * ```
 */
import { ADDRESS, type FourHosts } from "../../tools/_net.ts";
import { conn, type Parameters, Pluto, type PlutoOptions } from "./_pluto.ts";

export const AT = ADDRESS.inet;
export const SECRETS = ': PSK "of the tests and of nothing else"\n';

/** The same text is for both ends. A failure shows at once: one attempt. */
export function tunnel(name = "office", more: Parameters = {}): string {
  return conn(name, {
    left: AT.west,
    leftsubnet: AT.westNet,
    right: AT.east,
    rightsubnet: AT.eastNet,
    authby: "secret",
    ike: "aes128-sha2_256-ecp256",
    esp: "aes128gcm16",
    keyingtries: "1",
    auto: "add",
    ...more,
  });
}

/** @param options of both, or of each */
export async function startBoth(
  { west, east }: FourHosts,
  options: PlutoOptions | { readonly west: PlutoOptions; readonly east: PlutoOptions },
): Promise<{ readonly west: Pluto; readonly east: Pluto }> {
  const of = "west" in options ? options : { west: options, east: options };
  const [left, right] = await Promise.all([Pluto.start(west, of.west), Pluto.start(east, of.east)]);
  return { west: left, east: right };
}
