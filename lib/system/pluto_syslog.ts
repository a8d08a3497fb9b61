/** pluto's messages to syslog: in order, and none lost because there are many at once. */
import { parseSyslogPriority } from "../text/syslog_priority.ts";
import { Syslog } from "./syslog.ts";

/** Those that pluto uses, of the facility authpriv (pluto.md §3.1). */
export type PlutoSeverity = "warning" | "err" | "info" | "debug";

/** A daemon that takes nothing for so long is away, or there is none. */
const PATIENCE_MS = 1000;
const PAUSE_MS = 10;
const MOST_WAITING = 10_000;
/** Of what is kept where there is no syslog daemon: nobody rotates it, and it may lie in memory (/run). */
const MOST_KEPT_BYTES = 8 << 20;
const FULL = "no more of the log is kept here: run a syslog daemon, or name a file by plutostderrlog= in config setup";

interface Message {
  readonly severity: PlutoSeverity;
  readonly text: string;
}

export class PlutoSyslog {
  readonly #tag: string;
  readonly #path: string | undefined;
  readonly #otherwise: ((line: string) => void) | undefined;
  #keptBytes = 0;
  readonly #by = new Map<PlutoSeverity, Syslog>();
  readonly #waiting: Message[] = [];
  #sending: Promise<void> | undefined;

  /**
   * @param path of the host's socket, where it is another one
   * @param otherwise takes what no syslog daemon takes
   */
  constructor(pid: number, { path, otherwise }: { path?: string; otherwise?: (line: string) => void } = {}) {
    this.#tag = `pluto[${pid}]`;
    this.#path = path;
    this.#otherwise = otherwise;
  }

  write(severity: PlutoSeverity, text: string): void {
    if (this.#waiting.length < MOST_WAITING) this.#waiting.push({ severity, text });
    this.#sending ??= this.#send();
  }

  /** Once all has gone that will. */
  async flush(): Promise<void> {
    await this.#sending;
  }

  async #send(): Promise<void> {
    await Promise.resolve(); // so that its end is after its beginning is known
    let waitedMs = 0;
    while (this.#waiting.length) {
      const [{ severity, text }] = this.#waiting;
      if (this.#syslog(severity).write(text)) {
        this.#waiting.shift();
        waitedMs = 0;
        continue;
      }
      if (waitedMs >= PATIENCE_MS) {
        for (const { text } of this.#waiting.splice(0)) this.#keep(text);
        break;
      }
      waitedMs += PAUSE_MS;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    this.#sending = undefined;
  }

  #keep(text: string): void {
    if (!this.#otherwise || this.#keptBytes > MOST_KEPT_BYTES) return;
    this.#keptBytes += text.length;
    const kept = this.#keptBytes > MOST_KEPT_BYTES ? FULL : text;
    this.#otherwise(`${new Date().toISOString()} ${this.#tag}: ${kept}`);
  }

  #syslog(severity: PlutoSeverity): Syslog {
    let syslog = this.#by.get(severity);
    if (syslog) return syslog;
    const priority = parseSyslogPriority(`authpriv.${severity}`);
    syslog = new Syslog({
      priority: priority.ok ? priority.value : 0,
      tag: this.#tag,
      ...(this.#path !== undefined && { path: this.#path }),
    });
    this.#by.set(severity, syslog);
    return syslog;
  }
}
