/** KLIPS as the supervisor sees it: a process with a file that names it, and a socket that it answers on. */
import type { PfkeyClient } from "../pfkey/client.ts";
import { wasStartedWith } from "./process_words.ts";
import type { SetupDeps } from "./setup_deps.ts";
import { SMALL_HEAP } from "./small_heap.ts";
import type { ProcessRow } from "./supervisor.ts";

export class KlipsProcess {
  readonly #deps: Pick<SetupDeps, "daemon" | "connect" | "paths">;

  constructor(deps: Pick<SetupDeps, "daemon" | "connect" | "paths">) {
    this.#deps = deps;
  }

  /** Its row in the supervisor's table. @param options at the time of a start @param restarted after each but the first */
  row(options: () => readonly string[], restarted: () => Promise<void>): ProcessRow {
    const deps = this.#deps;
    return {
      title: "KLIPS",
      get words() {
        return deps.daemon("klips", "--foreground", "--adopt", ...options());
      },
      heap: SMALL_HEAP,
      isReady: (pid) => this.answers(pid),
      restarted,
    };
  }

  /** @param pid the process that must be the one; any where it is left out */
  async answers(pid?: number): Promise<boolean> {
    try {
      if (pid !== undefined && this.#pid() !== pid) return false;
      (await this.#deps.connect()).close();
      return true;
    } catch {
      return false; // not yet
    }
  }

  /** One conversation over PF_KEY. */
  async ask(what: (client: PfkeyClient) => Promise<void>): Promise<void> {
    const client = await this.#deps.connect();
    try {
      await what(client);
    } finally {
      client.close();
    }
  }

  /** Ends one that nobody watches any more, at once, so that its interfaces stay. */
  kill(): void {
    const pid = this.#pid();
    if (!pid || !wasStartedWith(pid, "klips")) return;
    try {
      Deno.kill(pid, "SIGKILL");
    } catch {
      // it has ended, or is not ours to kill
    }
  }

  #pid(): number {
    try {
      return Number(Deno.readTextFileSync(this.#deps.paths.klipsPid)) || 0;
    } catch {
      return 0;
    }
  }
}
