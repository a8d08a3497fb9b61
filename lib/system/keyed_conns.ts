/** The conns that start makes known to pluto, routes and brings up, as `auto=` says (commands.md §6). */
import type { KeptConn } from "../pluto/kept_conns.ts";
import type { AutoConn } from "./setup_settings.ts";

/** What a command for pluto came to: whack's status, and lines for people. */
export interface WhackOutcome {
  readonly status: number;
  readonly lines: readonly string[];
}

/** A conn as the configuration has it. */
export interface DescribedConn {
  /** The commands that make it known: they differ where it has changed. Undefined where it cannot be used. */
  readonly text: string | undefined;
  /** Makes it known. @param replace one of that name */
  define(replace: boolean): Promise<WhackOutcome>;
}

export interface KeyedConnsDeps {
  /** Reads the configuration, once for all conns. */
  describe(): (name: string) => DescribedConn;
  /** An operation of `ipsec auto`. */
  auto(...words: string[]): Promise<WhackOutcome>;
  /** For the terminal and the log. */
  say(text: string): void;
  /** For the log. */
  note(text: string): void;
}

/** With --asynchronous: the negotiation is on its way. */
const UNDER_WAY = [104, 112];

/** RC of `attempt to redefine connection`. */
const THERE_ALREADY = 20;

export class KeyedConns {
  readonly #deps: KeyedConnsDeps;
  /** What pluto has by us, with the commands by which. */
  readonly #known = new Map<string, string>();

  constructor(deps: KeyedConnsDeps) {
    this.#deps = deps;
  }

  /**
   * All, into a pluto that knows nothing yet.
   *
   * @param ready is called when pluto listens: the time of postpluto
   * @param wait for each that is brought up
   * @param kept what the one before had when it crashed; default: what `auto=` says
   */
  async load(
    conns: readonly AutoConn[],
    wait: boolean,
    ready: () => Promise<void>,
    kept: readonly KeptConn[] = conns.map(asConfigured),
  ): Promise<void> {
    const describe = this.#deps.describe();
    this.#known.clear();
    // also of one that was deleted by hand: it stays away until it is described in another way
    for (const { name } of conns) this.#remember(name, describe(name));
    const added: KeptConn[] = [];
    for (const conn of kept) if (await this.#define(conn.name, describe(conn.name), false)) added.push(conn);
    await this.listen();
    await ready();
    await this.#bringUp(added, wait);
  }

  /** What has changed since: what is gone goes, what is new or another is made known, routed and brought up. */
  async update(conns: readonly AutoConn[], wait: boolean): Promise<void> {
    const describe = this.#deps.describe();
    for (const name of [...this.#known.keys()].filter((known) => conns.every(({ name }) => name !== known))) {
      this.#known.delete(name);
      this.#tell(await this.#deps.auto("--delete", name));
    }
    const changed: KeptConn[] = [];
    for (const conn of conns) {
      const described = describe(conn.name);
      const known = this.#known.get(conn.name);
      if (known !== undefined && known === described.text) continue;
      this.#remember(conn.name, described);
      if (await this.#define(conn.name, described, known !== undefined)) changed.push(asConfigured(conn));
    }
    await this.listen();
    await this.#bringUp(changed, wait);
  }

  /** Interfaces, secrets and groups are read anew. */
  async listen(): Promise<void> {
    this.#tell(await this.#deps.auto("--ready"));
  }

  #remember(name: string, { text }: DescribedConn): void {
    if (text !== undefined) this.#known.set(name, text);
  }

  /** @returns whether pluto has it now as it is described */
  async #define(name: string, described: DescribedConn, replace: boolean): Promise<boolean> {
    const outcome = await described.define(replace);
    if (outcome.status === THERE_ALREADY) {
      this.#deps.note(`conn "${name}" was added by hand: it stays as it is until ipsec.conf has it in another way`);
      return false;
    }
    this.#tell(outcome);
    if (outcome.status === 0 && described.text !== undefined) return true;
    this.#known.delete(name);
    this.#deps.say(`...could not add conn "${name}"`);
    return false;
  }

  async #bringUp(conns: readonly KeptConn[], wait: boolean): Promise<void> {
    const { auto, say } = this.#deps;
    for (const { name } of conns.filter(({ isRouted }) => isRouted)) {
      const outcome = await auto("--route", name);
      this.#tell(outcome);
      if (outcome.status !== 0) say(`...could not route conn "${name}"`);
    }
    for (const { name } of conns.filter(({ isUp }) => isUp)) {
      const outcome = await auto(...(wait ? [] : ["--asynchronous"]), "--up", name);
      const isFine = outcome.status === 0 || !wait && UNDER_WAY.includes(outcome.status);
      this.#tell(outcome, isFine);
      if (!isFine) say(`...could not start conn "${name}"`);
    }
  }

  /** Why something failed is for who waits at the terminal, too. */
  #tell({ status, lines }: WhackOutcome, isFine = status === 0): void {
    const { say, note } = this.#deps;
    for (const line of lines) (isFine ? note : say)(line);
  }
}

function asConfigured({ name, auto }: AutoConn): KeptConn {
  return { name, isRouted: auto !== "add", isUp: auto === "start" };
}
