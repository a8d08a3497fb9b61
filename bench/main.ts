/**
 * `deno task bench`: our figures beside those of each peer that is installed, measured in the same run, and the ratios.
 * Needs root, iproute2, iperf3 and ping. `--only TEXT` runs the rows whose name contains TEXT; `--seconds N` per figure.
 */
import { parseArgs } from "node:util";
import { INNER, Net, run } from "./_net.ts";
import { libipsec, oneswan, type Peer, plainVeth, wireguardGo, wireguardGoNew } from "./_peers.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    seconds: { type: "string", default: "5" },
    rounds: { type: "string", default: "1" },
  },
});
const seconds = values.seconds;

interface Figures {
  readonly name: string;
  readonly gigabits: number;
  readonly packets: number;
  readonly microseconds: number;
}

async function iperf(net: Net, ...words: string[]): Promise<Record<string, Record<string, number>>> {
  const server = net.start("east", ["iperf3", "-s", "-1", "-B", INNER.east]);
  await new Promise((resolve) => setTimeout(resolve, 400));
  const text = await net.run("west", ["iperf3", "-J", "-c", INNER.east, "-B", INNER.west, "-t", seconds, ...words]);
  await server.status;
  return JSON.parse(text).end;
}

async function measure(peer: Peer): Promise<Figures> {
  const net = new Net();
  try {
    await net.up();
    await peer.up(net);
    await net.run("west", ["ping", "-c2", "-i0.2", "-W2", "-I", INNER.west, INNER.east]);
    const tcp = await iperf(net, "-O", "1");
    const udp = await iperf(net, "-u", "-b", "0", "-l", "64");
    const ping = await net.run("west", ["ping", "-q", "-c", "500", "-i", "0.002", "-I", INNER.west, INNER.east]);
    const average = Number(/= [\d.]+\/([\d.]+)\//.exec(ping)?.[1]) * 1000;
    await peer.down(net);
    const received = udp.sum.packets - udp.sum.lost_packets;
    return {
      name: peer.name,
      gigabits: tcp.sum_received.bits_per_second / 1e9,
      packets: received / udp.sum.seconds,
      microseconds: average,
    };
  } finally {
    await net.down();
  }
}

const ipsec = await builtIpsec();
const peers: Peer[] = [
  plainVeth,
  libipsec,
  wireguardGo,
  wireguardGoNew,
  oneswan(ipsec, "aes128gcm16", true),
  oneswan(ipsec, "aes128gcm16", false),
  oneswan(ipsec, "aes128-sha1-96", true),
  oneswan(ipsec, "aes128-sha1-96", false),
  oneswan(ipsec, "aes256-sha2_256-128", true),
  oneswan(ipsec, "aes256-sha2_256-128", false),
  oneswan(ipsec, "3des-sha1-96", true),
  oneswan(ipsec, "3des-sha1-96", false),
].filter((peer) => !values.only || peer.name.includes(values.only));

async function builtIpsec(): Promise<string> {
  const given = Deno.env.get("IPSEC_BIN");
  if (given) return given;
  await run([Deno.execPath(), "run", "-A", new URL("../tools/build.ts", import.meta.url).pathname]);
  return new URL("../dist/ipsec", import.meta.url).pathname;
}

const results: Figures[] = [];
for (const peer of peers) {
  const why = await peer.missing();
  if (why) {
    console.log(`${peer.name}: left out, ${why}`);
    continue;
  }
  for (let round = 0; round < Number(values.rounds); round++) {
    try {
      const figures = await measure(peer);
      results.push(figures);
      console.log(line(figures));
    } catch (error) {
      console.log(`${peer.name}: failed, ${(error as Error).message.trim()}`);
    }
  }
}

function line({ name, gigabits, packets, microseconds }: Figures): string {
  return `${name.padEnd(46)} ${gigabits.toFixed(2).padStart(7)} Gb/s ${
    (packets / 1000).toFixed(1).padStart(7)
  } k packets/s ` +
    `${microseconds.toFixed(0).padStart(6)} us round trip`;
}

const ours = results.filter((row) => row.name.startsWith("oneswan"));
const theirs = results.filter((row) => !row.name.startsWith("oneswan"));
if (ours.length > 0 && theirs.length > 0) console.log("\nratios, ours / theirs: throughput, small packets, round trip");
for (const row of ours) {
  for (const peer of theirs) {
    console.log(
      `${row.name.padEnd(46)} / ${peer.name.padEnd(42)} ${(row.gigabits / peer.gigabits).toFixed(2).padStart(6)} ` +
        `${(row.packets / peer.packets).toFixed(2).padStart(6)} ${
          (row.microseconds / peer.microseconds).toFixed(2).padStart(6)
        }`,
    );
  }
}
