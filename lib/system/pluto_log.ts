/** Where pluto's lines go (pluto.md §3): syslog or standard error, and the log of the peer that a line is about. */
import type { LogLevel, LogPeer } from "../pluto/teller.ts";
import { formatAddress } from "../text/address.ts";
import type { PlutoSeverity } from "./pluto_syslog.ts";

export interface PlutoLogDeps {
  /** One line without its end, to standard error; undefined where syslog has the log. */
  readonly stderr: ((line: string) => void) | undefined;
  syslog(severity: PlutoSeverity, text: string): void;
  /** Undefined where peers have no logs. */
  readonly peerLog: ((peer: string, text: string) => void) | undefined;
  closePeerLogs(): void;
}

const SEVERITIES = { notice: "warning", error: "err", debug: "debug" } as const satisfies Record<
  LogLevel,
  PlutoSeverity
>;

export class PlutoLog {
  readonly #deps: PlutoLogDeps;
  /** Peers whose logs have been mentioned. */
  readonly #opened = new Set<string>();

  constructor(deps: PlutoLogDeps) {
    this.#deps = deps;
  }

  /** @param text prefix included, fit for a terminal; several lines are several messages */
  write(level: LogLevel, text: string, about?: LogPeer): void {
    const { stderr, syslog, peerLog } = this.#deps;
    for (const line of text.split("\n")) {
      if (stderr) stderr(line);
      else syslog(SEVERITIES[level], line);
      if (peerLog && about) this.#toPeer(peerLog, line, about);
    }
  }

  /** At each `--listen`: their files may have been moved away. */
  closePeerLogs(): void {
    this.#opened.clear();
    this.#deps.closePeerLogs();
  }

  #toPeer(peerLog: (peer: string, text: string) => void, line: string, { address, connection }: LogPeer): void {
    const name = formatAddress(address);
    if (!this.#opened.has(name)) {
      this.#opened.add(name);
      this.#deps.syslog("info", `opening log file for conn ${connection}`);
    }
    peerLog(name, line);
  }
}
