/**
 * What tunnels cost that IKE keys: CPU time of a set-up of both phases, and memory of an established tunnel. Main Mode
 * with a preshared key and MODP 2048, Quick Mode without PFS; each tunnel has identities, networks and a phase 1 of its own.
 * The daemons write their logs into files, as much as they do without being told, and are asked over their control sockets
 * from here: a program for each tunnel would leave them cold caches.
 */
import { ADDRESS, type Host, run, until } from "../tools/_net.ts";
import { conn, Pluto } from "../tests/netns/_pluto.ts";
import { REQUEST_VERSION } from "../lib/pluto/request.ts";
import { plutoPaths } from "../lib/system/paths.ts";
import { askPluto } from "../lib/system/whack_client.ts";
import { Charon, type Settings } from "../tests/interop/_charon.ts";
import { makePair, type Pair } from "./_candidate.ts";
import { median } from "./_median.ts";
import { ViciSocket } from "./_vici_socket.ts";

export const TUNNELS = 400;
/** Before the first figure: what is loaded or compiled at first use is not counted. */
const WARM_UP = 100;
const SECRET = "only for the benchmark";
const AT = ADDRESS.inet;

export interface KeyingCost {
  /** Of one end, for one tunnel: `utime` and `stime` of everything that runs there. */
  readonly cpuMsPerEnd: number;
  /** Resident memory that one tunnel takes of one end. */
  readonly bytesPerTunnel: number;
}

export interface KeyingCandidate {
  readonly name: string;
  /** Starts both ends, with a connection for each tunnel, none of them up. */
  start(pair: Pair): Promise<KeyingEnds>;
}

interface KeyingEnds {
  /** West begins; returns when these are established on both ends. */
  up(from: number, to: number): Promise<void>;
}

const addressOf = (network: number, tunnel: number, host: number) =>
  `10.${network * 16 + (tunnel >> 8)}.${tunnel & 255}.${host}`;
const clientOf = (network: number, tunnel: number) => `${addressOf(network, tunnel, 0)}/24`;
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

export const OUR_KEYING: KeyingCandidate = {
  name: "oneswan",
  async start({ west, east }) {
    const conns = numbers(0, TUNNELS + WARM_UP).map((i) =>
      conn(`t${i}`, {
        left: AT.west,
        leftid: `@west${i}`,
        leftsubnet: clientOf(1, i),
        right: AT.east,
        rightid: `@east${i}`,
        rightsubnet: clientOf(2, i),
        authby: "secret",
        ike: "aes128-sha2_256-modp2048",
        esp: "aes128gcm16",
        pfs: "no",
        auto: "add",
      })
    );
    const options = { conns, secrets: `: PSK "${SECRET}"\n` };
    const [left, right] = await Promise.all([west, east].map((host) => Pluto.start(host, options)));
    return {
      async up(from, to) {
        for (const i of numbers(from, to)) await initiate(west, `t${i}`);
        for (const pluto of [left, right]) await pluto.has(to, undefined);
      },
    };
  },
};

/** As whack does; returns once the connection is up. */
async function initiate(host: Host, name: string): Promise<void> {
  const lines: string[] = [];
  const line = (text: string) => void lines.push(text);
  const { socket } = plutoPaths((variable) => host.env[variable]);
  const status = await askPluto(socket, { version: REQUEST_VERSION, name, initiate: true }, {
    line,
    prompt: () => Promise.resolve(undefined),
    complain: line,
  });
  if (status !== 0) throw new Error(`${name} does not come up on ${host.name}: ${lines.join("\n")}`);
}

export const THEIR_KEYING: KeyingCandidate = {
  name: "strongSwan with kernel-libipsec",
  async start({ west, east }) {
    const settings = (own: string, peer: string, [ownName, ownNet]: Ends, [peerName, peerNet]: Ends): Settings => ({
      connections: Object.fromEntries(
        numbers(0, TUNNELS + WARM_UP).map((i) => [`t${i}`, {
          version: 1,
          local_addrs: own,
          remote_addrs: peer,
          proposals: "aes128-sha256-modp2048",
          local: { auth: "psk", id: `${ownName}${i}` },
          remote: { auth: "psk", id: `${peerName}${i}` },
          children: {
            [`t${i}`]: { local_ts: clientOf(ownNet, i), remote_ts: clientOf(peerNet, i), esp_proposals: "aes128gcm16" },
          },
        }]),
      ),
      secrets: { ike: { secret: `"${SECRET}"` } },
    });
    // its route into a network needs an address of that network
    for (const [host, network] of [[west, 1], [east, 2]] as const) {
      const lines = numbers(0, TUNNELS + WARM_UP).map((i) => `addr replace ${addressOf(network, i, 1)}/32 dev lo\n`);
      await host.run(["ip", "-batch", "-"], { input: lines.join("") });
    }
    const charon = { filelog: { stderr: { default: -1 }, file: { path: "/run/charon.log" } } };
    const [left, right] = await Promise.all([
      Charon.start(west, { charon, swanctl: settings(AT.west, AT.east, ["west", 1], ["east", 2]) }),
      Charon.start(east, { charon, swanctl: settings(AT.east, AT.west, ["east", 2], ["west", 1]) }),
    ]);
    return {
      async up(from, to) {
        using vici = await ViciSocket.connect(left.socket);
        for (const i of numbers(from, to)) await vici.request("initiate", { child: `t${i}` });
        await until("all are up on both ends", async () => {
          return (await Promise.all([left.sas(), right.sas()])).every((sas) => sas.length >= to);
        });
      },
    };
  },
};

type Ends = readonly [name: string, network: number];

export async function measureKeying(candidate: KeyingCandidate): Promise<KeyingCost> {
  await using pair = await makePair();
  const { up } = await candidate.start(pair);
  await up(0, WARM_UP);
  const before = await costs(pair);
  await up(WARM_UP, WARM_UP + TUNNELS);
  const after = await costs(pair);
  const ends = TUNNELS * 2;
  return {
    cpuMsPerEnd: (after.cpuMs - before.cpuMs) / ends,
    bytesPerTunnel: (after.bytes - before.bytes) / ends,
  };
}

export function medianKeying(rounds: readonly KeyingCost[]): KeyingCost {
  return {
    cpuMsPerEnd: median(rounds.map(({ cpuMsPerEnd }) => cpuMsPerEnd)),
    bytesPerTunnel: median(rounds.map(({ bytesPerTunnel }) => bytesPerTunnel)),
  };
}

/** Of all that runs on both hosts. */
async function costs({ west, east }: Pair): Promise<{ readonly cpuMs: number; readonly bytes: number }> {
  const lists = await Promise.all([west, east].map(({ namespace }) => run(["ip", "netns", "pids", namespace])));
  const pids = lists.flatMap((list) => list.split("\n").filter(Boolean).map(Number));
  const sum = (of: (pid: number) => number) => pids.reduce((total, pid) => total + of(pid), 0);
  return { cpuMs: sum(cpuMs), bytes: sum(residentBytes) };
}

/** proc_pid_stat(5): clock ticks of 10 ms in the 14th and 15th field. */
const TICK_MS = 10;

function cpuMs(pid: number): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/^.*\) /, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

function residentBytes(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+)/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))!;
  return Number(kilobytes) << 10;
}
