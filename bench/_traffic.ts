/** What a way from west to east carries: by iperf3(1) and ping(8), from west's inner address to east's. */
import { until } from "../tools/_net.ts";
import { AT, type Candidate, makePair, type Pair } from "./_candidate.ts";

export interface Traffic {
  /** One TCP stream, received, Gb/s. */
  readonly tcp: number;
  /** UDP datagrams of 64 bytes, received out of a flood, thousands a second. */
  readonly small: number;
  /** Round trip of a ping, average in microseconds. */
  readonly roundTrip: number;
}

/** Bytes of UDP payload of the small packets. */
const SMALL = 64;
const PINGS = 400;
/** Left out of the TCP figure, while the window opens. */
const SLOW_START_SECONDS = 1;

/** What iperf3 --json says of the receiver. */
interface Received {
  readonly bytes: number;
  readonly seconds: number;
  readonly bits_per_second: number;
}

async function iperf({ west, east }: Pair, words: string): Promise<Received> {
  const server = east.start(["iperf3", "--server", "--one-off", "--forceflush", "--bind", AT.eastInner]);
  await until("iperf3 listens", () => server.output.includes("listening"));
  const command = `iperf3 --json --client ${AT.eastInner} --bind ${AT.westInner} ${words}`;
  const { end } = JSON.parse(await west.run(command.split(" ")));
  await server.end();
  return end.sum_received;
}

async function ping({ west }: Pair): Promise<number> {
  const text = await west.pings(AT.eastInner, `-q -c ${PINGS} -i 0.002 -I ${AT.westInner}`);
  const average = / = [\d.]+\/([\d.]+)\//.exec(text);
  if (!average) throw new Error(`ping says no average: ${text.trim()}`);
  return Number(average[1]) * 1000;
}

/** All three figures over a fresh net. */
export async function measureTraffic(candidate: Candidate, seconds: number): Promise<Traffic> {
  await using pair = await makePair();
  await candidate.up(pair);
  await until("the first ping is answered", () => pair.west.canPing(AT.eastInner));
  const tcp = await iperf(pair, `--time ${seconds} --omit ${SLOW_START_SECONDS}`);
  const small = await iperf(pair, `--time ${seconds} --udp --bitrate 0 --length ${SMALL}`);
  const roundTrip = await ping(pair);
  return { tcp: tcp.bits_per_second / 1e9, small: small.bytes / SMALL / small.seconds / 1000, roundTrip };
}
