/** `deno task demo` as a newcomer meets it, in a pipe. */
import { deepStrictEqual as deepEqual, doesNotMatch, match, strictEqual as equal } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { attempt, run, until } from "../tools/_net.ts";
import { testWith } from "./interop/_needs.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const DEMO = `${ROOT}tools/demo.ts`;
const COMMAND = [Deno.execPath(), "run", "-A", DEMO];

/** What the demonstration with this process id has left behind. */
async function leftOvers(pid: number): Promise<string[]> {
  const namespaces = (await run(["ip", "netns", "list"])).split("\n").map((line) => line.split(" ")[0]);
  return namespaces.filter((name) => name.startsWith(`osw${pid}x`));
}

interface Playing {
  readonly pid: number;
  output(): string;
  readonly status: Promise<number>;
  signal(name: Deno.Signal): void;
}

function play([program, ...args] = COMMAND): Playing {
  const child = new Deno.Command(program, {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  })
    .spawn();
  let output = "";
  const read = async (stream: ReadableStream<Uint8Array>) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) output += text;
  };
  const reading = Promise.all([read(child.stdout), read(child.stderr)]);
  const status = reading.then(async () => (await child.status).code);
  return { pid: child.pid, output: () => output, status, signal: (name) => child.kill(name) };
}

const SEEN: [what: string, pattern: RegExp][] = [
  ["the single file", /^ {3}\| oneswan .*: single file, /m],
  ["the picture", /^ {3}sunset -+ west =+ east -+ sunrise$/m],
  ["that there is no way yet", /sunset cannot reach sunrise yet/],
  ["the connection", /^ {3}\| conn office\n(?: {3}\| {5}\w+=.*\n)* {3}\| {5}authby=secret$/m],
  ["a secret made, and not shown", /^ {3}west# echo "192\.0\.2\.1 192\.0\.2\.2 : PSK \$\(ipsec ranbits 256\)"/m],
  ["IPsec being started", /^ {3}west# ipsec setup start\n {3}east# ipsec setup start$/m],
  ["that it runs", /^ {3}\| IPsec running$/m],
  ["the trap", /^ {3}\| 0 +10\.1\.0\.0\/24 +-> 10\.2\.0\.0\/24 +=> %trap$/m],
  [
    "both phases",
    /^ {3}\| 004 "office" #1: STATE_MAIN_I4: .*\n.*\n {3}\| 004 "office" #2: STATE_QUICK_I2: .* \{ESP=>0x/m,
  ],
  ["the answers", /3 packets transmitted, 3 received/],
  ["the text on the inner cable", /On the cable from sunset to west: .* ICMP, .*\n(?: {3}\|.*\n)*.*midnighthonk/],
  [
    "ESP on the outer wire",
    /On the wire from west to east: 192\.0\.2\.1 -> 192\.0\.2\.2, ESP, SPI 0x[0-9a-f]{8}, number 1, /,
  ],
  ["that the text is not there", /6 ESP packets, and nothing else of the ping/],
  ["the eroute's count", /^ {3}\| 3 +10\.1\.0\.0\/24 +-> 10\.2\.0\.0\/24/m],
  ["who owns the eroute", /^ {3}\| 000 "office": .*; erouted; eroute owner: #2$/m],
  ["new keys without a loss", /^ {3}300 packets, 300 answers; west sends with SPI 0x[0-9a-f]{8} now\.$/m],
  ["ESP in UDP", /^ {3}\| 004 "office" #5: .* \{ESP\/NAT=>0x/m],
  ["the speed of ESP", /^ {5}ESP +\d+\.\d\d Gbit\/s$/m],
  ["the speed of ESP in UDP", /^ {5}ESP in UDP.* \d+\.\d\d Gbit\/s$/m],
  ["what it was", /What you have just seen: /],
  ["what to do next", /What to do next: /],
];

testWith(["root", "ping"], "demo shows a tunnel from beginning to end, and leaves nothing", async (t) => {
  const demo = play();
  equal(await demo.status, 0, demo.output());
  for (const [what, pattern] of SEEN) await t.step(`it shows ${what}`, () => match(demo.output(), pattern));
  // deno-lint-ignore no-control-regex
  await t.step("plain lines in a pipe", () => doesNotMatch(demo.output(), /[\x1b\r]/));
  await t.step("no key", () => doesNotMatch(demo.output(), /0x[0-9a-f]{8}_/));
  await t.step("one SPI on the wire, and another one after the keys were replaced", () => {
    const spis = [...demo.output().matchAll(/ SPI (0x[0-9a-f]{8})[, ]/g)].map(([, spi]) => spi);
    equal(new Set(spis).size, 2, spis.join());
  });
  deepEqual(await leftOvers(demo.pid), []);
});

testWith(["root", "ping"], "demo removes what it made when it is interrupted, and says so", async () => {
  const demo = play();
  await until("IPsec is being started", () => demo.output().includes("west# ipsec setup start"), 60_000);
  demo.signal("SIGINT");
  equal(await demo.status, 130, demo.output());
  match(demo.output(), /\n {3}Interrupted; removing what was made\.\n$/);
  deepEqual(await leftOvers(demo.pid), []);
});

/** The demonstration by nobody, whose home is $1; checkout ($2) and Deno ($3) are put where everybody finds them. */
const AS_NOBODY = `set -e
mount --bind "$2" "$1/repository"
mount --bind "$3" "$1/deno"
cd "$1/repository"
home=$1
exec setpriv --reuid=65534 --regid=65534 --clear-groups env HOME="$home" DENO_DIR="$home/.deno" \
  IPSEC_CACHEDIR="$home/.ipsec" IPSEC_BIN="$home/repository/dist/ipsec" "$home/deno" run -A tools/demo.ts`;

testWith(["root", "ping"], "demo needs no rights where user namespaces may be made", async () => {
  await run([Deno.execPath(), "run", "-A", `${ROOT}tools/build.ts`]);
  const home = await Deno.makeTempDir({ prefix: "oneswan-nobody." });
  try {
    await Deno.mkdir(`${home}/repository`);
    await Deno.writeTextFile(`${home}/deno`, "");
    for (const path of [home, `${home}/repository`, `${home}/deno`]) await Deno.chown(path, 65534, 65534);
    const demo = play(["unshare", "--mount", "sh", "-c", AS_NOBODY, "sh", home, ROOT, Deno.execPath()]);
    equal(await demo.status, 0, demo.output());
    match(demo.output(), /You are not root: /);
    match(demo.output(), /^ {3}\| 004 "office" #2: STATE_QUICK_I2: .*IPsec SA established/m);
    match(demo.output(), /6 ESP packets, and nothing else of the ping/);
    match(demo.output(), /What to do next: /);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

const LACKING: [what: string, hide: string, says: RegExp][] = [
  ["the TUN device", "mount -t tmpfs tmpfs /dev/net", /\/dev\/net\/tun cannot be opened.*\n.*modprobe tun/],
  [
    "iproute2",
    "for f in /usr/sbin/ip /usr/bin/ip /sbin/ip /bin/ip; do [ ! -e $f ] || mount --bind /dev/null $f; done",
    /the program ip is not installed.*\n.*apt-get install iproute2/,
  ],
];
for (const [what, hide, says] of LACKING) {
  testWith(["root"], `demo says that ${what} is lacking, and how to get it`, async () => {
    const words = COMMAND.map((word) => `'${word}'`).join(" ");
    const shell = `${hide}; exec ${words}`;
    const { status, stdout, stderr } = await attempt(["unshare", "--mount", "sh", "-c", shell]);
    deepEqual([status, stdout], [1, ""]);
    match(stderr, says);
  });
}
