/** Ping that goes on while something happens: afterwards it is known whether a single answer is missing. */
import { equal, ok } from "node:assert/strict";
import { type Daemon, type Host, until } from "../../tools/_net.ts";

const INTERVAL_SECONDS = 0.05;

export class SteadyPing {
  readonly #daemon: Daemon;

  private constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  /** Begins, and returns once it is answered. @param from address or interface to send from */
  static async start(host: Host, address: string, from?: string): Promise<SteadyPing> {
    const source = from === undefined ? [] : ["-I", from];
    const words = ["ping", "-n", "-O", "-i", String(INTERVAL_SECONDS), ...source, address];
    const self = new SteadyPing(host.start(words));
    await self.goesOn();
    return self;
  }

  /** Waits for more answers. */
  async goesOn(answers = 5): Promise<void> {
    const wanted = this.answers + answers;
    await until("more answers to ping", () => this.answers >= wanted);
  }

  get answers(): number {
    return this.#daemon.output.match(/bytes from/g)?.length ?? 0;
  }

  /**
   * Ends it.
   *
   * @param underWay so many of the last ones need no answer yet
   * @returns how many requests since the first answer had none
   */
  async stop(underWay = 1): Promise<number> {
    const output = await this.#daemon.stop("SIGINT");
    const sent = Number(/(\d+) packets transmitted/.exec(output)![1]);
    const answered = new Set([...output.matchAll(/bytes from .* icmp_seq=(\d+)/g)].map(([, seq]) => Number(seq)));
    let lost = 0;
    for (let seq = Math.min(...answered); seq <= sent - underWay; seq++) if (!answered.has(seq)) lost++;
    return lost;
  }

  /** Ends it; nothing may have been lost. */
  async lostNothing(): Promise<void> {
    equal(await this.stop(), 0, "pings without an answer");
  }

  /**
   * Ends it. strongSwan takes packets by a new SA once it has read our last message of Quick Mode: what overtakes that is
   * lost.
   *
   * @param replaced how often we have begun to replace keys
   */
  async lostWhatOvertook(replaced: number): Promise<void> {
    const lost = await this.stop();
    ok(lost <= replaced, `${lost} pings without an answer, and keys were replaced ${replaced} times`);
  }
}
