/**
 * `ipsec setup --foreground` as the first process of a container: a pid namespace in the network namespace of west.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 ====== 192.0.2.2 east -- sunrise 10.2.0.10
 * ```
 */
import { deepEqual, equal, match } from "node:assert/strict";
import { zombiesOf } from "../../lib/system/zombies.ts";
import { ADDRESS, type Daemon, type Host, ipsecCommand, until } from "../../tools/_net.ts";
import { UnixReceiver } from "../_unix_receiver.ts";
import { scenario } from "./_scenario.ts";
import { configure, configuredHosts, murder, reaches, runFiles, stateOf, tunnelConn } from "./_setup.ts";

const { sunrise: SUNRISE } = ADDRESS.inet;

interface Container {
  readonly daemon: Daemon;
  /** Its first process, as the host sees it. */
  readonly pid: number;
}

async function startContainer(host: Host, ...words: string[]): Promise<Container> {
  const unshare = ["unshare", "--pid", "--fork", "--mount-proc"];
  const daemon = host.start([...unshare, ...ipsecCommand(), "setup", ...words]);
  let pid = 0;
  await until("IPsec has been started", () => {
    if (daemon.ended !== undefined) throw new Error(`ended with ${daemon.ended}: ${daemon.output}`);
    [pid] = childrenOf(daemon.pid);
    return daemon.output.includes("...FreeS/WAN IPsec started");
  });
  return { daemon, pid };
}

function childrenOf(pid: number): number[] {
  return Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).trim().split(" ").filter(Boolean).map(Number);
}

function klipsOf({ pid }: Container): number {
  const found = childrenOf(pid).find((child) => Deno.readTextFileSync(`/proc/${child}/cmdline`).includes("\0klips\0"));
  if (!found) throw new Error("there is no KLIPS");
  return found;
}

scenario("setup --foreground as process 1: logs, signals, orphans, a killed KLIPS", configuredHosts, async (four) => {
  const { sunset, west, east, step } = four;
  const before = await stateOf(west);
  for (const host of [west, east]) configure(host, ["forwardcontrol=yes"], tunnelConn());
  await east.ipsec("setup start");
  const container = await startContainer(west, "start", "--foreground");
  const { daemon, pid } = container;

  await step("everything is on standard error", async () => {
    match(daemon.output, /notice: ipsec_setup: Starting FreeS\/WAN IPsec /);
    match(daemon.output, /notice: KLIPS startup, /);
    match(daemon.output, /info: ipsec0 attached to eth0/);
    equal(Deno.readTextFileSync(`${west.directory}/run/ipsec_setup.pid`), "1\n");
    await sunset.pings(SUNRISE);
  });

  await step("orphans are reaped", async () => {
    await west.run(["nsenter", "--target", `${pid}`, "--pid", "--mount", "sh", "-c", "sleep 1 >/dev/null 2>&1 &"]);
    await until("the orphan is there", () => childrenOf(pid).some((child) => nameOf(child) === "sleep"));
    await until("it has ended and been reaped", () => childrenOf(pid).every((child) => nameOf(child) !== "sleep"));
    deepEqual(zombiesOf(pid), []);
  });

  await step("a killed KLIPS is started again", async () => {
    await murder(klipsOf(container));
    await until("KLIPS runs again", () => daemon.output.includes("KLIPS runs again"));
    await reaches(sunset, SUNRISE);
  });

  await step("SIGHUP: the configuration is read again", async () => {
    configure(west, ["forwardcontrol=yes", "klipsdebug=esp", "overridemtu=1300"], tunnelConn());
    Deno.kill(pid, "SIGHUP");
    await until("it has been", () => daemon.output.includes("configuration reread"));
    match(await west.ipsec("klipsdebug"), /^debug_esp=ffffffff\.$/m);
    match(await west.ipsec("tncfg"), /^ipsec0 -> eth0 mtu=1300\(\d+\) -> 1500$/m);
    await sunset.pings(SUNRISE);
    configure(west, ["fragicmp=perhaps"]);
    Deno.kill(pid, "SIGHUP");
    await until(
      "its error is said",
      () => /ipsec\.conf:4: .*fragicmp[^]*everything stays as it is/.test(daemon.output),
    );
    await sunset.pings(SUNRISE);
    configure(west, []);
    Deno.kill(pid, "SIGHUP");
    await until("the conn is down", async () => await west.ipsec("eroute") === "");
    await until("nothing is debugged", async () => /^debug_esp=00000000\.$/m.test(await west.ipsec("klipsdebug")));
    await until("the MTU is the usual one", async () => /^ipsec0 -> eth0 mtu=16260/m.test(await west.ipsec("tncfg")));
  });

  await step("KLIPS is not stopped by a number that means another process here", async () => {
    const { status, stderr } = await west.tryIpsec("klips --stop");
    equal(status, 1);
    match(stderr, /KLIPS runs in another pid namespace; stop it there/);
    equal((await west.tryIpsec("setup status")).status, 0);
  });

  await step("a stop from outside goes by the socket, not by a number that means another process", async () => {
    const stopped = await west.tryIpsec("setup stop");
    deepEqual([stopped.status, stopped.stdout], [0, "ipsec_setup: Stopping FreeS/WAN IPsec...\n"]);
    match(await daemon.end(), /ipsec_setup: \.\.\.FreeS\/WAN IPsec stopped/);
    equal(daemon.ended, 0);
    deepEqual(await stateOf(west), before);
  });
});

scenario(
  "setup --foreground ends in order at SIGTERM, also one that comes while it starts",
  configuredHosts,
  async ({ west }) => {
    const before = await stateOf(west);
    configure(west, []);
    const { daemon, pid } = await startContainer(west, "--foreground");
    Deno.kill(pid, "SIGTERM");
    await daemon.end();
    equal(daemon.ended, 0);
    deepEqual(await stateOf(west), before);
    deepEqual(runFiles(west), []);

    const early = west.start([...ipsecCommand(), "setup", "--foreground"]);
    await until("it has begun", () => early.output.includes("Starting FreeS/WAN IPsec"));
    await early.stop("SIGTERM");
    equal(early.ended, 0);
    deepEqual(await stateOf(west), before);
  },
);

scenario("setup --foreground tells systemd that it is ready, and that it stops", configuredHosts, async ({ west }) => {
  configure(west, []);
  const socket = `${west.directory}/notify`;
  using manager = new UnixReceiver(socket);
  const service = west.start([...ipsecCommand(), "setup", "--foreground"], { NOTIFY_SOCKET: socket });
  await until("it is ready", () => manager.messages.includes("READY=1"));
  match(await west.ipsec("setup status"), /^IPsec running\npluto pid \d+\n$/);
  await service.stop("SIGTERM");
  await until("it has said so", () => manager.messages.includes("STOPPING=1"));
});

scenario(
  "setup --foreground ends with status 1 where it cannot start, and 6 with a wrong configuration",
  configuredHosts,
  async ({ west }) => {
    configure(west, ["interfaces=ipsec0=eth7"]);
    const failed = await west.tryIpsec("setup --foreground");
    equal(failed.status, 1);
    match(failed.stderr, /ipsec_setup: unable to determine address of `eth7'/);
    configure(west, ["fragicmp=perhaps"]);
    const wrong = await west.tryIpsec("setup --foreground");
    equal(wrong.status, 6, "somebody must mend the file first");
    match(wrong.stderr, /ipsec\.conf:4: .*fragicmp=perhaps/);
  },
);

function nameOf(pid: number): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/comm`).trim();
  } catch {
    return "";
  }
}
