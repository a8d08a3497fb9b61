/**
 * The tunnel between two networks that most suites negotiate: west is ours, east is strongSwan's.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 ====== 192.0.2.2 east -- sunrise 10.2.0.10
 * ```
 */
import { equal } from "node:assert/strict";
import { ADDRESS, type FourHosts, type Host } from "../../tools/_net.ts";
import { conn, type Parameters, Pluto, type PlutoOptions } from "../netns/_pluto.ts";
import { contains, isEspInUdp, MARKER, MARKER_WORDS, type Packet, Wire } from "../netns/_wire.ts";
import { Charon, type CharonOptions, type Settings } from "./_charon.ts";

export const AT = ADDRESS.inet;
export const SECRET = "of the tests and of nothing else";
export const SECRETS = `: PSK "${SECRET}"\n`;
const PINGS = 3;

/** West's conn; `keyingtries` is such that a failure shows at once. */
export function ourConn(name = "office", more: Parameters = {}): string {
  return conn(name, {
    left: AT.west,
    leftsubnet: AT.westNet,
    right: AT.east,
    rightsubnet: AT.eastNet,
    authby: "secret",
    ike: "aes128-sha2_256-modp2048",
    esp: "aes128gcm16",
    forceencaps: "yes",
    keyingtries: "1",
    auto: "add",
    ...more,
  });
}

/** East's side of it. `more` is of the connection, `child` of its CHILD_SA. */
export function theirConnection(more: Settings = {}, child: Settings = {}): Settings {
  return {
    version: 1,
    local_addrs: AT.east,
    remote_addrs: AT.west,
    encap: true,
    proposals: "aes128-sha256-modp2048",
    // who knows whom he asks tells of his first contact
    local: { auth: "psk", id: AT.east },
    remote: { auth: "psk", id: AT.west },
    children: {
      net: { local_ts: AT.eastNet, remote_ts: AT.westNet, esp_proposals: "aes128gcm16-modp2048", ...child },
    },
    ...more,
  };
}

export const THEIR_SECRETS: Settings = { "ike-office": { secret: `"${SECRET}"` } };

export function theirOffice(more: Settings = {}, child: Settings = {}): CharonOptions {
  return { swanctl: { connections: { office: theirConnection(more, child) }, secrets: THEIR_SECRETS } };
}

/** Both gateways. */
export async function startOffice(
  { west, east }: FourHosts,
  ours: PlutoOptions,
  theirs: CharonOptions,
): Promise<{ readonly pluto: Pluto; readonly charon: Charon }> {
  const [pluto, charon] = await Promise.all([Pluto.start(west, ours), Charon.start(east, theirs)]);
  return { pluto, charon };
}

/** A key pair of ours. @returns its record for ipsec.secrets, and `0s...` for ipsec.conf */
export async function newHostKey(host: Host): Promise<{ readonly record: string; readonly data: string }> {
  const file = `${host.directory}/key.secrets`;
  await host.ipsec(`newhostkey --output ${file} --bits 2048 --quiet`);
  const [, data] = /leftrsasigkey=(0s\S+)/.exec(await host.ipsec(`showhostkey --file ${file} --left`))!;
  return { record: await Deno.readTextFile(file), data };
}

const IKE_PORTS = [500, 4500];

/** IKE's own packets, and what neither of them is. */
function isIkeOrEsp({ ports }: Packet): boolean {
  return ports.some((port) => IKE_PORTS.includes(port));
}

/** Data goes both ways, and nothing but IKE and ESP in UDP is between the gateways. @param run what is done meanwhile */
export async function protectedTraffic(
  { sunset, sunrise, west }: FourHosts,
  run: () => Promise<unknown> = () => Promise.resolve(),
): Promise<void> {
  const wire = new Wire(await west.capture("eth0"));
  await run();
  await pingsBothWays(sunset, sunrise);
  await wire.saw("ESP in UDP", isEspInUdp, 8);
  const packets = await wire.stop();
  equal(packets.filter((packet) => !isIkeOrEsp(packet) && packet.version === 4).length, 0, "packets in clear");
  equal(packets.filter((packet) => contains(packet, MARKER)).length, 0, "packets with what was pinged");
}

async function pingsBothWays(sunset: Host, sunrise: Host): Promise<void> {
  const words = `-c ${PINGS} -i 0.05 -W 2 ${MARKER_WORDS}`;
  await sunset.pings(AT.sunrise, words);
  await sunrise.pings(AT.sunset, words);
}
