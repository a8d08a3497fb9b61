/**
 * What `ipsec setup start` does and undoes, in the order of commands.md §3.2 and §3.3: KLIPS with its interfaces, the
 * kernel's settings, manual conns. One change at a time; each is written down before it is made.
 *
 * Pluto is a second row of the table of processes, after KLIPS, once there is one.
 */
import { VIRTUAL_MTU } from "../klips/device.ts";
import type { PfkeyClient } from "../pfkey/client.ts";
import { ERRNO, SystemError } from "../ffi/libc.ts";
import { type AddressSpec, Rtnetlink } from "../ffi/rtnetlink.ts";
import { parseNumericAddress } from "../text/address.ts";
import { wasStartedWith } from "./process_words.ts";
import { planFilters } from "./route_filter.ts";
import { manualConnsOf, type SetupConfiguration } from "./setup_settings.ts";
import { isEmptyState, type ManualRecord, type SetupRecord } from "./setup_state.ts";
import { interfaceSteps, klipsSteps, manualWords, type SetupStep, shellOf } from "./setup_steps.ts";
import { PATIENCE_MS, Supervisor, type SupervisorDeps } from "./supervisor.ts";
import { readFilters, readSysctl, restoreSysctls, setSysctl } from "./sysctl_files.ts";
import { infoText, type NetworkFacts, type Resolved, resolveInterfaces } from "./virtual_interfaces.ts";

const POLL_MS = 10;
const IP_FORWARD = "net/ipv4/ip_forward";

/** Something that ends start; the sentences are for the user. */
export class SetupFailed extends Error {
  constructor(readonly lines: readonly string[]) {
    super(lines.join("\n"));
    this.name = "SetupFailed";
  }
}

export interface SetupPaths {
  readonly info: string;
  /** Exists while IPsec runs, for scripts of Red Hat's kind; undefined where another instance may own it. */
  readonly subsystemLock: string | undefined;
  readonly klipsPid: string;
}

/** What a program that was run to its end had to say. */
export interface Outcome {
  readonly status: number;
  /** Of both streams. */
  readonly lines: readonly string[];
  /** What it printed, as it is. */
  readonly output: string;
}

export interface SetupServiceDeps extends Omit<SupervisorDeps, "log"> {
  /** To the terminal and the log: `warning` lines are for people, the others tell what was done. */
  say(text: string): void;
  /** To the log alone. */
  note(text: string): void;
  /** Each step before it is done, where the user asked for that. */
  show(command: string): void;
  /** Runs a subcommand. */
  ipsec(words: readonly string[]): Promise<Outcome>;
  /** Runs commands of the shell in which `ipsec` is this very program. */
  script(commands: string): Promise<Outcome>;
  /** Runs a program: the words of prepluto= and postpluto=. */
  run(words: readonly string[]): Promise<Outcome>;
  /** The words that start a daemon. */
  daemon(subcommand: string, ...words: string[]): readonly string[];
  connect(): Promise<PfkeyClient>;
  /** Whether this version has the subcommand. */
  has(subcommand: string): boolean;
  readonly record: SetupRecord;
  readonly paths: SetupPaths;
}

export class SetupService {
  readonly #deps: SetupServiceDeps;
  readonly #supervisor: Supervisor;
  #configuration: SetupConfiguration;
  /** Changes one after the other: a link may come back while KLIPS starts anew. */
  #queue: Promise<unknown> = Promise.resolve();
  /** Nothing is done any more: what was asked for before comes too late. */
  #stopped = false;

  constructor(configuration: SetupConfiguration, deps: SetupServiceDeps) {
    this.#configuration = configuration;
    this.#deps = deps;
    const klips = {
      title: "KLIPS",
      words: deps.daemon("klips", "--foreground", "--adopt"),
      isReady: (pid: number) => this.#klipsAnswers(pid),
      restarted: () => this.#inTurn(() => this.#klipsAgain()),
    };
    this.#supervisor = new Supervisor([klips], { ...deps, log: (_level, text) => deps.say(text) });
  }

  get pids(): Record<string, number> {
    return this.#supervisor.pids;
  }

  /** Throws {@linkcode SetupFailed} or another error, with all undone. */
  start(): Promise<void> {
    return this.#inTurn(async () => {
      const { interfaces } = this.#resolved(this.#configuration);
      await this.#takeOver();
      try {
        await this.#supervisor.start();
        for (const { story } of interfaces) this.#deps.note(story);
        await this.#applyKlips(interfaces, true);
        this.#touchSubsystemLock();
        this.#forward();
        const conns = manualConnsOf(this.#configuration);
        await this.#manualDown(this.#manualNames().filter((conn) => !conns.includes(conn)));
        await this.#manualUp(conns);
        await this.#keying();
      } catch (error) {
        await this.#undo();
        throw error;
      }
      this.#deps.note("...FreeS/WAN IPsec started");
    });
  }

  stop(): Promise<void> {
    return this.#inTurn(async () => {
      this.#deps.say("Stopping FreeS/WAN IPsec...");
      await this.#undo();
      this.#stopped = true;
      this.#deps.note("...FreeS/WAN IPsec stopped");
    });
  }

  /** A link came or went, or has another address. */
  linksChanged(): Promise<void> {
    return this.#inTurn(() => this.#followLinks(this.#configuration));
  }

  /** Takes over what of a changed configuration can be had without a new start. */
  reread(configuration: SetupConfiguration): Promise<void> {
    return this.#inTurn(async () => {
      const { interfaces } = this.#resolved(configuration);
      const before = this.#manualNames();
      const after = manualConnsOf(configuration);
      await this.#manualDown(before.filter((conn) => !after.includes(conn)));
      this.#configuration = configuration;
      await this.#steps(klipsSteps(configuration.settings, false));
      await this.#followLinks(configuration);
      const mtu = configuration.settings.overrideMtu ?? VIRTUAL_MTU;
      await this.#steps(interfaces.map(({ virtual }) => ({ do: "up", virtual, mtu })));
      this.#forward();
      await this.#manualUp(after.filter((conn) => !before.includes(conn)));
      this.#deps.note("configuration reread");
    });
  }

  // The parts of start

  #resolved({ settings }: SetupConfiguration): Resolved {
    const resolved = resolveInterfaces(settings.interfaces, networkFacts());
    if (resolved.complaints.length) throw new SetupFailed(resolved.complaints);
    return resolved;
  }

  /**
   * What an earlier start has left whose supervisor was killed. Its interfaces stay until they are taken over, so that
   * nothing leaves in the clear meanwhile; that is why its KLIPS is not told to end.
   */
  async #takeOver(): Promise<void> {
    const { record, say, paths, now, delay } = this.#deps;
    if (!isEmptyState(record.state)) {
      say("taking over what an earlier start has left");
      killKlips(paths.klipsPid);
      for (const deadline = now() + PATIENCE_MS; await this.#klipsAnswers() && now() < deadline;) await delay(POLL_MS);
    }
    if (await this.#klipsAnswers()) await this.#deps.ipsec(["klips", "--stop"]); // one that was started by hand
    for (const words of restoreSysctls(record)) say(words);
    this.#forgetAttachments();
  }

  #forgetAttachments(): void {
    const { record } = this.#deps;
    record.update({ interfaces: record.state.interfaces.map((one) => ({ ...one, physical: "" })) });
  }

  async #applyKlips(interfaces: Resolved["interfaces"], isFresh: boolean): Promise<void> {
    const { settings } = this.#configuration;
    if (settings.klipsDebug.length) this.#deps.note(`KLIPS debug \`${settings.klipsDebug.join(" ")}'`);
    await this.#steps(klipsSteps(settings, isFresh));
    await this.#applyInterfaces(interfaces);
  }

  async #applyInterfaces(interfaces: Resolved["interfaces"]): Promise<void> {
    const { record, paths } = this.#deps;
    const { overrideMtu, routeFilter } = this.#configuration.settings;
    const steps = interfaceSteps(record.state.interfaces, interfaces, overrideMtu);
    record.update({
      interfaces: interfaces.map(({ virtual, physical, addresses }) => ({ virtual, physical, addresses })),
    });
    await this.#steps(steps);
    Deno.writeTextFileSync(paths.info, infoText(interfaces), { mode: 0o644 });
    const plan = planFilters(interfaces.map(({ physical }) => physical), routeFilter, readFilters());
    for (const warning of plan.warnings) this.#deps.say(warning);
    await this.#steps(plan.changes.map((change) => ({ do: "sysctl", ...change })));
  }

  #forward(): void {
    if (!this.#configuration.settings.forwardControl || readSysctl(IP_FORWARD) !== "0") return;
    this.#deps.note("enabling IP forwarding:");
    this.#do({ do: "sysctl", name: IP_FORWARD, value: "1" });
  }

  #manualNames(): string[] {
    return this.#deps.record.state.manual.map(({ name }) => name);
  }

  async #manualUp(conns: readonly string[]): Promise<void> {
    const { record, ipsec } = this.#deps;
    for (const conn of conns) {
      const words = manualWords(conn, this.#configuration.file);
      const { output } = await ipsec([
        "manual",
        "--showonly",
        ...words.slice(1).map((one) => one === "--up" ? "--down" : one),
      ]);
      const others = record.state.manual.filter(({ name }) => name !== conn);
      record.update({ manual: [...others, { name: conn, down: output }] });
      await this.#do({ do: "ipsec", words });
    }
  }

  async #manualDown(conns: readonly string[]): Promise<void> {
    const { record, show } = this.#deps;
    for (const one of record.state.manual.filter(({ name }) => conns.includes(name))) {
      show(`ipsec manual --down ${one.name}`);
      await takeDown(one, this.#deps);
      record.update({ manual: record.state.manual.filter(({ name }) => name !== one.name) });
    }
  }

  /** prepluto=, pluto, postpluto=. */
  async #keying(): Promise<void> {
    const { pluto, prePluto, postPluto } = this.#configuration.settings;
    if (!pluto) return;
    await this.#hook("prepluto", prePluto);
    if (!this.#deps.has("pluto")) this.#deps.say("Pluto is not part of this version: keying is manual only");
    await this.#hook("postpluto", postPluto);
  }

  async #hook(name: string, command: string | undefined): Promise<void> {
    const words = command?.split(/[ \t]+/).filter(Boolean) ?? [];
    if (!words.length) return;
    const { status, lines } = await this.#deps.run(words);
    for (const line of lines) this.#deps.say(line);
    if (status !== 0) this.#deps.say(`...${name} command exited with status ${status}`);
  }

  #touchSubsystemLock(): void {
    const { subsystemLock } = this.#deps.paths;
    if (subsystemLock) touch(subsystemLock);
  }

  // Changes while it runs

  async #klipsAgain(): Promise<void> {
    this.#forgetAttachments();
    const { interfaces, complaints } = resolveInterfaces(this.#configuration.settings.interfaces, networkFacts());
    for (const complaint of complaints) this.#deps.say(complaint);
    await this.#applyKlips(interfaces, true);
    await this.#manualUp(this.#manualNames());
    this.#deps.say("KLIPS runs again, with its interfaces and manual conns");
  }

  /** An interface whose link is away stays as it is: what is routed into ipsecN is dropped there, not sent in the clear. */
  async #followLinks({ settings }: SetupConfiguration): Promise<void> {
    const { record } = this.#deps;
    const present = record.state.interfaces;
    const { interfaces, complaints } = resolveInterfaces(settings.interfaces, networkFacts());
    for (const complaint of complaints) this.#deps.note(`${complaint.replace(/!+$/, "")}; waiting for it`);
    if (complaints.length) return;
    const same = (a: typeof present) =>
      JSON.stringify(a.map(({ virtual, physical, addresses }) => [virtual, physical, addresses]));
    if (same(present) === same(interfaces)) {
      await this.#applyInterfaces(interfaces); // what a device that returned has lost
      return;
    }
    for (const { story } of interfaces) this.#deps.say(story);
    const manual = this.#manualNames();
    await this.#manualDown(manual); // with the old addresses, which their SAs have
    await this.#applyInterfaces(interfaces);
    await this.#manualUp(manual);
  }

  // Steps

  async #steps(steps: readonly SetupStep[]): Promise<void> {
    for (const step of steps) await this.#do(step);
  }

  async #do(step: SetupStep): Promise<void> {
    const { show, say, record } = this.#deps;
    show(shellOf(step));
    switch (step.do) {
      case "attach":
      case "detach":
        return await this.#klips((client) =>
          client.tunnel(step.do, step.virtual, step.do === "attach" ? step.physical : "")
        );
      case "flag":
        return await this.#klips((client) => client.writeProc(`sys/net/ipsec/${step.name}`, step.value));
      case "addAddress":
      case "deleteAddress":
      case "up":
      case "down":
        return changeLink(step);
      case "sysctl": {
        const complaint = setSysctl(step.name, step.value, record);
        if (complaint) say(complaint);
        return;
      }
      case "ipsec": {
        const { lines } = await this.#deps.ipsec(step.words);
        for (const line of lines) say(line);
      }
    }
  }

  async #klips(ask: (client: PfkeyClient) => Promise<void>): Promise<void> {
    const client = await this.#deps.connect();
    try {
      await ask(client);
    } finally {
      client.close();
    }
  }

  /** @param pid the process that must be the one; any where it is left out */
  async #klipsAnswers(pid?: number): Promise<boolean> {
    try {
      if (pid !== undefined && readPid(this.#deps.paths.klipsPid) !== pid) return false;
      (await this.#deps.connect()).close();
      return true;
    } catch {
      return false; // not yet
    }
  }

  async #undo(): Promise<void> {
    await this.#manualDown(this.#manualNames());
    await this.#supervisor.stop();
    await cleanUp(this.#deps);
  }

  #inTurn(change: () => Promise<void>): Promise<void> {
    const result = this.#queue.then(() => this.#stopped ? undefined : change());
    this.#queue = result.catch(() => {});
    return result;
  }
}

export function networkFacts(): NetworkFacts {
  using netlink = new Rtnetlink();
  return {
    links: netlink.links(),
    addresses: netlink.addresses(),
    defaultRoutes: [...netlink.defaultRoutes("inet"), ...netlink.defaultRoutes("inet6")],
  };
}

/** Ends a KLIPS at once, so that its interfaces stay. */
function killKlips(pidFile: string): void {
  const pid = readPid(pidFile);
  if (!pid || !wasStartedWith(pid, "klips")) return;
  try {
    Deno.kill(pid, "SIGKILL");
  } catch {
    // it has ended, or is not ours to kill
  }
}

function readPid(path: string): number {
  try {
    return Number(Deno.readTextFileSync(path)) || 0;
  } catch {
    return 0;
  }
}

/** What of it has gone by itself is not worth a word. */
async function takeDown({ down }: ManualRecord, { script }: Pick<SetupServiceDeps, "script">): Promise<void> {
  if (down) await script(down);
}

/** What a start has left whose processes are gone: all that {@linkcode SetupService.stop} undoes, as far as it is there. */
export async function cleanUp(
  deps: Pick<SetupServiceDeps, "ipsec" | "script" | "say" | "record" | "paths">,
): Promise<void> {
  const { ipsec, say, record, paths } = deps;
  for (const conn of record.state.manual) await takeDown(conn, deps);
  const { status, lines } = await ipsec(["klips", "--stop"]);
  if (status !== 0) { for (const line of lines) say(line); }
  for (const words of restoreSysctls(record)) say(words);
  record.remove();
  removeFile(paths.info);
  if (paths.subsystemLock) removeFile(paths.subsystemLock);
}

function changeLink(step: Extract<SetupStep, { readonly virtual: string }>): void {
  using netlink = new Rtnetlink();
  try {
    switch (step.do) {
      case "addAddress":
        return netlink.addAddress(addressSpec(step.virtual, step.address));
      case "deleteAddress":
        return netlink.deleteAddress(addressSpec(step.virtual, step.address));
      case "up":
        return netlink.setLink(step.virtual, { up: true, ...(step.mtu !== undefined && { mtu: step.mtu }) });
      case "down":
        return netlink.setLink(step.virtual, { up: false });
    }
  } catch (error) {
    const fine = step.do === "addAddress" ? [ERRNO.EEXIST] : [EADDRNOTAVAIL, ERRNO.ENODEV]; // what is wanted is so
    if (step.do === "up" || !(error instanceof SystemError && fine.includes(error.errno as number))) throw error;
  }
}

const EADDRNOTAVAIL = 99;

function addressSpec(device: string, text: string): AddressSpec {
  const [literal, bits] = text.split("/");
  const parsed = parseNumericAddress(literal, 0);
  if (!parsed.ok) throw new TypeError(`${text}: ${parsed.error}`);
  return { device, address: parsed.value, bits: Number(bits), noPrefixRoute: true, noDad: true };
}

function touch(path: string): void {
  try {
    Deno.writeTextFileSync(path, "");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // a host without such a folder
  }
}

function removeFile(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
