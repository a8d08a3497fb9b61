/** `deno task demo` as a newcomer meets it, in a pipe. */
import { deepStrictEqual as deepEqual, doesNotMatch, match, strictEqual as equal } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { attempt, run, until } from "../tools/_net.ts";
import { testWith } from "./interop/_needs.ts";

const DEMO = fileURLToPath(new URL("../tools/demo.ts", import.meta.url));
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

function play(): Playing {
  const child = new Deno.Command(COMMAND[0], {
    args: COMMAND.slice(1),
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
  ["KLIPS being started", /^ {3}west# ipsec klips --start$/m],
  ["keys made, and not shown", /^ {3}west# EASTWARD=\$\(ipsec ranbits 160\)$/m],
  ["the answers", /3 packets transmitted, 3 received/],
  ["the text on the inner cable", /On the cable from sunset to west: .* ICMP, .*\n(?: {3}\|.*\n)*.*midnighthonk/],
  ["ESP on the outer wire", /On the wire from west to east: 192\.0\.2\.1 -> 192\.0\.2\.2, ESP, SPI 0x1000, number 1, /],
  ["that the text is not there", /6 ESP packets, and nothing else of the ping/],
  ["the eroute's count", /^ {3}\| 3 +10\.1\.0\.0\/24 +-> 10\.2\.0\.0\/24/m],
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
  deepEqual(await leftOvers(demo.pid), []);
});

testWith(["root", "ping"], "demo removes what it made when it is interrupted, and says so", async () => {
  const demo = play();
  await until("the gateways are being keyed", () => demo.output().includes("\n4. "), 60_000);
  demo.signal("SIGINT");
  equal(await demo.status, 130, demo.output());
  match(demo.output(), /\n {3}Interrupted; removing what was made\.\n$/);
  deepEqual(await leftOvers(demo.pid), []);
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
