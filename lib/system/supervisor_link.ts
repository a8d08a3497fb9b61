/** pluto's end of a stream to the supervisor, which is told what to do with the next pluto should this one crash. */
import type { ConnReport } from "../pluto/kept_conns.ts";
import { BoundedWriter } from "./bounded_writer.ts";

/** Bytes that may wait to be read. */
const PATIENCE_BYTES = 1 << 22;
const encoder = new TextEncoder();

export class SupervisorLink {
  readonly #connection: Deno.UnixConn;
  readonly #writer: BoundedWriter;

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

  /** Never throws. @returns false where the supervisor will not get it */
  keep(report: ConnReport): boolean {
    return this.#writer.send(encoder.encode(`${JSON.stringify(report)}\n`));
  }

  close(): void {
    try {
      this.#connection.close();
    } catch {
      // the supervisor has gone
    }
  }
}
