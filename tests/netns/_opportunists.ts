/**
 * Hosts that know of each other only what the DNS says: keys of their own, records in signed zones, a validating resolver
 * on each.
 *
 * ```
 * west 192.0.2.1 ------ 192.0.2.254 net 198.51.100.254 ------ 198.51.100.2 east
 *                          203.0.113.53 (Knot)
 * ```
 * `north` 192.0.2.9 stands beside west and runs no IPsec.
 */
import { newhostkey } from "../../commands/newhostkey.ts";
import { showhostkey } from "../../commands/showhostkey.ts";
import { type Host, Net } from "../../tools/_net.ts";
import { Authority, ValidatingResolver } from "../interop/_dns_servers.ts";
import { Pluto } from "./_pluto.ts";

export const AT = { west: "192.0.2.1", north: "192.0.2.9", east: "198.51.100.2", ns: "203.0.113.53" } as const;
export type HostName = "west" | "east";

/** Reverse maps, by the first three bytes of addresses. */
export const REVERSE = { west: "2.0.192.in-addr.arpa.", east: "100.51.198.in-addr.arpa." } as const;

export interface HostKey {
  readonly secrets: string;
  /** Of a TXT record that names `gateway`. */
  txt(gateway: string): Promise<string>;
}

export interface Opportunists extends AsyncDisposable {
  readonly net: Net;
  readonly west: Host;
  readonly north: Host;
  readonly east: Host;
  readonly authority: Authority;
  readonly resolvers: Readonly<Record<HostName, ValidatingResolver>>;
  readonly keys: Readonly<Record<HostName, HostKey>>;
  /** Starts IPsec with policy groups, each a list of networks. */
  start(host: Host, groups: Readonly<Record<string, readonly string[]>>, more?: StartOptions): Promise<Pluto>;
}

export interface StartOptions {
  readonly setup?: readonly string[];
  readonly conns?: readonly string[];
}

export async function opportunists(): Promise<Opportunists> {
  const net = await Net.make(["west", "north", "net", "east"], [
    ["west", "eth0", "net", "eth0"],
    ["north", "eth0", "net", "eth1"],
    ["east", "eth0", "net", "eth2"],
  ]);
  try {
    const { west, north, net: router, east } = net.hosts;
    await connect(router, west, "eth0", AT.west, "192.0.2.254");
    await connect(router, north, "eth1", AT.north, "192.0.2.254");
    await connect(router, east, "eth2", AT.east, "198.51.100.254");
    await router.ip(`addr add ${AT.ns}/32 dev lo`);
    await router.sysctl("net.ipv4.ip_forward", 1);
    const keys = { west: await newKey(), east: await newKey() };
    const zones = {
      [REVERSE.west]: `1 ${await keys.west.txt(AT.west)}`,
      [REVERSE.east]: `2 ${await keys.east.txt(AT.east)}`,
    };
    const authority = await Authority.start(router, AT.ns, zones);
    const resolvers = {
      west: await ValidatingResolver.start(west, authority, Object.keys(zones)),
      east: await ValidatingResolver.start(east, authority, Object.keys(zones)),
    };
    const start: Opportunists["start"] = (host, groups, more = {}) =>
      startHost(host, keys[host.name as HostName], groups, more);
    return {
      net,
      west,
      north,
      east,
      authority,
      resolvers,
      keys,
      start,
      [Symbol.asyncDispose]: () => net[Symbol.asyncDispose](),
    };
  } catch (error) {
    await net[Symbol.asyncDispose]();
    throw error;
  }
}

/** Point to point, so that each host reaches all others by way of the router. */
async function connect(router: Host, host: Host, device: string, address: string, hop: string): Promise<void> {
  await host.ip(`addr add ${address} peer ${hop} dev eth0`);
  await host.ip(`route add default via ${hop} dev eth0`);
  await router.ip(`addr add ${hop} peer ${address} dev ${device}`);
}

async function startHost(
  host: Host,
  key: HostKey,
  groups: Readonly<Record<string, readonly string[]>>,
  { setup = [], conns = [] }: StartOptions,
): Promise<Pluto> {
  const files = Object.entries(groups).map(([name, networks]) => [`policies/${name}`, `${networks.join("\n")}\n`]);
  return await Pluto.start(host, {
    conns,
    interfaces: "%defaultroute",
    secrets: key.secrets,
    setup: ["resolvers=127.0.0.1", "oe=yes", ...setup],
    files: Object.fromEntries(files),
  });
}

export async function newKey(): Promise<HostKey> {
  const folder = await Deno.makeTempDir({ prefix: "oneswan-key-" });
  try {
    const file = `${folder}/ipsec.secrets`;
    await quietly((io) => newhostkey.run(["--output", file, "--bits", "2048"], io));
    const secrets = await Deno.readTextFile(file);
    return { secrets, txt: (gateway) => txtOf(secrets, gateway) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** `TXT "X-IPsec-Server(10)=192.0.2.1 AQ..." "..."` */
async function txtOf(secrets: string, gateway: string): Promise<string> {
  const file = await Deno.makeTempFile({ prefix: "oneswan-key-" });
  try {
    await Deno.writeTextFile(file, secrets, { mode: 0o600 });
    const text = await quietly((io) => showhostkey.run(["--file", file, "--txt", gateway], io));
    return text.slice(text.indexOf("TXT")).trim();
  } finally {
    await Deno.remove(file);
  }
}

type RunIo = Parameters<typeof newhostkey.run>[1];

/** @returns what a command prints; it must succeed */
async function quietly(run: (io: RunIo) => number | Promise<number>): Promise<string> {
  let text = "", complaint = "";
  const status = await run({
    stdout: (more) => void (text += more),
    stderr: (more) => void (complaint += more),
    stdoutIsTerminal: false,
    env: () => undefined,
  });
  if (status !== 0) throw new Error(complaint);
  return text;
}
