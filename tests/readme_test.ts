/**
 * README.md and docs/manual-keying.md, as they stand there: every command of their `sh west`, `sh east` and `sh both`
 * blocks runs in a root shell of that host. Each host has an /etc, a /usr/local and a /run of its own; scp(1) is replaced by a copy.
 */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type Host, Net, run } from "../tools/_net.ts";
import { type SeenPacket, Wire } from "../tools/_wire.ts";
import { testWith } from "./interop/_needs.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const ADDRESSES = { west: "192.0.2.1", east: "192.0.2.2" } as const;
type Name = keyof typeof ADDRESSES;

interface Step {
  readonly hosts: readonly Name[];
  /** One command each; continued lines are joined as the shell does. */
  readonly commands: readonly string[];
}

function readSteps(document: string): Step[] {
  return [...document.matchAll(/^```sh (west|east|both)\n(.*?)^```/gms)].map(([, where, block]) => ({
    hosts: where === "both" ? ["west", "east"] : [where as Name],
    commands: commandsOf(block),
  }));
}

/** Lines; a here-document belongs to its command. */
function commandsOf(block: string): string[] {
  const commands: string[] = [];
  let ending: string | undefined;
  for (const line of block.replaceAll("\\\n", "").trim().split("\n")) {
    if (ending === undefined) commands.push(line);
    else commands[commands.length - 1] += `\n${line}`;
    if (line === ending) ending = undefined;
    else ending ??= /<<'(\w+)'$/.exec(line)?.[1];
  }
  return commands;
}

/** A root shell that lives as long as the tunnel. */
class Shell {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: ReadableStreamDefaultReader<string>;
  #rest = "";

  private constructor(host: Host) {
    this.#child = new Deno.Command("ip", {
      args: ["netns", "exec", host.namespace, "unshare", "--mount", "sh"],
      cwd: ROOT,
      clearEnv: true,
      env: {
        PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        HOME: Deno.env.get("HOME") ?? "/root",
      },
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#output = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** @param scp what stands in its place */
  static async open(host: Host, scp: string): Promise<Shell> {
    const shell = new Shell(host);
    const { directory } = host;
    const lines = [
      "exec 2>&1",
      `mkdir -p ${directory}/etc ${directory}/local/bin ${directory}/local/sbin`,
      `{ cp -a /etc/. ${directory}/etc 2>/dev/null; (cd ${directory}/etc && rm -rf ipsec.d ipsec.conf ipsec.secrets init.d/ipsec); }`, // a host without another IPsec
      `printf '%s' '${scp}' >${directory}/local/bin/scp`,
      `chmod 755 ${directory}/local/bin/scp`,
      `mount --bind ${directory}/etc /etc`,
      `mount --bind ${directory}/local /usr/local`,
      "mount -t tmpfs tmpfs /run",
    ];
    for (const line of lines) await shell.run(line);
    return shell;
  }

  /** Runs a command line, which must succeed. @returns what it printed */
  async run(line: string): Promise<string> {
    await this.#input.write(new TextEncoder().encode(`${line}\necho "status of this: $?"\n`));
    for (;;) {
      const end = /^status of this: (\d+)\n/m.exec(this.#rest);
      if (end) {
        const printed = this.#rest.slice(0, end.index);
        this.#rest = this.#rest.slice(end.index + end[0].length);
        equal(end[1], "0", `${line}\n${printed}`);
        return printed;
      }
      const { value, done } = await this.#output.read();
      if (done) throw new Error(`the shell ended at: ${line}\n${this.#rest}`);
      this.#rest += value;
    }
  }

  async close(): Promise<void> {
    await this.#input.write(
      new TextEncoder().encode(
        "[ ! -e /run/ipsec/ipsec_setup.pid ] || ipsec setup stop; [ ! -e /run/ipsec/klips.pid ] || ipsec klips --stop\n",
      ),
    );
    await this.#input.close();
    for (;;) if ((await this.#output.read()).done) break;
    await this.#child.status;
  }
}

/** As scp(1), between folders that stand for the /etc of two hosts; anything else than what the documents do fails. */
function scpTo(other: Host): string {
  return `#!/bin/sh
set -e
[ "$1" = -p ]
shift
for last; do :; done
case "$last" in root@192.0.2.2:/etc/*) ;; *) exit 1 ;; esac
while [ $# -gt 1 ]; do cp -p "$1" ${other.directory}/\${last#root@192.0.2.2:/}; shift; done
`;
}

/** What the hosts printed, by command; the last time counts. */
type Printed = ReadonlyMap<string, string>;

/** Plays a document on two hosts, which must be as before when it is over. */
async function play(file: string, leastSteps: number, check: (printed: Printed, wire: Wire) => void): Promise<void> {
  await run([Deno.execPath(), "run", "-A", `${ROOT}tools/build.ts`]);
  const steps = readSteps(await Deno.readTextFile(`${ROOT}${file}`));
  ok(steps.length >= leastSteps, `${file} has ${steps.length} steps`);

  await using net = await Net.make(["west", "east"], [["west", "eth0", "east", "eth0"]]);
  const { west, east } = net.hosts;
  for (const host of [west, east]) {
    await host.ip(`addr add ${ADDRESSES[host.name as Name]}/24 dev eth0`);
    for (const which of ["all", "default", "eth0"]) await host.sysctl(`net.ipv4.conf.${which}.rp_filter`, 1); // as hosts come
  }
  const wire = await Wire.watch(west, "eth0");
  const shells: Record<Name, Shell> = {
    west: await Shell.open(west, scpTo(east)),
    east: await Shell.open(east, scpTo(west)),
  };
  try {
    const printed = new Map<string, string>();
    for (const { hosts, commands } of steps) {
      for (const host of hosts) {
        for (const command of commands) {
          if (/^ipsec (klips --|setup )stop/.test(command)) {
            equal(await shells[host].run("ls /sys/class/net | grep -c ipsec0"), "1\n");
          }
          printed.set(command, await shells[host].run(command));
        }
      }
    }
    check(printed, wire);
    for (const shell of Object.values(shells)) {
      equal(await shell.run("ls /sys/class/net | grep ipsec0 || true"), "");
      equal(await shell.run("find /usr/local -type f ! -name scp; ls /etc/ipsec.d 2>/dev/null || true"), "");
    }
  } finally {
    for (const shell of Object.values(shells)) await shell.close();
  }
}

/** Not the error that the peer's IKE is not there yet, or no longer. */
function isPing({ protocol, bytes, headerBytes }: SeenPacket): boolean {
  return protocol === "ICMP" && (bytes[headerBytes] === 0 || bytes[headerBytes] === 8);
}

testWith(["root", "ping"], "README.md: two hosts in five minutes, as it is written there", async () => {
  await play("README.md", 7, (printed, wire) => {
    match(
      printed.get("ipsec auto --up pair") ?? "",
      /^004 "pair" #2: STATE_QUICK_I2: sent QI2, IPsec SA established \{.*\}\n$/m,
    );
    match(printed.get("ping -c 3 192.0.2.2") ?? "", / 3 received/);
    match(printed.get("ipsec eroute") ?? "", /^3 +192\.0\.2\.1\/32 +-> 192\.0\.2\.2\/32 +=> tun0x\w+@192\.0\.2\.2$/m);
    match(printed.get("ipsec auto --status") ?? "", /STATE_QUICK_I2 \(sent QI2, IPsec SA established\)/);
    equal(wire.packets.filter(({ protocol }) => protocol === "ESP").length, 6);
    deepEqual(wire.packets.filter(isPing), []);
  });
});

testWith(["root", "ping"], "docs/manual-keying.md: the tunnel, as it is written there", async () => {
  await play("docs/manual-keying.md", 8, (printed, wire) => {
    match(printed.get("ping -c 3 10.2.0.1") ?? "", / 3 received/);
    match(printed.get("ipsec eroute") ?? "", /^3 +10\.1\.0\.0\/24 +-> 10\.2\.0\.0\/24 +=> tun0x1000@192\.0\.2\.2$/m);
    match(printed.get("ipsec klips --status") ?? "", /^ {2}in: {2}3 packets, .* 0 dropped, 0 errors$/m);
    equal(wire.packets.filter(({ protocol }) => protocol === "ESP").length, 6);
    deepEqual(wire.packets.filter(isPing), []);
  });
});

Deno.test("README.md names every command of ipsec --help", async () => {
  const { listedNames } = await import("../commands/_registry.ts");
  const readme = await Deno.readTextFile(`${ROOT}README.md`);
  const named = [...readme.matchAll(/^\| `ipsec ([a-z_-]+)`/gm)].map(([, name]) => name).sort();
  equal(named.join(), listedNames().join());
});
