/**
 * Scenarios: hosts as network namespaces, KLIPS on the gateways, real traffic. Each reads like a story and draws its
 * net first. What a scenario makes goes with it, and a failure shows the last words of KLIPS and pluto on every host.
 */
import { PfkeyClient } from "../../lib/pfkey/client.ts";
import type { FourHosts, Host, Net } from "../../tools/_net.ts";
import { type NeedName, testWith } from "../interop/_needs.ts";
import { type Keying, keyTunnel } from "../../tools/_keying.ts";

const LOG_LINES = 12;

/** Hosts on one net. */
export interface Cast extends AsyncDisposable {
  readonly net: Net;
}

/** Runs a part of a scenario under a name of its own. */
export type Step = (name: string, part: () => Promise<void>) => Promise<void>;

/**
 * @param make the net that the scenario plays on
 * @param story gets the hosts, and `step` for parts that deserve a line of their own
 * @param more what it needs of this machine beyond what most do
 */
export function scenario<C extends Cast>(
  name: string,
  make: () => Promise<C>,
  story: (cast: C & { readonly step: Step }) => Promise<void>,
  more: readonly NeedName[] = [],
): void {
  testWith(["root", "ping", "tcpdump", "iperf3", ...more], name, async (t) => {
    await using cast = await make();
    const { net } = cast;
    const step: Step = async (part, run) => {
      await t.step(part, () => withLogs(net, run)); // a failed step fails the test; the story goes on
    };
    await withLogs(net, () => story(Object.assign(cast, { step })));
  });
}

async function withLogs(net: Net, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const logs = Object.values(net.hosts).map(lastWords).join("");
    throw new Error(`${error.message}${logs}`, { cause: error });
  }
}

function lastWords({ name, directory, klipsLog }: Host): string {
  return Object.entries({ KLIPS: klipsLog, pluto: `${directory}/run/pluto.log` }).map(([program, log]) => {
    try {
      const lines = Deno.readTextFileSync(log).trimEnd().split("\n").slice(-LOG_LINES);
      return `\n--- ${program} on ${name}:\n${lines.join("\n")}`;
    } catch {
      return ""; // it does not run there
    }
  }).join("");
}

/** Forgets SAs, eroutes and routes into ipsec0, and keys anew. */
export async function rekey(four: FourHosts, keying: Keying, spi?: number): Promise<void> {
  await Promise.all([four.west, four.east].map(forget));
  await keyTunnel(four, keying, spi);
}

/** Removes every SA and eroute of a host, and its routes into ipsec0. */
export async function forget(host: Host): Promise<void> {
  await host.ipsec("eroute --clear");
  await host.ipsec("spi --clear");
  for (const family of ["-4", "-6"]) await host.ip(`${family} route flush dev ipsec0`);
}

/** The numbers that `ipsec klips --status --json` gives of one virtual interface. */
export interface InterfaceStatus {
  readonly interface: string;
  readonly physical: string | null;
  readonly rxPackets: number;
  readonly rxBytes: number;
  readonly txPackets: number;
  readonly txBytes: number;
  /** Packets by the name of the reason for which they were dropped. */
  readonly drops: Record<string, number>;
}

export async function interfaceStatus(host: Host, name = "ipsec0"): Promise<InterfaceStatus> {
  const { interfaces } = JSON.parse(await host.ipsec("klips --status --json"));
  const found = (interfaces as InterfaceStatus[]).find((one) => one.interface === name);
  if (!found) throw new Error(`${host.name} has no ${name}`);
  return found;
}

/** A PF_KEY connection to the KLIPS of a host: its socket is a file, which namespaces do not hide. */
export function pfkeyClient(host: Host): Promise<PfkeyClient> {
  return PfkeyClient.connect(`${host.directory}/run/pfkey.sock`);
}

/** Sets what was a file in /proc/sys/net/ipsec. */
export async function writeSysctl(host: Host, name: string, value: number): Promise<void> {
  const client = await pfkeyClient(host);
  try {
    await client.writeProc(`sys/net/ipsec/${name}`, String(value));
  } finally {
    client.close();
  }
}
