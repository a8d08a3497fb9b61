/** pluto's end of a stream to the supervisor, which is told what to do with the next pluto should this one crash. */
import type { KeptConn } from "../pluto/kept_conns.ts";
import { BoundedWriter } from "./bounded_writer.ts";

/** Bytes that may wait to be read. */
const PATIENCE_BYTES = 1 << 22;
const encoder = new TextEncoder();

/** All of them, or those among them that are other than before. */
export type ConnReport = { readonly conns: readonly KeptConn[] } | { readonly changed: readonly KeptConn[] };

export class SupervisorLink {
  readonly #connection: Deno.UnixConn;
  readonly #writer: BoundedWriter;
  /** What the supervisor knows; undefined where it has not been told all. */
  #told: readonly KeptConn[] | undefined;

  private constructor(connection: Deno.UnixConn) {
    this.#connection = connection;
    this.#writer = new BoundedWriter(connection, PATIENCE_BYTES);
  }

  /** @returns undefined where no supervisor listens at `path` */
  static async connect(path: string): Promise<SupervisorLink | undefined> {
    try {
      const connection = await Deno.connect({ transport: "unix", path });
      await connection.write(encoder.encode('{"do":"conns"}\n'));
      // it answers when it has read the last words of the pluto before us
      const isThere = await connection.read(new Uint8Array(256)) !== null;
      if (isThere) return new SupervisorLink(connection);
      connection.close();
    } catch {
      // there is none, or it has just ended
    }
    return undefined;
  }

  /** Never throws. */
  keep(conns: readonly KeptConn[]): void {
    const changed = this.#told && changedConns(this.#told, conns);
    if (changed?.length === 0) return;
    const report: ConnReport = changed ? { changed } : { conns };
    this.#told = this.#writer.send(encoder.encode(`${JSON.stringify(report)}\n`)) ? conns : undefined;
  }

  close(): void {
    try {
      this.#connection.close();
    } catch {
      // the supervisor has gone
    }
  }
}

/** @returns undefined where connections have come or gone */
function changedConns(before: readonly KeptConn[], now: readonly KeptConn[]): KeptConn[] | undefined {
  if (before.length !== now.length || now.some(({ name }, i) => name !== before[i].name)) return undefined;
  return now.filter(({ isRouted, isUp }, i) => isRouted !== before[i].isRouted || isUp !== before[i].isUp);
}
