/**
 * The conns that start brings up by `ipsec manual`. How each is taken down is written down when it comes up: by then the
 * configuration may say something else.
 */
import type { SetupDeps } from "./setup_deps.ts";
import type { ManualRecord } from "./setup_state.ts";
import { manualWords } from "./setup_steps.ts";

type Deps = Pick<SetupDeps, "show" | "say" | "ipsec" | "script" | "record">;

export class ManualConns {
  readonly #deps: Deps;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Of those that are up, or may be. */
  get names(): string[] {
    return this.#deps.record.state.manual.map(({ name }) => name);
  }

  /** @param file of --config; undefined for ipsec.conf */
  async up(conns: readonly string[], file: string | undefined): Promise<void> {
    const { record, ipsec, show, say } = this.#deps;
    for (const conn of conns) {
      const words = manualWords(conn, file);
      const down = words.slice(1).map((word) => word === "--up" ? "--down" : word);
      const { output } = await ipsec(["manual", "--showonly", ...down]);
      const others = record.state.manual.filter(({ name }) => name !== conn);
      record.update({ manual: [...others, { name: conn, down: output }] });
      show(`ipsec ${words.join(" ")}`);
      for (const line of (await ipsec(words)).lines) say(line);
    }
  }

  async down(conns: readonly string[]): Promise<void> {
    const { record, show } = this.#deps;
    for (const one of record.state.manual.filter(({ name }) => conns.includes(name))) {
      show(`ipsec manual --down ${one.name}`);
      await takeDown(one, this.#deps);
      record.update({ manual: record.state.manual.filter(({ name }) => name !== one.name) });
    }
  }
}

/** What of it has gone by itself is not worth a word. */
export async function takeDown({ down }: ManualRecord, { script }: Pick<SetupDeps, "script">): Promise<void> {
  if (down) await script(down);
}
