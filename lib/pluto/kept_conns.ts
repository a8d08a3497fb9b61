/**
 * What of the connections outlives a crash: which there are, and which of them are routed and up. Whoever starts pluto anew
 * is told at each change, so that an administrator's commands need not be given again.
 */
import type { Clock } from "../ike/host.ts";
import { type Connection, NOBODY } from "./connection.ts";
import { isRouted } from "./routing_states.ts";

export interface KeptConn {
  readonly name: string;
  readonly isRouted: boolean;
  /** By an administrator or by the peer. */
  readonly isUp: boolean;
}

/** Oldest first. What comes of them by itself, members and instances, is not among them. */
export function keptConns(newestFirst: Iterable<Connection>): KeptConn[] {
  return [...newestFirst].filter(({ serial, group }) => serial === 0 && !group).reverse().map((one) => ({
    name: one.name,
    isRouted: one.policy.group ? one.policy.grouted : isRouted(one.routing),
    isUp: one.policy.up || one.connectionKind === "CK_PERMANENT" && one.erouteOwner !== NOBODY,
  }));
}

export interface KeeperDeps {
  readonly connections: Iterable<Connection>;
  readonly clock: Clock;
  /** Absent where nobody would start pluto anew. */
  keep?(conns: readonly KeptConn[]): void;
}

/** Between two reports: a thousand connections may come up at once. */
const PAUSE_MS = 500;

export class Keeper {
  readonly #deps: KeeperDeps;
  #isPausing = false;
  #hasChanged = false;

  constructor(deps: KeeperDeps) {
    this.#deps = deps;
  }

  /** Something may have changed. The first report is made at once. */
  changed(): void {
    if (!this.#deps.keep) return;
    if (this.#isPausing) this.#hasChanged = true;
    else this.#report();
  }

  /** What somebody has just ordered outlives a crash that comes at once. */
  ordered(): void {
    if (this.#deps.keep) this.#report();
  }

  #report(): void {
    this.#deps.keep!(keptConns(this.#deps.connections));
    this.#isPausing = true;
    this.#hasChanged = false;
    this.#deps.clock.after(PAUSE_MS, () => {
      this.#isPausing = false;
      if (this.#hasChanged) this.#report();
    });
  }
}
