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

/** All of them, oldest first, or those among them that are other than before. */
export type ConnReport = { readonly conns: readonly KeptConn[] } | { readonly changed: readonly KeptConn[] };

export interface KeeperDeps {
  readonly connections: Iterable<Connection>;
  readonly clock: Clock;
  /** Absent where nobody would start pluto anew. @returns false where the report was lost */
  keep?(report: ConnReport): boolean;
}

/** Between two reports: a thousand connections may come up at once. */
const PAUSE_MS = 500;

export class Keeper {
  readonly #deps: KeeperDeps;
  readonly #told = new Map<Connection, KeptConn>();
  /** A report was lost: what was told before may not have been heard. */
  #isLost = false;
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

  /** What somebody has just ordered outlives a crash that comes at once; what it did to other connections is told later. */
  ordered(connection: Connection | undefined): void {
    if (!this.#deps.keep) return;
    if (!connection || this.#isLost || !this.#told.has(connection)) return this.#report();
    if (isOtherThan(this.#told.get(connection)!, connection)) this.#tell([connection]);
    this.#hasChanged = true;
    this.#pause();
  }

  #report(): void {
    this.#hasChanged = false;
    const changed = this.#changes();
    if (!changed) this.#tellAll();
    else if (changed.length) this.#tell(changed);
    this.#pause();
  }

  #pause(): void {
    if (this.#isPausing) return;
    this.#isPausing = true;
    this.#deps.clock.after(PAUSE_MS, () => {
      this.#isPausing = false;
      if (this.#hasChanged) this.#report();
    });
  }

  /** @returns undefined where all are to be told: connections have come or gone, or a report was lost */
  #changes(): Connection[] | undefined {
    if (this.#isLost) return undefined;
    const changed: Connection[] = [];
    let count = 0;
    for (const one of this.#deps.connections) {
      if (!isKept(one)) continue;
      const told = this.#told.get(one);
      if (!told) return undefined;
      if (isOtherThan(told, one)) changed.push(one);
      count++;
    }
    return count === this.#told.size ? changed : undefined;
  }

  #tell(connections: readonly Connection[]): void {
    for (const one of connections) this.#told.set(one, keptConn(one));
    const changed = connections.map((one) => this.#told.get(one)!);
    this.#isLost = !this.#deps.keep!({ changed });
  }

  #tellAll(): void {
    this.#told.clear();
    for (const one of [...this.#deps.connections].filter(isKept).reverse()) this.#told.set(one, keptConn(one));
    this.#isLost = !this.#deps.keep!({ conns: [...this.#told.values()] });
  }
}

/** What comes of them by itself, members and instances, is not among them. */
function isKept({ serial, group }: Connection): boolean {
  return serial === 0 && !group;
}

function keptConn(one: Connection): KeptConn {
  return { name: one.name, isRouted: isRoutedNow(one), isUp: isUp(one) };
}

function isOtherThan(told: KeptConn, one: Connection): boolean {
  return told.isRouted !== isRoutedNow(one) || told.isUp !== isUp(one);
}

function isRoutedNow({ policy, routing }: Connection): boolean {
  return policy.group ? policy.grouted : isRouted(routing);
}

function isUp({ policy, connectionKind, erouteOwner }: Connection): boolean {
  return policy.up || connectionKind === "CK_PERMANENT" && erouteOwner !== NOBODY;
}
