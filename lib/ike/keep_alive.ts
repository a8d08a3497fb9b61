/** Keeps the table of a NAT in front of us alive: one byte 0xff now and then, to each peer (RFC 3947 §4, RFC 3948 §4). */
import { formatAddress } from "../text/address.ts";
import type { IkeDeps, Timer } from "./host.ts";
import type { Path } from "./state.ts";
import type { State } from "./state_table.ts";

export const KEEP_ALIVE: Uint8Array = Uint8Array.of(0xff);

export function isKeepAlive(datagram: Uint8Array): boolean {
  return datagram.length === 1 && datagram[0] === KEEP_ALIVE[0];
}

/** One timer for all; none while there is nobody to be kept alive for. */
export class KeepAlives {
  readonly #deps: IkeDeps;
  readonly #states: ReadonlyMap<number, State>;
  readonly #everyMs: number;
  #timer?: Timer;

  constructor(deps: IkeDeps, states: ReadonlyMap<number, State>, seconds: number) {
    this.#deps = deps;
    this.#states = states;
    this.#everyMs = 1000 * seconds;
  }

  /** A state may now need them. */
  start(state: State): void {
    if (needsKeepAlives(state)) this.#wait();
  }

  #wait(): void {
    if (this.#timer || this.#everyMs <= 0) return;
    this.#timer = this.#deps.clock.after(this.#everyMs, () => this.#send());
  }

  #send(): void {
    this.#timer = undefined;
    const paths = this.#paths();
    for (const path of paths) this.#deps.send(path, KEEP_ALIVE);
    if (paths.length) this.#wait();
  }

  #paths(): Path[] {
    const paths = new Map<string, Path>();
    for (const state of this.#states.values()) {
      if (needsKeepAlives(state)) paths.set(pathKey(state.path), state.path);
    }
    return [...paths.values()];
  }
}

function needsKeepAlives(state: State): boolean {
  return state.kind === "isakmp" ? state.isAuthenticated && state.nat.ours : state.behindNat;
}

function pathKey({ local, localPort, remote, remotePort }: Path): string {
  return `${formatAddress(local)} ${localPort} ${formatAddress(remote)} ${remotePort}`;
}
