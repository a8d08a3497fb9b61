/** pluto's side of its helper: started while pluto may still start anything, then spoken to over a pipe. */
import type { UdpRefusal } from "../packet/icmp_refusal.ts";
import { parseNumericAddress } from "../text/address.ts";
import type { UpdownVariables } from "../text/updown_variables.ts";
import { LineWriter, readLines } from "./json_lines.ts";
import { type HelperAnswer, type HelperNews, type HelperRequest, READY } from "./pluto_helper.ts";
import type { PlutoSeverity } from "./pluto_syslog.ts";
import type { UpdownOutcome } from "./updown.ts";
import { doesNothing } from "./updown_words.ts";

const LONGEST_ANSWER = 1 << 20;
/** The helper looks at what has come in between. */
const HEAR_EVERY_MS = 250;

export class PlutoHelper {
  readonly #requests: LineWriter;
  readonly #waiting = new Map<number, (outcome: UpdownOutcome) => void>();
  #lastId = 0;
  #askedToHearAt = -Infinity;
  /** Told who refuses messages of ours. */
  refused: ((refusal: UdpRefusal) => void) | undefined;
  /** Resolves when it has ended, or been told to. */
  readonly ended: Promise<void>;
  readonly #child: Deno.ChildProcess;
  readonly #ready = Promise.withResolvers<boolean>();

  /** @param words that start it. @returns it, once it can be told which commands are allowed */
  static async start(words: readonly string[]): Promise<PlutoHelper> {
    const helper = new PlutoHelper(words);
    if (!await helper.#ready.promise) throw new Error("the process that runs updown commands has not started");
    return helper;
  }

  private constructor(words: readonly string[]) {
    this.#child = new Deno.Command(words[0], {
      args: words.slice(1),
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
      detached: true, // a signal for the terminal is not for it: it ends after pluto
    }).spawn();
    this.#requests = new LineWriter(this.#child.stdin);
    this.ended = this.#read();
  }

  syslog(severity: PlutoSeverity, text: string): void {
    this.#ask({ do: "syslog", severity, text });
  }

  peerLog(peer: string, text: string): void {
    this.#ask({ do: "peer log", peer, text });
  }

  closePeerLogs(): void {
    this.#ask({ do: "close peer logs" });
  }

  /** A message of IKE has gone. */
  sent(): void {
    const now = performance.now();
    if (now - this.#askedToHearAt < HEAR_EVERY_MS) return;
    this.#askedToHearAt = now;
    this.#ask({ do: "hear refusals" });
  }

  /** Those of one connection are run one after the other. */
  updown(command: string, variables: UpdownVariables): Promise<UpdownOutcome> {
    if (doesNothing(command, variables)) return Promise.resolve({ ok: true, lines: [] });
    const id = ++this.#lastId;
    const { promise, resolve } = Promise.withResolvers<UpdownOutcome>();
    this.#waiting.set(id, resolve);
    this.#ask({ do: "updown", id, command, variables });
    return promise;
  }

  /** Ends it, once it has done all; it removes our files. */
  async close(): Promise<void> {
    await this.#requests.close();
    await this.#child.status;
  }

  #ask(request: HelperRequest): void {
    this.#requests.write(request);
  }

  async #read(): Promise<void> {
    for await (const value of readLines(this.#child.stdout, LONGEST_ANSWER)) {
      if (value === READY) {
        this.#ready.resolve(true);
        continue;
      }
      if (isNews(value)) {
        const refusal = refusalOf(value);
        if (refusal) this.refused?.(refusal);
        continue;
      }
      const { id, outcome } = value as HelperAnswer;
      this.#waiting.get(id)?.(outcome);
      this.#waiting.delete(id);
    }
    this.#ready.resolve(false);
    const complaint = "updown command not run: the process that runs them has ended";
    for (const resolve of this.#waiting.values()) resolve({ ok: false, lines: [], complaint });
    this.#waiting.clear();
  }
}

function isNews(value: unknown): value is HelperNews {
  return typeof value === "object" && value !== null && "refusal" in value;
}

function refusalOf({ refusal }: HelperNews): UdpRefusal | undefined {
  const [complainant, from, to] = [refusal.complainant, refusal.from, refusal.to].map((text) =>
    parseNumericAddress(`${text}`, "inet")
  );
  if (!complainant.ok || !from.ok || !to.ok) return undefined;
  const [code, fromPort, toPort] = [refusal.code, refusal.fromPort, refusal.toPort].map(Number);
  return { complainant: complainant.value, code, from: from.value, fromPort, to: to.value, toPort };
}
