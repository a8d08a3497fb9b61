/**
 * Hosts that know of each other only what the DNS says: keys of their own, records in signed zones, a validating resolver
 * on each.
 *
 * ```
 * sunset 10.1.0.10 -- 10.1.0.1 west 192.0.2.1 ------ 192.0.2.254 net 198.51.100.254 ------ 198.51.100.2 east
 *   eth0                 eth1       eth0                203.0.113.53 (Knot)                    eth0
 * ```
 * `north` 192.0.2.9 stands beside west and runs no IPsec.
 */
import { newhostkey } from "../../commands/newhostkey.ts";
import { showhostkey } from "../../commands/showhostkey.ts";
import { type Host, Net } from "../../tools/_net.ts";
import { Authority, ValidatingResolver, type Zones } from "../interop/_dns_servers.ts";
import { Pluto } from "./_pluto.ts";

export const AT = {
  sunset: "10.1.0.10",
  west: "192.0.2.1",
  north: "192.0.2.9",
  east: "198.51.100.2",
  ns: "203.0.113.53",
} as const;
export type HostName = "west" | "east";

/** Reverse maps, by the first three bytes of addresses. */
export const REVERSE = {
  sunset: "0.1.10.in-addr.arpa.",
  west: "2.0.192.in-addr.arpa.",
  east: "100.51.198.in-addr.arpa.",
} as const;

export interface HostKey {
  readonly secrets: string;
  /** A TXT record that names `gateway`. */
  txt(gateway: string): Promise<string>;
  /** A record as `ipsec showhostkey` gives it for these words. */
  record(...words: string[]): Promise<string>;
}

export type HostKeys = Readonly<Record<HostName, HostKey>>;

export interface OpportunistsOptions {
  /** Records of zones that differ from, or are beside, a TXT record in the reverse map for each host. */
  zones?(keys: HostKeys): Promise<Zones>;
}

export interface Opportunists extends AsyncDisposable {
  readonly net: Net;
  readonly sunset: Host;
  readonly west: Host;
  readonly north: Host;
  readonly east: Host;
  readonly authority: Authority;
  readonly resolvers: Readonly<Record<HostName, ValidatingResolver>>;
  readonly keys: HostKeys;
  /** Starts IPsec with policy groups, each a list of networks. */
  start(host: Host, groups: Readonly<Record<string, readonly string[]>>, more?: StartOptions): Promise<Pluto>;
}

export interface StartOptions {
  readonly setup?: readonly string[];
  readonly conns?: readonly string[];
}

export async function opportunists({ zones: more }: OpportunistsOptions = {}): Promise<Opportunists> {
  const net = await Net.make(["sunset", "west", "north", "net", "east"], [
    ["sunset", "eth0", "west", "eth1"],
    ["west", "eth0", "net", "eth0"],
    ["north", "eth0", "net", "eth1"],
    ["east", "eth0", "net", "eth2"],
  ]);
  try {
    const { sunset, west, north, net: router, east } = net.hosts;
    await sunset.ip(`addr add ${AT.sunset}/24 dev eth0`);
    await west.ip("addr add 10.1.0.1/24 dev eth1");
    await sunset.ip("route add default via 10.1.0.1");
    await west.sysctl("net.ipv4.ip_forward", 1);
    await connect(router, west, "eth0", AT.west, "192.0.2.254");
    await connect(router, north, "eth1", AT.north, "192.0.2.254");
    await connect(router, east, "eth2", AT.east, "198.51.100.254");
    await router.ip(`addr add ${AT.ns}/32 dev lo`);
    await router.ip(`route add 10.1.0.0/24 via ${AT.west} dev eth0`);
    await router.sysctl("net.ipv4.ip_forward", 1);
    const keys = { west: await newKey(), east: await newKey() };
    const zones = {
      [REVERSE.west]: `1 ${await keys.west.txt(AT.west)}`,
      [REVERSE.east]: `2 ${await keys.east.txt(AT.east)}`,
      ...await more?.(keys),
    };
    const authority = await Authority.start(router, AT.ns, zones);
    // Unbound answers for private addresses itself unless it is told not to
    const local = [...Object.keys(zones), "10.in-addr.arpa."];
    const resolvers = {
      west: await ValidatingResolver.start(west, authority, local),
      east: await ValidatingResolver.start(east, authority, local),
    };
    const start: Opportunists["start"] = (host, groups, more = {}) =>
      startHost(host, keys[host.name as HostName], groups, more);
    return {
      net,
      sunset,
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
  const named = setup.some((line) => line.startsWith("resolvers="));
  const files = Object.entries(groups).map(([name, networks]) => [`policies/${name}`, `${networks.join("\n")}\n`]);
  return await Pluto.start(host, {
    conns,
    interfaces: "%defaultroute",
    secrets: key.secrets,
    setup: ["plutodebug=oppo", ...named ? [] : ["resolvers=127.0.0.1"], ...setup],
    files: Object.fromEntries(files),
  });
}

export async function newKey(): Promise<HostKey> {
  const folder = await Deno.makeTempDir({ prefix: "oneswan-key-" });
  try {
    const file = `${folder}/ipsec.secrets`;
    await quietly((io) => newhostkey.run(["--output", file, "--bits", "2048"], io));
    const secrets = await Deno.readTextFile(file);
    const record = (...words: string[]) => recordOf(secrets, words);
    return { secrets, record, txt: (gateway) => record("--txt", gateway) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** `TXT "X-IPsec-Server(10)=192.0.2.1 AQ..." "..."` */
async function recordOf(secrets: string, words: readonly string[]): Promise<string> {
  const file = await Deno.makeTempFile({ prefix: "oneswan-key-" });
  try {
    await Deno.writeTextFile(file, secrets, { mode: 0o600 });
    const text = await quietly((io) => showhostkey.run(["--file", file, ...words], io));
    // Knot takes the flags of a KEY record in decimal only
    return /\b(?:TXT|KEY|IPSECKEY)\s.*/s.exec(text)![0].trim().replace("0x4200", "16896");
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
