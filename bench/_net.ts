/** Two gateways as network namespaces joined by a veth pair, for the peers of the benchmark. Needs root and iproute2. */

export type Host = "west" | "east";

export const OUTER: Record<Host, string> = { west: "192.0.2.1", east: "192.0.2.2" };
/** Addresses inside the tunnel, on each gateway itself. */
export const INNER: Record<Host, string> = { west: "10.1.0.1", east: "10.2.0.1" };
export const NETWORK: Record<Host, string> = { west: "10.1.0.0/24", east: "10.2.0.0/24" };
export const other = (host: Host): Host => host === "west" ? "east" : "west";

/** Runs a program to its end and returns what it printed; throws with its words where it fails. */
export async function run(command: string[], env: Record<string, string> = {}): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command[0], {
    args: command.slice(1),
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const text = new TextDecoder();
  if (success) return text.decode(stdout);
  throw new Error(`${command.join(" ")}: ${text.decode(stderr) || text.decode(stdout)}`);
}

export class Net {
  readonly directory = Deno.makeTempDirSync({ prefix: "ipsec-bench-" });
  readonly #children: Deno.ChildProcess[] = [];
  readonly #id = Deno.pid;

  name(host: Host): string {
    return `bench${this.#id}-${host}`;
  }

  async up(): Promise<void> {
    for (const host of ["west", "east"] as const) await run(["ip", "netns", "add", this.name(host)]);
    await run([
      "ip",
      "link",
      "add",
      "eth0",
      "netns",
      this.name("west"),
      "type",
      "veth",
      "peer",
      "name",
      "eth0",
      "netns",
      this.name("east"),
    ]);
    for (const host of ["west", "east"] as const) {
      await this.ip(host, `link set lo up`);
      await this.ip(host, `link set eth0 up`);
      await this.ip(host, `addr add ${OUTER[host]}/24 dev eth0`);
      await this.ip(host, `addr add ${INNER[host]}/32 dev lo`);
      for (const on of ["all", "default", "eth0"]) {
        await this.run(host, ["sh", "-c", `echo 0 > /proc/sys/net/ipv4/conf/${on}/rp_filter`]);
      }
    }
  }

  ip(host: Host, words: string): Promise<string> {
    return run(["ip", "-n", this.name(host), ...words.split(" ")]);
  }

  run(host: Host, command: string[], env?: Record<string, string>): Promise<string> {
    return run(["ip", "netns", "exec", this.name(host), ...command], env);
  }

  /** Starts a daemon; it is ended with the net. `private_run` gives it an empty /run of its own. */
  start(host: Host, command: string[], env: Record<string, string> = {}): Deno.ChildProcess {
    const child = new Deno.Command("ip", {
      args: ["netns", "exec", this.name(host), ...command],
      env,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.#children.push(child);
    return child;
  }

  async stopChildren(): Promise<void> {
    for (const child of this.#children.splice(0)) {
      try {
        child.kill("SIGTERM");
      } catch {
        // it has ended
      }
      const timer = setTimeout(() => {
        try {
          child.kill("SIGKILL");
        } catch {
          // it has ended
        }
      }, 3000);
      await child.status;
      clearTimeout(timer);
    }
  }

  async down(): Promise<void> {
    await this.stopChildren();
    for (const host of ["west", "east"] as const) await run(["ip", "netns", "del", this.name(host)]).catch(() => {});
    Deno.removeSync(this.directory, { recursive: true });
  }
}

/** Waits until `condition` holds, 15 seconds at most. */
export async function until(what: string, condition: () => Promise<unknown>): Promise<void> {
  let last: unknown;
  for (let i = 0; i < 150; i++) {
    try {
      if (await condition()) return;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${what} did not happen${last instanceof Error ? `: ${last.message}` : ""}`);
}
