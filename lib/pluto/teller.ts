/** Lines with their prefix, to the log and to whoever waits (pluto.md §3.2, whack.md §6). */
import type { DebugArea, Subject } from "../ike/host.ts";
import type { IkeState } from "../ike/state.ts";
import { type Address, formatAddress, isAnyAddress } from "../text/address.ts";
import { sanitizeText } from "../text/sanitize.ts";
import { Connection } from "./connection.ts";
import { RC } from "./define.ts";
import { Troubles } from "./troubles.ts";
import { statePrefix, type Whacks } from "./whacks.ts";

export type LogLevel = "error" | "notice" | "debug";

/** Whose log has a line as well, where peers have logs of their own. */
export interface LogPeer {
  readonly address: Address;
  readonly connection: string;
}

export type Log = (level: LogLevel, text: string, peer?: LogPeer) => void;

/** In characters; what is longer is cut. */
const LONGEST_LINE = 1023;

/** In the order of listings. */
export const DEBUG_FLAGS = [
  "raw",
  "crypt",
  "parsing",
  "emitting",
  "control",
  "lifecycle",
  "klips",
  "dns",
  "oppo",
  "controlmore",
  "pfkey",
  "natt",
  "dpd",
  "private",
  "impair-delay-adns-key-answer",
  "impair-delay-adns-txt-answer",
  "impair-bust-mi2",
  "impair-bust-mr2",
] as const;

export type DebugFlag = typeof DEBUG_FLAGS[number];

export class Teller {
  readonly troubles = new Troubles();
  /** Of the daemon. */
  #debug: ReadonlySet<string> = new Set();

  constructor(readonly whacks: Whacks, readonly log: Log) {}

  get debugFlags(): string[] {
    return DEBUG_FLAGS.filter((flag) => this.#debug.has(flag));
  }

  setDebug(flags: readonly string[]): void {
    this.#debug = new Set(flags);
  }

  /** 2 and 3 go to the log as well; all others to whack alone. */
  tell(about: Subject | Connection, code: number, text: string): void {
    const line = fit(prefix(about) + text);
    if (about && "number" in about) this.troubles.heard(about, code, text);
    if (code === RC.log || code === RC.serious) this.log(code === RC.serious ? "error" : "notice", line, peerOf(about));
    this.#toWhack(about, code, line);
  }

  /** To the log whatever the code. */
  announce(about: Subject | Connection, code: number, text: string): void {
    const line = fit(prefix(about) + text);
    this.log("notice", line, peerOf(about));
    this.#toWhack(about, code, line);
  }

  /** To the log only. */
  note(about: Subject | Connection, text: string): void {
    this.log("notice", fit(prefix(about) + text), peerOf(about));
  }

  isDebugging(flag: DebugFlag | DebugArea, about?: Subject | Connection): boolean {
    if (this.#debug.has(flag)) return true;
    const connection = about && connectionOfSubject(about);
    return connection instanceof Connection && connection.debug.includes(flag);
  }

  debug(about: Subject | Connection, flag: DebugFlag | DebugArea, text: () => string): void {
    if (this.isDebugging(flag, about)) this.log("debug", `| ${fit(text())}`);
  }

  #toWhack(about: Subject | Connection, code: number, line: string): void {
    const number = about && "number" in about ? about.number : undefined;
    this.whacks.replyFor(number, about && connectionOfSubject(about)?.name)?.line(code, line);
  }
}

/**
 * Only of a connection: who has none has no log. Of one that anybody may use only who has proved itself: senders that do
 * not exist would have directories made.
 */
function peerOf(about: Subject | Connection): LogPeer | undefined {
  if (!about) return undefined;
  if ("number" in about) {
    return isKnown(about) ? { address: about.path.remote, connection: about.connection.name } : undefined;
  }
  if (about instanceof Connection && about.connectionKind !== "CK_PERMANENT" && !about.hasWorked) return undefined;
  if (!("peers" in about) || isAnyAddress(about.peers.host)) return undefined;
  return { address: about.peers.host, connection: about.name };
}

/** IPsec SAs are negotiated under a proof; a permanent connection names its peer. */
function isKnown(state: IkeState): boolean {
  const { connection } = state;
  if (state.kind === "ipsec" || state.isEstablished) return true;
  return connection instanceof Connection && connection.connectionKind === "CK_PERMANENT";
}

function connectionOfSubject(about: NonNullable<Subject>): { readonly name: string } | undefined {
  if ("number" in about) return about.connection;
  return "name" in about ? about : undefined;
}

function prefix(about: Subject | Connection): string {
  if (!about) return "";
  if ("number" in about) return statePrefix(about);
  if ("label" in about) return `${about.label}: `;
  return `packet from ${formatAddress(about.remote)}:${about.remotePort}: `;
}

/** Peers and files have a part in what is said. */
function fit(line: string): string {
  return sanitizeText(line, LONGEST_LINE);
}
