/**
 * Hosts on this machine, for the demonstration, the scenarios and the benchmark: each is a network namespace with
 * interfaces, addresses and routes of its own. Needs root (or {@linkcode enterUserNamespace}) and iproute2.
 *
 * Everything that a net makes carries a name of its own and goes when the net is disposed of, also after a failure.
 */
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const decoder = new TextDecoder();

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Record<string, string>;
  /** Given to standard input; without it there is none. */
  readonly input?: string;
}

/** A program that ended with another status than 0: what it was, and its words. */
export class ProgramFailed extends Error {
  constructor(readonly command: readonly string[], readonly ran: Ran) {
    const words = ran.stderr.trim() || ran.stdout.trim();
    super(`Cannot run \`${command.join(" ")}': status ${ran.status}${words && `: ${words}`}`);
    this.name = "ProgramFailed";
  }
}

/** Runs a program to its end, whatever that is. */
export async function attempt(command: readonly string[], { env, input }: RunOptions = {}): Promise<Ran> {
  const child = new Deno.Command(command[0], {
    args: command.slice(1),
    env,
    stdin: input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  if (input !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input)).catch(() => {}); // the program may have ended
    await writer.close().catch(() => {});
  }
  const { code, stdout, stderr } = await child.output();
  return { status: code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Runs a program that must succeed; @returns what it printed */
export async function run(command: readonly string[], options?: RunOptions): Promise<string> {
  const ran = await attempt(command, options);
  if (ran.status !== 0) throw new ProgramFailed(command, ran);
  return ran.stdout;
}

/** Waits until `condition` is true; throws with `what` and the last error where it does not come true in time. */
export async function until(what: string, condition: () => unknown, timeoutMs = 15_000): Promise<void> {
  let last: unknown;
  for (const deadline = Date.now() + timeoutMs; Date.now() < deadline;) {
    try {
      if (await condition()) return;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(
    `Waited ${timeoutMs / 1000} seconds in vain: ${what}${last instanceof Error ? ` (${last.message})` : ""}`,
  );
}

/**
 * How `ipsec` is started: the file that IPSEC_BIN names, else this checkout.
 *
 * @returns the words before the subcommand
 */
export function ipsecCommand(): string[] {
  const file = Deno.env.get("IPSEC_BIN");
  return file ? [file] : [Deno.execPath(), "run", "-A", "--no-prompt", "--no-check", `${ROOT}ipsec.ts`];
}

/** A running program of a host; its output is kept. */
export class Daemon {
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<unknown>;
  #text = "";
  /** Exit status, once it has ended. */
  ended: number | undefined = undefined;

  constructor(command: readonly string[], env: Record<string, string>) {
    this.#child = new Deno.Command(command[0], {
      args: command.slice(1),
      env,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const read = async (stream: ReadableStream<Uint8Array>) => {
      for await (const bytes of stream) this.#text += decoder.decode(bytes);
    };
    this.#reading = Promise.all([read(this.#child.stdout), read(this.#child.stderr)]);
    this.#child.status.then(({ code }) => this.ended = code);
  }

  /** Both streams so far. */
  get output(): string {
    return this.#text;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Waits for its own end. */
  async end(): Promise<string> {
    await this.#child.status;
    await this.#reading;
    return this.#text;
  }

  /** Ends it: SIGTERM (or `signal`), and SIGKILL where that does not help within 3 seconds. @returns its output */
  async stop(signal: Deno.Signal = "SIGTERM"): Promise<string> {
    this.#kill(signal);
    const timer = setTimeout(() => this.#kill("SIGKILL"), 3000);
    await this.#child.status;
    clearTimeout(timer);
    await this.#reading;
    return this.#text;
  }

  #kill(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch {
      // it has ended
    }
  }
}

/** What a host sees on a wire, in the form of pcap-savefile(5). */
export class Capture {
  constructor(readonly file: string, readonly daemon: Daemon) {}

  /** Ends the capture. @returns the path of the pcap file */
  async stop(): Promise<string> {
    await this.daemon.stop("SIGINT");
    return this.file;
  }
}

export class Host {
  readonly #net: Net;
  /** The network namespace. */
  readonly namespace: string;
  /** A folder of its own: run-time directory of its KLIPS, files of its programs. */
  readonly directory: string;
  readonly #daemons: Daemon[] = [];

  constructor(net: Net, readonly name: string) {
    this.#net = net;
    this.namespace = `${net.prefix}-${name}`;
    this.directory = `${net.directory}/${name}`;
    Deno.mkdirSync(this.directory);
  }

  get env(): Record<string, string> {
    return { IPSEC_RUNDIR: `${this.directory}/run`, IPSEC_CONFS: `${this.directory}/etc`, NO_COLOR: "1" };
  }

  /** `ip` words for this host, for example `ip("route add 10.2.0.0/24 dev ipsec0")`. */
  ip(words: string): Promise<string> {
    return run(["ip", "-n", this.namespace, ...words.split(" ")]);
  }

  /** Runs a program here that must succeed; @returns what it printed */
  run(command: readonly string[], options: RunOptions = {}): Promise<string> {
    return run(this.#inside(command), { ...options, env: { ...this.env, ...options.env } });
  }

  /** Runs a program here, whatever its status. */
  attempt(command: readonly string[], options: RunOptions = {}): Promise<Ran> {
    return attempt(this.#inside(command), { ...options, env: { ...this.env, ...options.env } });
  }

  /** `ipsec` with the words of a line, which must succeed; words with blanks come as an array. */
  ipsec(words: string | readonly string[], options?: RunOptions): Promise<string> {
    return this.run(this.#ipsecWords(words), options);
  }

  tryIpsec(words: string | readonly string[], options?: RunOptions): Promise<Ran> {
    return this.attempt(this.#ipsecWords(words), options);
  }

  /** Starts a program that goes on; it ends with the net. */
  start(command: readonly string[], env: Record<string, string> = {}): Daemon {
    const daemon = new Daemon(this.#inside(command), { ...this.env, ...env });
    this.#daemons.push(daemon);
    return daemon;
  }

  async sysctl(name: string, value: string | number): Promise<void> {
    await this.run(["sh", "-c", `echo ${value} > /proc/sys/${name.replaceAll(".", "/")}`]);
  }

  /** Records what passes an Ethernet interface, and returns once it does; `filter` needs tcpdump(8). */
  async capture(device: string, filter = ""): Promise<Capture> {
    const file = `${this.directory}/${device}-${crypto.randomUUID().slice(0, 8)}.pcap`;
    const program = fileURLToPath(new URL("_capture.ts", import.meta.url));
    const words = [Deno.execPath(), "run", "-A", "--no-prompt", "--no-check", program, device, file];
    const daemon = this.start([...words, ...filter.split(" ").filter(Boolean)]);
    await until(`${device} of ${this.name} is recorded`, () => {
      if (daemon.ended !== undefined) throw new Error(daemon.output);
      return daemon.output.includes("listening on");
    });
    return new Capture(file, daemon);
  }

  /** Pings and must be answered; `words` are options of ping(8). @returns its output */
  async pings(address: string, words = "-c 2 -i 0.05 -W 2"): Promise<string> {
    return await this.run(["ping", "-n", ...words.split(" "), address]);
  }

  /** Whether ping(8) is answered at all. */
  async canPing(address: string, words = "-c 1 -W 1"): Promise<boolean> {
    return (await this.attempt(["ping", "-n", ...words.split(" "), address])).status === 0;
  }

  /** Ends what was started here, newest first, then IPsec as a whole, and KLIPS where it runs. */
  async stop(): Promise<void> {
    for (const daemon of this.#daemons.splice(0).reverse()) await daemon.stop();
    // The supervisor first: it would start KLIPS again.
    await this.#end("ipsec_setup.pid", "setup --stop");
    await this.#end("klips.pid", "klips --stop");
  }

  /** Stops the daemon that `pidFile` names: in order, and by force where that does not end it. */
  async #end(pidFile: string, words: string): Promise<void> {
    const pid = Number(await Deno.readTextFile(`${this.directory}/run/${pidFile}`).catch(() => ""));
    if (!pid) return;
    await this.tryIpsec(words);
    // in a pid namespace of its own it has another number, which here is somebody else's
    const environment = await Deno.readTextFile(`/proc/${pid}/environ`).catch(() => "");
    if (!environment.split("\0").includes(`IPSEC_RUNDIR=${this.env.IPSEC_RUNDIR}`)) return;
    try {
      Deno.kill(pid, "SIGKILL");
    } catch {
      // it has ended
    }
  }

  /** Where the log of its KLIPS is. */
  get klipsLog(): string {
    return `${this.directory}/run/klips.log`;
  }

  #inside(command: readonly string[]): string[] {
    return ["ip", "netns", "exec", this.namespace, ...command];
  }

  #ipsecWords(words: string | readonly string[]): string[] {
    return [...ipsecCommand(), ...(typeof words === "string" ? words.split(" ") : words)];
  }
}

/** A cable between two hosts: `["west", "eth0", "east", "eth0"]`. */
export type Cable = readonly [from: string, device: string, to: string, device: string];

let made = 0;

/**
 * Removes what is left of a net: $1 is its prefix, $2 its folder. Waits for the end of standard input, which comes when
 * the process that made the net is gone, however that happened.
 */
const REAPER = `cat >/dev/null
for host in $(ip netns list | cut -d' ' -f1 | grep "^$1-"); do
  kill -9 $(ip netns pids $host) 2>/dev/null
  ip netns del $host
done
rm -rf "$2"`;

export class Net implements AsyncDisposable {
  readonly prefix = `osw${Deno.pid}x${++made}`;
  readonly directory = Deno.makeTempDirSync({ prefix: "oneswan-net." });
  readonly hosts: Record<string, Host> = {};
  readonly #reaper = new Deno.Command("sh", {
    args: ["-c", REAPER, "reaper", this.prefix, this.directory],
    detached: true, // a signal to the maker's process group is not for it
    stdin: "piped",
    stdout: "null",
    stderr: "null",
  }).spawn();

  /** Makes hosts with loopback up, and cables with both ends up; addresses come by {@linkcode Host.ip}. */
  static async make(names: readonly string[], cables: readonly Cable[]): Promise<Net> {
    const net = new Net();
    try {
      for (const name of names) await net.#addHost(name);
      for (const cable of cables) await net.plug(cable);
      return net;
    } catch (error) {
      await net[Symbol.asyncDispose]();
      throw error;
    }
  }

  async plug([from, fromDevice, to, toDevice]: Cable): Promise<void> {
    const [a, b] = [this.hosts[from], this.hosts[to]];
    const ends = (host: Host, device: string) => ["name", device, "netns", host.namespace];
    await run(["ip", "link", "add", ...ends(a, fromDevice), "type", "veth", "peer", ...ends(b, toDevice)]);
    await a.ip(`link set ${fromDevice} up`);
    await b.ip(`link set ${toDevice} up`);
  }

  async #addHost(name: string): Promise<void> {
    const host = new Host(this, name);
    this.hosts[name] = host;
    await run(["ip", "netns", "add", host.namespace]);
    await host.ip("link set lo up");
    // Duplicate address detection would keep IPv6 addresses from being used for a second, source checks drop what
    // comes out of a tunnel.
    for (const which of ["all", "default"]) {
      await host.sysctl(`net.ipv4.conf.${which}.rp_filter`, 0);
      if (kernelHasIpv6()) await host.sysctl(`net.ipv6.conf.${which}.accept_dad`, 0);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const hosts = Object.values(this.hosts);
    await Promise.all(hosts.map((host) => host.stop()));
    await Promise.all(hosts.map((host) => run(["ip", "netns", "del", host.namespace]).catch(() => {})));
    await this.#reaper.stdin.close();
    await this.#reaper.status;
  }
}

/** The seed's picture, with addresses of both families. */
export const ADDRESS = {
  inet: {
    sunset: "10.1.0.10",
    westInner: "10.1.0.1",
    west: "192.0.2.1",
    east: "192.0.2.2",
    eastInner: "10.2.0.1",
    sunrise: "10.2.0.10",
    westNet: "10.1.0.0/24",
    eastNet: "10.2.0.0/24",
  },
  inet6: {
    sunset: "fd01:1::10",
    westInner: "fd01:1::1",
    west: "2001:db8::1",
    east: "2001:db8::2",
    eastInner: "fd01:2::1",
    sunrise: "fd01:2::10",
    westNet: "fd01:1::/64",
    eastNet: "fd01:2::/64",
  },
} as const;

export type Family = keyof typeof ADDRESS;

/** A kernel may have been started without. */
function kernelHasIpv6(): boolean {
  try {
    return Deno.statSync("/proc/sys/net/ipv6/conf").isDirectory;
  } catch {
    return false;
  }
}

export interface FourHosts extends AsyncDisposable {
  readonly net: Net;
  readonly sunset: Host;
  readonly west: Host;
  readonly east: Host;
  readonly sunrise: Host;
}

/**
 * ```
 * sunset 10.1.0.10 -- 10.1.0.1 west 192.0.2.1 ---- 192.0.2.2 east 10.2.0.1 -- 10.2.0.10 sunrise
 *   eth0                 eth1       eth0              eth0       eth1            eth0
 * ```
 * and the same in IPv6, where the kernel has it. The gateways forward and know no route to each other's networks; the
 * hosts behind them have default routes.
 */
export async function fourHosts(): Promise<FourHosts> {
  const net = await Net.make(["sunset", "west", "east", "sunrise"], [
    ["sunset", "eth0", "west", "eth1"],
    ["west", "eth0", "east", "eth0"],
    ["east", "eth1", "sunrise", "eth0"],
  ]);
  try {
    const { sunset, west, east, sunrise } = net.hosts;
    for (const [family, at] of Object.entries(ADDRESS)) {
      if (family === "inet6" && !kernelHasIpv6()) continue;
      const [bits, outer] = family === "inet" ? [24, 24] : [64, 64];
      await sunset.ip(`addr add ${at.sunset}/${bits} dev eth0`);
      await west.ip(`addr add ${at.westInner}/${bits} dev eth1`);
      await west.ip(`addr add ${at.west}/${outer} dev eth0`);
      await east.ip(`addr add ${at.east}/${outer} dev eth0`);
      await east.ip(`addr add ${at.eastInner}/${bits} dev eth1`);
      await sunrise.ip(`addr add ${at.sunrise}/${bits} dev eth0`);
      const dashed = family === "inet" ? "-4" : "-6";
      await sunset.ip(`${dashed} route add default via ${at.westInner}`);
      await sunrise.ip(`${dashed} route add default via ${at.eastInner}`);
    }
    for (const gateway of [west, east]) {
      await gateway.sysctl("net.ipv4.ip_forward", 1);
      if (kernelHasIpv6()) await gateway.sysctl("net.ipv6.conf.all.forwarding", 1);
    }
    return { net, sunset, west, east, sunrise, [Symbol.asyncDispose]: () => net[Symbol.asyncDispose]() };
  } catch (error) {
    await net[Symbol.asyncDispose]();
    throw error;
  }
}
