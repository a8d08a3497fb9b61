/** The end of connections and of their states (pluto.md §6.2), and of instances that nothing uses any more. */
import type { IkeEngine } from "../ike/host.ts";
import type { IkeState } from "../ike/state.ts";
import { formatAddress } from "../text/address.ts";
import type { Connection } from "./connection.ts";
import type { Connections } from "./connections.ts";
import { RC } from "./define.ts";
import type { PendingQueue } from "./pending.ts";
import type { Retries } from "./retries.ts";
import type { Router } from "./router.ts";
import type { TaskQueue } from "./task_queue.ts";

export interface LifeCycleDeps {
  readonly engine: Pick<IkeEngine, "remove" | "states" | "statesOf">;
  readonly connections: Connections;
  readonly pending: PendingQueue;
  readonly retries: Retries;
  readonly router: Pick<Router, "unroute" | "abandonHold">;
  readonly tasks: TaskQueue;
  tell(about: IkeState | Connection, code: number, text: string): void;
  /** Milliseconds. */
  now(): number;
  /** What nobody waits for. */
  inBackground(work: () => Promise<unknown>): void;
}

/** An instance may have been made for a state that is still to come. */
const FRESH_MS = 30_000;

export class LifeCycle {
  constructor(readonly deps: LifeCycleDeps) {}

  /** Oldest first. */
  statesOf(connection: Connection): IkeState[] {
    return [...this.deps.engine.statesOf(connection)].sort((a, b) => a.number - b.number);
  }

  /** IPsec SAs and what is unfinished first: the ISAKMP SA carries their Delete messages. @param tellPeer false: it knows */
  removeStates(connection: Connection, tellPeer = true): void {
    this.deps.pending.dropOf(connection);
    this.deps.retries.cancel(connection);
    const isLast = (state: IkeState) => state.kind === "isakmp" && state.isEstablished;
    const states = this.statesOf(connection);
    for (const state of [...states.filter((one) => !isLast(one)), ...states.filter(isLast)]) {
      this.removeState(state, tellPeer);
    }
  }

  removeState(state: IkeState, tellPeer = true): void {
    if (!this.deps.engine.states.has(state.number)) return;
    this.deps.tell(state, RC.log, `deleting state (STATE_${state.name})`);
    this.deps.engine.remove(state, tellPeer);
  }

  /** States and routes go, the connection stays; an instance goes, too. */
  async release(connection: Connection, tellPeer = true): Promise<void> {
    if (connection.connectionKind === "CK_INSTANCE" && connection.template) {
      return await this.delete(connection, tellPeer);
    }
    this.removeStates(connection, tellPeer);
    await this.deps.tasks.run(() => this.deps.router.unroute(connection));
  }

  async delete(connection: Connection, tellPeer = true): Promise<void> {
    const { connections, tasks, router } = this.deps;
    if (connection.connectionKind === "CK_GOING_AWAY" || !connections.has(connection)) return;
    this.deps.tell(connection, RC.log, this.#farewell(connection));
    // before anything is waited for: a peer that begins anew at once must not find it
    connections.remove(connection);
    if (connection.connectionKind === "CK_INSTANCE") connection.connectionKind = "CK_GOING_AWAY";
    for (const instance of connections.instancesOf(connection)) await this.delete(instance, tellPeer);
    this.removeStates(connection, tellPeer);
    await tasks.run(() => router.unroute(connection));
    if (connection.connectionKind !== "CK_GROUP") return;
    for (const member of connections.membersOf(connection)) await this.delete(member, tellPeer);
  }

  /** All of a name, instances first. @returns whether there was one */
  async deleteNamed(name: string): Promise<boolean> {
    const named = this.deps.connections.named(name);
    const rank = ({ connectionKind }: Connection) => connectionKind === "CK_INSTANCE" ? 0 : 1;
    for (const one of named.toSorted((a, b) => rank(a) - rank(b))) await this.delete(one);
    return named.length > 0;
  }

  /** An instance goes with the last state, and the last negotiation that waits. */
  discardUnused(connection: Connection): void {
    if (!this.#isUnused(connection)) return;
    // what strangers have us make costs no line and no task
    if (!connection.hasWorked && connection.routing === "UNROUTED") return this.deps.connections.remove(connection);
    this.deps.inBackground(() => this.#abandon(connection));
  }

  #isUnused(connection: Connection): boolean {
    if (connection.connectionKind !== "CK_INSTANCE" || !connection.template) return false;
    const { pending, retries } = this.deps;
    return !this.statesOf(connection).length && !pending.has(connection) && !retries.has(connection);
  }

  async #abandon(connection: Connection): Promise<void> {
    const { tasks, router, now } = this.deps;
    if (connection.policy.opportunistic) {
      const why = "no SA could be negotiated with the gateway";
      await tasks.run(async () => {
        if (this.#isUnused(connection)) await router.abandonHold(connection, why, now());
      });
    }
    // a packet may have brought it into use again
    if (this.#isUnused(connection)) await this.delete(connection);
  }

  /** Those that never came into use. */
  sweep(): void {
    for (const one of [...this.deps.connections]) {
      if (this.deps.now() - one.madeAt >= FRESH_MS) this.discardUnused(one);
    }
  }

  #farewell(connection: Connection): string {
    if (connection.serial === 0) return "deleting connection";
    const { name, peers, newestIsakmp, newestIpsec } = connection;
    const sas = `{isakmp=#${newestIsakmp}/ipsec=#${newestIpsec}}`;
    return `deleting connection "${name}" instance with peer ${formatAddress(peers.host)} ${sas}`;
  }
}
