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
  /** When it was said, however late it goes. */
  readonly at: Date;
}

export class PlutoSyslog {
  readonly #tag: string;
  readonly #path: string | undefined;
  readonly #otherwise: ((line: string) => void) | undefined;
  readonly #now: () => Date;
  #keptBytes = 0;
  /** Nobody took the last message: the next ones are not kept waiting for somebody. */
  #away = false;
  readonly #by = new Map<PlutoSeverity, Syslog>();
  readonly #waiting: Message[] = [];
  #sending: Promise<void> | undefined;

  /**
   * @param path of the host's socket, where it is another one
   * @param otherwise takes what no syslog daemon takes
   */
  constructor(
    pid: number,
    { path, otherwise, now = () => new Date() }: {
      path?: string;
      otherwise?: (line: string) => void;
      now?: () => Date;
    } = {},
  ) {
    this.#tag = `pluto[${pid}]`;
    this.#path = path;
    this.#otherwise = otherwise;
    this.#now = now;
  }

  write(severity: PlutoSeverity, text: string): void {
    if (this.#waiting.length < MOST_WAITING) this.#waiting.push({ severity, text, at: this.#now() });
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
      const [{ severity, text, at }] = this.#waiting;
      if (this.#syslog(severity).write(text, at)) {
        this.#waiting.shift();
        waitedMs = 0;
        this.#away = false;
        continue;
      }
      if (this.#away || waitedMs >= PATIENCE_MS) {
        this.#away = true;
        for (const message of this.#waiting.splice(0)) this.#keep(message);
        break;
      }
      waitedMs += PAUSE_MS;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    this.#sending = undefined;
  }

  #keep({ text, at }: Message): void {
    if (!this.#otherwise || this.#keptBytes > MOST_KEPT_BYTES) return;
    this.#keptBytes += text.length;
    const kept = this.#keptBytes > MOST_KEPT_BYTES ? FULL : text;
    this.#otherwise(`${at.toISOString()} ${this.#tag}: ${kept}`);
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
