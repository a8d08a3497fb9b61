/**
 * `deno task demo`: two gateways on this machine negotiate keys, and carry a ping and a bulk transfer between the hosts
 * behind them; what is on the wire is looked at. Needs Linux, iproute2 and the right to make network namespaces, which
 * a user namespace gives where one is not root. Exit status 0 only if everything was seen.
 */
import { fileURLToPath } from "node:url";
import { CONN, DemoGateways, NotSeen } from "./_demo_gateways.ts";
import { DemoTraffic } from "./_demo_traffic.ts";
import { ADDRESS, attempt, type FourHosts, fourHosts, until } from "./_net.ts";
import { Screen } from "./_screen.ts";
import { netRights, runAgain } from "./_user_namespace.ts";
import { dump, holds, type SeenPacket, Wire } from "./_wire.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const AT = ADDRESS.inet;
/** What every ping carries: 16 characters, as many as a pattern of ping(8) may have. */
const TEXT = "honk at midnight";
const MEASURED_SECONDS = 3;
/** Asked while keys are replaced: three seconds of it. */
const STREAM_PACKETS = 300;
/** Bytes of a packet that are shown. */
const SHOWN_BYTES = 96;

const PICTURE = `
sunset ------------- west ================== east ------------- sunrise
10.1.0.10    10.1.0.1    192.0.2.1    192.0.2.2    10.2.0.1   10.2.0.10
`;

/** What the chapters share. */
interface Scene {
  readonly screen: Screen;
  readonly four: FourHosts;
  readonly gateways: DemoGateways;
  readonly traffic: DemoTraffic;
}

/** Makes dist/ipsec, which all hosts will run; IPSEC_BIN names another one. */
async function build(screen: Screen): Promise<void> {
  screen.chapter(1, "One executable file");
  if (!Deno.env.get("IPSEC_BIN")) {
    screen.wait("building dist/ipsec");
    const ran = await attempt([Deno.execPath(), "run", "-A", `${ROOT}tools/build.ts`]);
    if (ran.status !== 0) throw new NotSeen(`dist/ipsec could not be built:\n${ran.stderr.trimEnd()}`);
    screen.say(ran.stdout.trim());
    Deno.env.set("IPSEC_BIN", `${ROOT}dist/ipsec`);
  }
  screen.wait("starting it for the first time");
  const version = await attempt([Deno.env.get("IPSEC_BIN")!, "--version"]);
  if (version.status !== 0) throw new NotSeen(`It does not start: ${version.stderr.trimEnd()}`);
  screen.output(version.stdout.trim().split("\n").slice(2).join("\n"));
}

async function showNet({ screen, traffic }: Scene): Promise<void> {
  screen.say("Each is a network namespace on this machine; your own network is not touched.");
  screen.say(PICTURE);
  screen.say("west and east are gateways; the line between them stands for the Internet.");
  screen.wait("sunset asks sunrise");
  const ran = await traffic.ping(TEXT, { once: true });
  if (ran.status === 0) throw new NotSeen("sunset reaches sunrise before there is a tunnel.");
  screen.say("sunset cannot reach sunrise yet: the gateways know no way to each other's networks.");
}

async function configure({ screen, gateways }: Scene): Promise<void> {
  screen.say("One file for both gateways; each finds out whether it is left or right. /etc/ipsec.conf:");
  screen.output(gateways.configure());
  screen.say(
    "And a secret that they share. It is made here, brought to east by a way that nobody reads, and not shown:",
  );
  await gateways.shareSecret();
}

async function start({ screen, gateways }: Scene): Promise<void> {
  await gateways.typeOnBoth("ipsec setup start");
  const { west } = gateways.four;
  screen.output(await gateways.type(west, "ipsec setup status"));
  screen.say("This has started KLIPS, the packet engine, and pluto, which negotiates keys by IKE.");
  const eroutes = await gateways.type(west, "ipsec eroute");
  screen.output(eroutes);
  if (!/%trap$/m.test(eroutes)) throw new NotSeen("The connection is not routed.");
  screen.say(
    "%trap, by auto=route: the first packet would bring the connection up. Nothing passes in the clear any more.",
  );
}

async function negotiate({ screen, gateways }: Scene): Promise<void> {
  screen.say("One need not wait for that packet, and sees what happens:");
  await gateways.bringUp();
  screen.say("Six messages (Main Mode) proved who the gateways are, three more (Quick Mode) made the tunnel's keys.");
}

/** Packets that are neither ESP between the gateways nor what IPv6 devices say to each other by themselves. */
function strangers(packets: readonly SeenPacket[]): SeenPacket[] {
  const ends = [AT.west, AT.east] as string[];
  return packets.filter(({ protocol, source, destination }) =>
    protocol !== "ICMPv6" && !destination.startsWith("ff02:") &&
    !(protocol === "ESP" && ends.includes(source) && ends.includes(destination))
  );
}

function showPacket(screen: Screen, where: string, { protocol, source, destination, bytes, headerBytes }: SeenPacket) {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const esp = protocol === "ESP"
    ? `, SPI 0x${view.getUint32(headerBytes).toString(16).padStart(8, "0")}, number ${view.getUint32(headerBytes + 4)}`
    : "";
  screen.say(`\n${where}: ${source} -> ${destination}, ${protocol}${esp}, ${bytes.length} bytes`);
  screen.output(dump(bytes.subarray(0, SHOWN_BYTES)).join("\n"));
}

async function pingThrough({ screen, traffic, four: { west } }: Scene): Promise<void> {
  const inside = await Wire.watch(west, "eth1");
  const outside = await Wire.watch(west, "eth0");
  const ran = await traffic.ping(TEXT);
  screen.command("sunset", ran.command);
  screen.output(ran.stdout);
  if (ran.status !== 0) throw new NotSeen(`sunrise did not answer through the tunnel. ${ran.stderr.trim()}`);

  const esp = () => outside.packets.filter(({ protocol }) => protocol === "ESP");
  await until("three ESP packets in each direction on the wire", () => esp().length >= 6);
  const plain = inside.packets.find(({ bytes }) => holds(bytes, TEXT));
  if (!plain) throw new NotSeen("The ping was not seen on the cable between sunset and west.");
  showPacket(screen, "On the cable from sunset to west", plain);
  showPacket(screen, "On the wire from west to east", esp()[0]);

  const all = outside.packets;
  const strange = strangers(all);
  if (strange.length > 0) {
    const list = strange.map(({ protocol, source, destination }) => `${source} -> ${destination}, ${protocol}`);
    throw new NotSeen(`Not all between west and east was ESP:\n${list.join("\n")}`);
  }
  const readable = all.filter(({ bytes }) => holds(bytes, TEXT));
  if (readable.length > 0) throw new NotSeen(`"${TEXT}" could be read between west and east.`);
  screen.say(
    `\n${esp().length} ESP packets, and nothing else of the ping: "${TEXT}" stands in none of them.`,
  );
  await inside.stop();
  await outside.stop();
}

async function showCounters({ screen, gateways, four: { west } }: Scene): Promise<void> {
  const eroutes = await gateways.type(west, "ipsec eroute");
  screen.output(eroutes);
  if (!/^3\s+10\.1\.0\.0\/24/m.test(eroutes)) throw new NotSeen("The eroute did not count the three pings.");
  const status = await gateways.type(west, "ipsec auto --status");
  screen.output(status.split("\n").filter((line) => line.includes(`"${CONN}"`)).join("\n"));
  screen.say("(of this listing, what is about the connection)");
  screen.output(await gateways.type(west, "ipsec klips --status"));
  screen.say("`no eroute' are packets that ipsec0 itself sent (IPv6 looking for routers): no policy, no passage.");
}

async function replaceKeys({ screen, gateways, traffic }: Scene): Promise<void> {
  screen.say(
    "pluto replaces keys by itself before they are old. Here it is told to, while sunset asks 100 times a second:",
  );
  screen.wait("sunset asks");
  const streaming = traffic.stream(STREAM_PACKETS);
  const spi = await gateways.bringUp();
  const { sent, answered } = await streaming;
  screen.say(`${sent} packets, ${answered} answers; west sends with SPI ${spi} now.`);
  if (answered < sent) throw new NotSeen("Packets were lost while keys were replaced.");
}

async function measure({ screen, traffic, gateways }: Scene): Promise<void> {
  const how = traffic.hasIperf ? "iperf3" : "our own transfer, because iperf3 is not installed";
  screen.say(`One TCP connection from sunset to sunrise, AES-256-GCM (${how}):`);
  const once = async (what: string) => {
    screen.wait(what);
    const speed = await traffic.transfer(MEASURED_SECONDS);
    if (!(speed > 0)) throw new NotSeen("Nothing came through.");
    screen.say(`  ${what.padEnd(42)}${(speed / 1e9).toFixed(2)} Gbit/s`);
  };
  await once("ESP");
  screen.say("\nAnd with forceencaps=yes in the connection, on both:");
  gateways.configure("forceencaps=yes");
  await gateways.typeOnBoth(`ipsec auto --replace ${CONN}`);
  await gateways.bringUp();
  await once("ESP in UDP, as it passes through NAT");
  screen.say("Four hosts share this machine's processors here; two gateways of their own would have one each.");
}

const CHAPTERS: [title: string, play: (scene: Scene) => Promise<void>][] = [
  ["Four hosts", showNet],
  ["What is to be protected", configure],
  ["IPsec is started on both gateways", start],
  ["The gateways negotiate", negotiate],
  ["A ping from sunset to sunrise", pingThrough],
  ["What west has counted", showCounters],
  ["New keys, while packets pass", replaceKeys],
  ["How fast it is", measure],
];

const EPILOGUE = `
What you have just seen: two gateways without any IPsec in their kernels encrypted everything between two networks.
Whoever listens between them learns who the gateways are and how much they send, and nothing else; whoever changes,
repeats or invents a packet sees it dropped. All of it was done by one file, dist/ipsec; everything has been removed.

What to do next: build this between two hosts of your own, which takes five minutes: README.md, "Two hosts in five
minutes". \`dist/ipsec --help' lists the commands; each explains itself: dist/ipsec auto --help`;

async function play(screen: Screen, making: Promise<FourHosts>): Promise<void> {
  const four = await making;
  const scene = { screen, four, gateways: new DemoGateways(four, screen), traffic: await DemoTraffic.with(four) };
  for (const [i, [title, chapter]] of CHAPTERS.entries()) {
    screen.chapter(i + 2, title);
    await chapter(scene);
  }
}

async function lastWords({ west, east }: FourHosts): Promise<string> {
  const logs = await Promise.all([west, east].map(async ({ name, klipsLog }) => {
    const lines = (await Deno.readTextFile(klipsLog).catch(() => "")).trim().split("\n").slice(-5).filter(Boolean);
    return lines.map((line) => `${name}: ${line}\n`).join("");
  }));
  return logs.join("");
}

/** Signals end the play, not the process: what was made is removed first. */
const interruption = Promise.withResolvers<never>();
let interrupted = false;
const INTERRUPTED_STATUS = 130;

/** Given to itself when it runs again in a user namespace, which has no network to build with. */
const BUILT = "--built";

async function main(): Promise<number> {
  const screen = new Screen();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, () => {
      interrupted = true;
      interruption.reject(new NotSeen("Interrupted."));
    });
  }
  interruption.promise.catch(() => {}); // seen by the races below
  let making: Promise<FourHosts> | undefined;
  try {
    if (!Deno.args.includes(BUILT)) {
      const rights = await netRights();
      if ("lacks" in rights) {
        console.error(
          `The demonstration makes four hosts on this machine; that is not possible here.\n${rights.lacks}`,
        );
        return 1;
      }
      screen.say("oneswan: an encrypted tunnel between two gateways, on this machine");
      if (rights.words.length > 0) {
        screen.say("You are not root: the hosts will be made in a user namespace of their own.");
      }
      await Promise.race([build(screen), interruption.promise]);
      if (rights.words.length > 0) return await runAgain(rights.words, [BUILT]);
    }
    making = fourHosts();
    await Promise.race([play(screen, making), interruption.promise]);
  } catch (error) {
    if (interrupted) {
      screen.end("\nInterrupted; removing what was made.");
      return INTERRUPTED_STATUS;
    }
    screen.end(`\n${error instanceof Error ? error.message : error}`);
    const made = await making?.catch(() => undefined);
    if (made) console.error(await lastWords(made));
    return 1;
  } finally {
    screen.wait("cleaning up");
    const made = await making?.catch(() => undefined);
    await made?.[Symbol.asyncDispose]();
    screen.ready();
  }
  screen.say(EPILOGUE);
  return 0;
}

Deno.exit(await main());
