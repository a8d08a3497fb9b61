/**
 * The daemon without its sockets and files: connections and keying (pluto.md). Requests come one by one, datagrams and what
 * the packet engine asks at any time.
 */
import type { Timer } from "../ike/host.ts";
import type { Path } from "../ike/state.ts";
import type { UdpRefusal } from "../packet/icmp_refusal.ts";
import { RC } from "./define.ts";
import { acquireOf, HOLD_REASONS } from "./acquire.ts";
import { PlutoHost } from "./ike_host.ts";
import { type Acquire, KernelError } from "./kernel.ts";
import { Parts, type PlutoDeps, type PlutoOptions } from "./parts.ts";
import { tellRefusal } from "./refusals.ts";
import type { WhackRequest } from "./request.ts";
import { SCAN_SECONDS, scanShunts } from "./shunt_scan.ts";
import { statusJson, statusLines } from "./status.ts";
import { TaskQueue } from "./task_queue.ts";
import { carryOut, putAway, statusFacts } from "./whack_requests.ts";
import type { Reply } from "./whacks.ts";

export class Pluto {
  readonly #parts: Parts;
  readonly #requests = new TaskQueue();
  #scan: Timer | undefined;
  #isStopping = false;

  constructor(options: PlutoOptions, deps: PlutoDeps) {
    this.#parts = new Parts(options, deps, (parts) => new PlutoHost(parts));
    this.#scanLater();
  }

  /** For parts that are made elsewhere, and for tests. */
  get parts(): Parts {
    return this.#parts;
  }

  /** A datagram for IKE, from anybody. Nothing is heard before `--listen`. */
  receive(path: Path, datagram: Uint8Array): void {
    if (this.#parts.isListening) this.#parts.engine.receive(path, datagram);
  }

  /** Somebody says that a message of ours could not be delivered. */
  refused(refusal: UdpRefusal): void {
    tellRefusal(this.#parts, refusal);
  }

  /** Carries a request out; settled once it is done, while the whack may wait on for what it has begun. */
  async handle(request: WhackRequest, reply: Reply): Promise<void> {
    reply.hold();
    try {
      await this.#requests.run(() => carryOut(request, this.#parts, reply));
    } catch (error) {
      // a defect: the request has failed, the daemon goes on
      const text = `internal error: ${error instanceof Error ? error.message : error}`;
      this.#parts.whacks.at(reply, () => this.#parts.teller.announce(undefined, RC.internal, text));
    } finally {
      reply.release();
    }
    if (request.shutdown) this.#stop();
  }

  /** A packet met a trap, and the kernel holds it. */
  acquire(acquire: Acquire): void {
    void this.#acquire(acquire, HOLD_REASONS.acquire);
  }

  /** An SA has carried as much as it should: the packet engine asks for another. */
  worn(state: number): void {
    const found = this.#parts.engine.states.get(state);
    if (found) this.#parts.lifetimes.replaceWorn(found);
  }

  /** An orderly end, as by SIGTERM. */
  async shutDown(): Promise<void> {
    await this.#requests.run(() => putAway(this.#parts));
    this.#stop();
  }

  status(): string[] {
    return statusLines(statusFacts(this.#parts));
  }

  statusJson() {
    return statusJson(statusFacts(this.#parts));
  }

  /** Looks at the kernel's eroutes now. */
  async scan(): Promise<void> {
    const { parts } = this;
    try {
      await scanShunts({
        kernel: parts.deps.kernel,
        connections: parts.connections,
        shunts: parts.shunts,
        notes: parts.notes,
        states: parts.engine.states,
        now: () => parts.deps.clock.now(),
        over: (failure) => parts.tasks.run(() => parts.router.forgetFailure(failure)),
        orphan: (flow) => void this.#acquire(acquireOf(flow), HOLD_REASONS.found),
      });
      await parts.addressPools.reclaim();
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      parts.teller.tell(undefined, RC.serious, error.message);
    }
    parts.lifeCycle.sweep();
  }

  async #acquire(acquire: Acquire, reason: string): Promise<void> {
    try {
      await this.#parts.acquires.handle(acquire, { isHeld: true, reason });
    } catch (error) {
      const text = `internal error: ${error instanceof Error ? error.message : error}`;
      this.#parts.teller.announce(undefined, RC.internal, text);
    }
  }

  #scanLater(): void {
    this.#scan = this.#parts.deps.clock.after(SCAN_SECONDS * 1000, () => {
      void this.scan().finally(() => {
        if (!this.#isStopping) this.#scanLater();
      });
    });
  }

  #stop(): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#scan?.cancel();
    this.#parts.deps.stop();
  }
}
