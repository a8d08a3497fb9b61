/**
 * What the supervisor knows of pluto's connections by pluto itself, for the next one: after a crash, what an administrator or
 * a peer had brought up comes up again, and what had been taken down stays down.
 */
import type { KeptConn } from "../pluto/kept_conns.ts";

export class ConnMemory {
  /** Of the pluto that runs. */
  #latest: readonly KeptConn[] | undefined;
  #kept: readonly KeptConn[] | undefined;
  /** Whether it has been told all that it should know: before that, what it has says nothing. */
  #isComplete = false;
  /** Whether it has reported since. Where it has not, nothing has changed of what it was told. */
  #isLearnt = false;
  #before: Promise<void> = Promise.resolve();

  /** For a new pluto; undefined where none has crashed that knew all. */
  get kept(): readonly KeptConn[] | undefined {
    return this.#kept;
  }

  /** A new pluto is told. */
  begin(): void {
    this.#isComplete = false;
  }

  complete(): void {
    this.#isComplete = true;
  }

  /**
   * Hears one pluto out: reports, as they come over a stream. Those of two do not mix.
   *
   * @param ready called when the reports of the one before have been read
   */
  async follow(reports: AsyncIterable<unknown>, ready: () => Promise<void>): Promise<void> {
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const before = this.#before;
    this.#before = ended;
    await before;
    try {
      await ready();
      for await (const report of reports) {
        this.#latest = readReport(report, this.#latest);
        this.#isLearnt ||= this.#isComplete;
      }
    } finally {
      if (this.#isLearnt && this.#latest) this.#kept = this.#latest;
      this.#isComplete = this.#isLearnt = false;
      this.#latest = undefined;
      resolve();
    }
  }
}

/** pluto reads what strangers send: its word is looked at, too. */
function readReport(report: unknown, before: readonly KeptConn[] | undefined): readonly KeptConn[] | undefined {
  const { conns, changed } = (report ?? {}) as { readonly conns?: unknown; readonly changed?: unknown };
  if (Array.isArray(conns)) return readConns(conns);
  if (!Array.isArray(changed)) return before;
  const byName = new Map(readConns(changed).map((one) => [one.name, one]));
  return before?.map((one) => byName.get(one.name) ?? one);
}

/** A name that begins with "-" would be an option. */
function readConns(conns: readonly unknown[]): KeptConn[] {
  return conns.flatMap((one) => {
    const { name, isRouted, isUp } = (one ?? {}) as Partial<Record<keyof KeptConn, unknown>>;
    if (typeof name !== "string" || name === "" || name.startsWith("-")) return [];
    return [{ name, isRouted: isRouted === true, isUp: isUp === true }];
  });
}
