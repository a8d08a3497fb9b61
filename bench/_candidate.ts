/** A way to carry packets from west to east, and the net that all ways get alike. */
import { ADDRESS, attempt, type Host, Net } from "../tools/_net.ts";

export const AT = ADDRESS.inet;
/** MTU of every tunnel device: what is wireguard-go's own, and leaves room for every algorithm of ours. */
export const TUNNEL_MTU = 1420;
/** What installs everything that the benchmark compares with. */
export const INSTALL = "sudo bench/install_peers.sh";

/**
 * ```
 * west 10.1.0.1, 192.0.2.1 ---- 192.0.2.2, 10.2.0.1 east
 *                     eth0      eth0
 * ```
 */
export interface Pair extends AsyncDisposable {
  readonly west: Host;
  readonly east: Host;
}

export interface Candidate {
  readonly name: string;
  /** Name and version, for the head of the report. */
  version(): Promise<string>;
  /** What is not installed here, or undefined where it can run. */
  missing(): Promise<string | undefined>;
  /** What it starts ends with the net. */
  up(pair: Pair): Promise<void>;
}

export async function makePair(): Promise<Pair> {
  const net = await Net.make(["west", "east"], [["west", "eth0", "east", "eth0"]]);
  const { west, east } = net.hosts;
  try {
    for (const [host, outer, inner] of [[west, AT.west, AT.westInner], [east, AT.east, AT.eastInner]] as const) {
      await host.ip(`addr add ${outer}/24 dev eth0`);
      await host.ip(`addr add ${inner}/32 dev lo`);
    }
    return { west, east, [Symbol.asyncDispose]: () => net[Symbol.asyncDispose]() };
  } catch (error) {
    await net[Symbol.asyncDispose]();
    throw error;
  }
}

/** What one end knows of both. */
export interface End {
  readonly host: Host;
  readonly own: string;
  readonly peer: string;
  readonly ownInner: string;
  readonly ownNet: string;
  readonly peerNet: string;
}

export function endsOf({ west, east }: Pair): [west: End, east: End] {
  return [
    {
      host: west,
      own: AT.west,
      peer: AT.east,
      ownInner: AT.westInner,
      ownNet: AT.westNet,
      peerNet: AT.eastNet,
    },
    {
      host: east,
      own: AT.east,
      peer: AT.west,
      ownInner: AT.eastInner,
      ownNet: AT.eastNet,
      peerNet: AT.westNet,
    },
  ];
}

export async function isInstalled(program: string): Promise<boolean> {
  return (await attempt(["sh", "-c", 'command -v "$1"', "sh", program])).status === 0;
}

/** The first line that a program prints about its version. */
export async function versionOf(command: readonly string[]): Promise<string> {
  const { stdout, stderr } = await attempt(command);
  return (stdout.trim() || stderr.trim()).split("\n")[0];
}

/** The cable itself: what the machine can do without protection. */
export const PLAIN: Candidate = {
  name: "plain veth",
  version: async () => `Linux ${(await Deno.readTextFile("/proc/sys/kernel/osrelease")).trim()}`,
  missing: () => Promise.resolve(undefined),
  async up(pair) {
    for (const { host, peer, ownInner, peerNet } of endsOf(pair)) {
      await host.ip(`route add ${peerNet} via ${peer} src ${ownInner}`);
    }
  },
};
