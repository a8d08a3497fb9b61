/**
 * Carries out what `manual_plan.ts` says, over one PF_KEY connection: keys are in messages, never in arguments of a
 * process. What brings a connection up is taken back where a step fails.
 */
import { type ManualConn, networkOf } from "../lib/config/manual_conn.ts";
import { type ManualAction, type ManualFlow, manualPlan, type ManualStep } from "../lib/config/manual_plan.ts";
import { stepCommand } from "../lib/config/manual_script.ts";
import type { ManualSa } from "../lib/config/manual_sas.ts";
import { type PfkeyClient, PfkeyError, type PfkeyRequest } from "../lib/pfkey/client.ts";
import { ERRNO } from "../lib/pfkey/errno.ts";
import { SA_FLAG } from "../lib/pfkey/constants.ts";
import { addFlow, deleteFlow, deleteSa, groupSas } from "../lib/pfkey/requests.ts";
import type { UpdownOutcome } from "../lib/system/updown.ts";
import { type UpdownVariables, updownVariables, type UpdownVerb } from "../lib/text/updown_variables.ts";
import { anyAddress } from "../lib/text/address.ts";
import { formatSaId, parseSaId, type SaId } from "../lib/text/sa_id.ts";
import { formatSubnet, type Subnet } from "../lib/text/subnet.ts";
import { refusalReason } from "./_klips_errors.ts";
import { addNamedSa } from "./_klips_messages.ts";

/** The world that a connection is brought up in. */
export interface ManualWorld {
  /** Undefined for actions that concern routes only. */
  readonly klips: Pick<PfkeyClient, "request" | "readProc"> | undefined;
  updown(command: string, variables: UpdownVariables): Promise<UpdownOutcome>;
  /** Whether a network is routed through a device. */
  isRouted(network: Subnet, device: string): boolean;
  /** Name of the signal that asks to stop; what was done is taken back then. */
  interruption(): string | undefined;
  /** Words of updown commands. */
  say(line: string): void;
  warn(text: string): void;
  /** Commands that stand for the steps; undefined where they are not wanted. */
  readonly trace: ((command: string) => void) | undefined;
}

/** A step that could not be done; its message is a sentence for the user. */
export class ManualFailure extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ManualFailure";
  }
}

/** Throws {@linkcode ManualFailure}; all is as it was before, then, where the action was up. */
export async function runManual(action: ManualAction, conn: ManualConn, world: ManualWorld): Promise<void> {
  const run = new ManualRun(conn, world);
  if (action === "up") await run.up();
  else if (action === "down") await run.down();
  else for (const step of manualPlan(action, conn)) await run.step(step);
}

/** What an updown command is told of a conn. */
export function variablesOf(conn: ManualConn): (verb: UpdownVerb) => UpdownVariables {
  const { name, device, nextHop, me, peer, sourceIp } = conn;
  return (verb) => updownVariables(verb, { name, device, nextHop, me, peer, ...(sourceIp && { sourceIp }) });
}

/** Lines of the listings as JSON. */
interface ListedEroute {
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly protocol: number;
  readonly sa: string;
}

type Undo = () => Promise<void>;

class ManualRun {
  readonly #variables: (verb: UpdownVerb) => UpdownVariables;
  readonly #undo: Undo[] = [];
  #wasRouted = false;

  constructor(readonly conn: ManualConn, readonly world: ManualWorld) {
    this.#variables = variablesOf(conn);
  }

  async up(): Promise<void> {
    this.#wasRouted = this.world.isRouted(networkOf(this.conn.peer), this.conn.device);
    try {
      for (const step of manualPlan("up", this.conn)) {
        await this.step(step);
        const signal = this.world.interruption();
        if (signal) throw new ManualFailure(`interrupted by ${signal}`);
      }
    } catch (error) {
      for (const undo of this.#undo.reverse()) await undo();
      throw error;
    }
  }

  /** What is there goes, whatever fails; what is not there is said, and what belongs to others stays. */
  async down(): Promise<void> {
    const { conn, world } = this;
    const present: ManualStep[] = [];
    const missing: string[] = [];
    for (const step of manualPlan("down", conn)) {
      const why = await this.#whyAbsent(step);
      if (why === undefined) present.push(step);
      else missing.push(why);
    }
    if (present.every(({ kind }) => kind === "updown")) {
      throw new ManualFailure(`it is not up: ${missing.join("; ")}`);
    }
    for (const why of missing) world.warn(`"${conn.name}" was not completely up: ${why}`);
    const failures: string[] = [];
    for (const step of present) {
      try {
        await this.step(step);
      } catch (error) {
        if (!(error instanceof ManualFailure)) throw error;
        failures.push(error.message);
      }
    }
    if (failures.length) throw new ManualFailure(failures.join("; "));
  }

  async step(step: ManualStep): Promise<void> {
    const { conn, world } = this;
    world.trace?.(stepCommand(step, conn, this.#variables));
    switch (step.kind) {
      case "addSa":
        await this.#ask(addNamedSa(newSa(step.sa)), `make ${name(step.sa.id)}`, SA_HINTS);
        this.#undo.push(() => this.#tryTo(deleteSa(step.sa.id, step.sa.source), [ERRNO.ESRCH]));
        break;
      case "group":
        // deleting one of them undoes it
        for (const [i, id] of step.ids.slice(1).entries()) {
          await this.#ask(groupSas(step.ids[i], id), `group ${step.ids.map(name).join(" ")}`);
        }
        break;
      case "policy":
        await this.#ask(addFlow(step.id, flowOf(step.flow), SA_FLAG.INFLOW), `set the policy of ${name(step.id)}`);
        break;
      case "replaceEroute":
        await this.#replaceEroute(step.flow, step.id);
        break;
      case "deleteEroute":
        await this.#ask(deleteFlow(flowOf(step.flow)), `delete the eroute ${flowText(step.flow)}`);
        break;
      case "deleteSa":
        await this.#ask(deleteSa(step.id, anyAddress(step.id.destination.family)), `delete ${name(step.id)}`);
        break;
      case "updown":
        await this.#updown(step.verb);
        break;
    }
  }

  async #replaceEroute(flow: ManualFlow, id: SaId): Promise<void> {
    const before = await this.#erouteOf(flow);
    await this.#ask(addFlow(id, flowOf(flow), SA_FLAG.REPLACEFLOW), `set the eroute ${flowText(flow)}`);
    if (before) {
      this.world.warn(`the eroute ${flowText(flow)} led to ${before.sa}: it is "${this.conn.name}"'s now`);
    }
    const old = before && parseSaId(before.sa);
    this.#undo.push(() =>
      old?.ok
        ? this.#tryTo(addFlow(old.value, flowOf(flow), SA_FLAG.REPLACEFLOW))
        : this.#tryTo(deleteFlow(flowOf(flow)))
    );
  }

  async #updown(verb: UpdownVerb): Promise<void> {
    const { conn, world } = this;
    const { ok, lines, complaint } = await world.updown(conn.updown, this.#variables(verb));
    for (const line of lines) world.say(line);
    if (!ok) throw new ManualFailure(complaint ?? `${verb} command failed`);
    // a route that was there before keeps packets from leaving in the clear
    const back = verb === "up" ? "down" : verb === "route" && !this.#wasRouted ? "unroute" : undefined;
    if (back) this.#undo.push(async () => void await world.updown(conn.updown, this.#variables(back)));
  }

  /** @returns undefined where there is something that a step of `down` would take away */
  async #whyAbsent(step: ManualStep): Promise<string | undefined> {
    if (step.kind === "deleteEroute") {
      const found = await this.#erouteOf(step.flow);
      if (!found) return `there is no eroute ${flowText(step.flow)}`;
      const id = parseSaId(found.sa);
      if (id.ok && formatSaId(id.value) === formatSaId(step.id)) return undefined;
      return `the eroute ${flowText(step.flow)} leads to ${found.sa}, which is not this connection's`;
    }
    if (step.kind === "deleteSa") {
      const sas: { readonly said: string }[] = await this.#list("spi/all");
      return sas.some(({ said }) => said === name(step.id)) ? undefined : `there is no ${name(step.id)}`;
    }
    return undefined;
  }

  async #erouteOf(flow: ManualFlow): Promise<ListedEroute | undefined> {
    const [source, destination] = [formatSubnet(flow.source), formatSubnet(flow.destination)];
    const eroutes: ListedEroute[] = await this.#list("eroute/all");
    return eroutes.find((one) =>
      one.source === source && one.destination === destination && one.protocol === 0 && one.sourcePort === 0 &&
      one.destinationPort === 0
    );
  }

  async #list<T>(path: string): Promise<T> {
    return JSON.parse(await this.world.klips!.readProc(`${path}.json`));
  }

  async #ask(request: PfkeyRequest, what: string, hints: Readonly<Record<number, string>> = {}): Promise<void> {
    try {
      await this.world.klips!.request(request);
    } catch (error) {
      if (!(error instanceof PfkeyError)) throw error;
      throw new ManualFailure(`cannot ${what}: ${hints[error.errno] ?? refusalReason(error.errno)}`);
    }
  }

  /** For undoing: what is refused is said, and the rest goes on. */
  async #tryTo(request: PfkeyRequest, expected: readonly number[] = []): Promise<void> {
    try {
      await this.world.klips!.request(request);
    } catch (error) {
      if (!(error instanceof PfkeyError)) throw error;
      if (!expected.includes(error.errno)) this.world.warn(`cannot undo all: ${refusalReason(error.errno)}`);
    }
  }
}

const SA_HINTS: Readonly<Record<number, string>> = {
  [ERRNO.EEXIST]: "SA already in use.  Delete old one first.  " +
    "Either the connection is up, or another one has the same spi= or spibase=.",
};

function newSa({ id, source, algorithms, replayWindow, authKey, encryptionKey }: ManualSa) {
  return {
    id,
    source,
    algorithms,
    deflate: false,
    authKey: authKey?.reveal(),
    encryptionKey: encryptionKey?.reveal(),
    replayWindow,
    esn: false,
    soft: {},
    hard: {},
    udp: undefined,
  };
}

function flowOf({ source, destination }: ManualFlow) {
  return { source, destination, protocol: 0 };
}

function flowText({ source, destination }: ManualFlow): string {
  return `${formatSubnet(source)} -> ${formatSubnet(destination)}`;
}

function name(id: SaId): string {
  return formatSaId(id, "x");
}
