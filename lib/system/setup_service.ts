/**
 * What `ipsec setup start` does and undoes, in the order of commands.md §3.2 and §3.3: KLIPS with its interfaces, the
 * kernel's settings, manual conns, keying. One change at a time; each is written down before it is made.
 */
import { VIRTUAL_MTU } from "../klips/device.ts";
import { dateText } from "../text/date.ts";
import { ConnMemory } from "./conn_memory.ts";
import { errorReason } from "./error_reason.ts";
import { KeyedConns } from "./keyed_conns.ts";
import { KlipsProcess } from "./klips_process.ts";
import { ManualConns } from "./manual_conns.ts";
import { networkFacts } from "./network_facts.ts";
import { endPluto, PLUTO, plutoRow } from "./pluto_process.ts";
import { planFilters } from "./route_filter.ts";
import { SetupChanges } from "./setup_changes.ts";
import { cleanUp } from "./setup_clean_up.ts";
import type { SetupDeps } from "./setup_deps.ts";
import { manualConnsOf, type SetupConfiguration } from "./setup_settings.ts";
import { isEmptyState, type SetupState } from "./setup_state.ts";
import { interfaceSteps, klipsSteps } from "./setup_steps.ts";
import { PATIENCE_MS, Supervisor } from "./supervisor.ts";
import { readFilters, readSysctl, restoreSysctls } from "./sysctl_files.ts";
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

export class SetupService {
  readonly #deps: SetupDeps;
  readonly #klips: KlipsProcess;
  readonly #supervisor: Supervisor;
  readonly #changes: SetupChanges;
  readonly #manual: ManualConns;
  readonly #keyed: KeyedConns;
  /** What pluto tells of its connections. */
  readonly connMemory = new ConnMemory();
  #configuration: SetupConfiguration;
  /** Changes one after the other: a link may come back while KLIPS starts anew. */
  #queue: Promise<unknown> = Promise.resolve();
  /** Nothing is done any more: what was asked for before comes too late. */
  #stopped = false;

  constructor(configuration: SetupConfiguration, deps: SetupDeps) {
    this.#configuration = configuration;
    this.#deps = deps;
    this.#klips = new KlipsProcess(deps);
    this.#changes = new SetupChanges(this.#klips, deps);
    this.#manual = new ManualConns(deps);
    this.#keyed = new KeyedConns({ ...deps, ...deps.keying });
    // The table of processes. Start brings KLIPS up first, pluto after prepluto=.
    this.#supervisor = new Supervisor([
      this.#klips.row(() => this.#configuration.settings.klipsWords, () => this.#inTurn(() => this.#klipsAgain())),
      plutoRow(deps, () => this.#configuration, () => this.#inTurn(() => this.#load(false))),
    ], { ...deps, log: (_level, text) => deps.say(text) });
  }

  /** Of the daemons: see {@linkcode Supervisor.pids}. */
  get pids(): Record<string, number> {
    return this.#supervisor.pids;
  }

  /** Throws {@linkcode SetupFailed} or another error, with all undone. */
  start(): Promise<void> {
    return this.#inTurn(async () => {
      const { interfaces } = this.#resolved(this.#configuration);
      await this.#takeOver();
      try {
        await this.#supervisor.start("KLIPS");
        for (const { story } of interfaces) this.#deps.note(this.#withMtu(story));
        await this.#applyKlips(interfaces, true);
        this.#touchSubsystemLock();
        await this.#forward();
        const conns = manualConnsOf(this.#configuration);
        await this.#manual.down(this.#manual.names.filter((conn) => !conns.includes(conn)));
        await this.#manual.up(conns, this.#configuration.file);
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
      const before = this.#manual.names;
      const after = manualConnsOf(configuration);
      await this.#manual.down(before.filter((conn) => !after.includes(conn)));
      this.#configuration = configuration;
      await this.#changes.all(klipsSteps(configuration.settings, false));
      await this.#followLinks(configuration);
      const mtu = configuration.settings.overrideMtu ?? VIRTUAL_MTU;
      await this.#changes.all(interfaces.map(({ virtual }) => ({ do: "up", virtual, mtu })));
      await this.#forward();
      await this.#manual.up(after.filter((conn) => !before.includes(conn)), configuration.file);
      if (this.#hasPluto) await this.#keyed.update(configuration.autoConns, configuration.settings.plutoWait);
      this.#deps.note("configuration reread");
    });
  }

  // The parts of start

  #resolved({ settings }: SetupConfiguration): Resolved {
    const resolved = resolveInterfaces(settings.interfaces, networkFacts());
    const { complaints, advice } = resolved;
    if (complaints.length) throw new SetupFailed([...complaints, ...advice]);
    return resolved;
  }

  /**
   * What an earlier start has left whose supervisor was killed. Its interfaces stay until they are taken over, so that
   * nothing leaves in the clear meanwhile; that is why its KLIPS is not told to end.
   */
  async #takeOver(): Promise<void> {
    const { record, say, now, delay } = this.#deps;
    const klips = this.#klips;
    if (!isEmptyState(record.state)) {
      say("taking over what an earlier start has left");
      klips.kill();
      for (const deadline = now() + PATIENCE_MS; await klips.answers() && now() < deadline;) await delay(POLL_MS);
    }
    await endPluto(this.#deps, false);
    if (await klips.answers()) await this.#deps.ipsec(["klips", "--stop"]); // one that was started by hand
    for (const words of restoreSysctls(record)) say(words);
    this.#forgetAttachments();
  }

  /** An ipsecN that somebody has deleted: KLIPS has let go of it, and its addresses and routes are gone. */
  #forgetLost({ links }: NetworkFacts): void {
    const { record } = this.#deps;
    const isThere = (virtual: string) => links.some(({ name }) => name === virtual);
    const present = record.state.interfaces;
    if (present.every(({ virtual }) => isThere(virtual))) return;
    record.update({
      interfaces: present.map((one) => isThere(one.virtual) ? one : { ...one, physical: "", addresses: [] }),
    });
  }

  #withMtu(story: string): string {
    const { overrideMtu } = this.#configuration.settings;
    return overrideMtu === undefined ? story : `${story} mtu ${overrideMtu}`;
  }

  #forgetAttachments(): void {
    const { record } = this.#deps;
    record.update({ interfaces: record.state.interfaces.map((one) => ({ ...one, physical: "" })) });
  }

  async #applyKlips(interfaces: Resolved["interfaces"], isFresh: boolean): Promise<void> {
    const { settings } = this.#configuration;
    if (settings.klipsDebug.length) this.#deps.note(`KLIPS debug \`${settings.klipsDebug.join(" ")}'`);
    await this.#changes.all(klipsSteps(settings, isFresh));
    await this.#applyInterfaces(interfaces);
  }

  async #applyInterfaces(interfaces: Resolved["interfaces"]): Promise<void> {
    const { record, paths } = this.#deps;
    const { overrideMtu, routeFilter } = this.#configuration.settings;
    const steps = interfaceSteps(record.state.interfaces, interfaces, overrideMtu);
    record.update({
      interfaces: interfaces.map(({ virtual, physical, addresses }) => ({ virtual, physical, addresses })),
    });
    await this.#changes.all(steps);
    Deno.writeTextFileSync(paths.info, infoText(interfaces), { mode: 0o644 });
    const plan = planFilters(interfaces.map(({ physical }) => physical), routeFilter, readFilters());
    for (const warning of plan.warnings) this.#deps.say(warning);
    await this.#changes.all(plan.changes.map((change) => ({ do: "sysctl", ...change })));
  }

  async #forward(): Promise<void> {
    if (!this.#configuration.settings.forwardControl || readSysctl(IP_FORWARD) !== "0") return;
    this.#deps.note("enabling IP forwarding:");
    await this.#changes.one({ do: "sysctl", name: IP_FORWARD, value: "1" });
  }

  /** prepluto=, pluto with its conns, postpluto=. */
  async #keying(): Promise<void> {
    const { pluto, prePluto, plutoStderrLog } = this.#configuration.settings;
    if (!pluto) return;
    if (plutoStderrLog !== undefined) beginLog(plutoStderrLog);
    await this.#hook("prepluto", prePluto);
    this.#deps.note("Starting Pluto subsystem...");
    await this.#supervisor.start(PLUTO);
    await this.#load(this.#configuration.settings.plutoWait);
  }

  async #load(wait: boolean): Promise<void> {
    const { autoConns, settings } = this.#configuration;
    const { connMemory } = this;
    connMemory.begin();
    await this.#keyed.load(autoConns, wait, () => this.#hook("postpluto", settings.postPluto), connMemory.kept);
    connMemory.complete();
  }

  get #hasPluto(): boolean {
    return Boolean(this.pids[PLUTO]);
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
    if (!subsystemLock) return;
    try {
      Deno.writeTextFileSync(subsystemLock, "");
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error; // a host without such a folder
    }
  }

  // Changes while it runs

  async #klipsAgain(): Promise<void> {
    this.#forgetAttachments();
    const { interfaces, complaints } = resolveInterfaces(this.#configuration.settings.interfaces, networkFacts());
    for (const complaint of complaints) this.#deps.say(complaint);
    await this.#applyKlips(interfaces, true);
    await this.#manual.up(this.#manual.names, this.#configuration.file);
    this.#deps.say("KLIPS runs again, with its interfaces and manual conns");
  }

  /** An interface whose link is away stays as it is: what is routed into ipsecN is dropped there, not sent in the clear. */
  async #followLinks({ settings, file }: SetupConfiguration): Promise<void> {
    const facts = networkFacts();
    this.#forgetLost(facts);
    const present = this.#deps.record.state.interfaces;
    const { interfaces, complaints } = resolveInterfaces(settings.interfaces, facts);
    for (const complaint of complaints) this.#deps.note(`${complaint.replace(/!+$/, "")}; waiting for it`);
    if (complaints.length) return;
    if (isSame(present, interfaces)) {
      await this.#applyInterfaces(interfaces); // what a device that returned has lost
      return;
    }
    for (const { story } of interfaces) this.#deps.say(this.#withMtu(story));
    const manual = this.#manual.names;
    await this.#manual.down(manual); // with the old addresses, which their SAs have
    await this.#applyInterfaces(interfaces);
    await this.#manual.up(manual, file);
    // what has %defaultroute is another conn by now
    if (this.#hasPluto) await this.#keyed.update(this.#configuration.autoConns, false);
  }

  async #undo(): Promise<void> {
    await this.#manual.down(this.#manual.names);
    await this.#supervisor.stop();
    await cleanUp(this.#deps);
  }

  #inTurn(change: () => Promise<void>): Promise<void> {
    const result = this.#queue.then(() => this.#stopped ? undefined : change());
    this.#queue = result.catch(() => {});
    return result;
  }
}

/** The log of standard error begins anew, as ever. */
function beginLog(path: string): void {
  try {
    Deno.writeTextFileSync(path, `Plutorun started on ${dateText(new Date())}\n`, { mode: 0o600 });
  } catch (error) {
    throw new SetupFailed([`Cannot write to "${path}": ${errorReason(error)}`]);
  }
}

function isSame(present: SetupState["interfaces"], wanted: SetupState["interfaces"]): boolean {
  const key = (all: SetupState["interfaces"]) =>
    JSON.stringify(all.map(({ virtual, physical, addresses }) => [virtual, physical, addresses]));
  return key(present) === key(wanted);
}
