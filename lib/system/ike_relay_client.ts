/** pluto's end of what brings IKE on UDP port 4500 from KLIPS and back. */
import { encodeIkeFrame, type IkeFrame, IkeFrameReader } from "../packet/ike_frame.ts";
import { BoundedWriter } from "./bounded_writer.ts";

/** Bytes that may wait to be sent; what comes then is lost, as on any wire. */
const PATIENCE_BYTES = 1 << 20;

export class IkeRelayClient {
  readonly #connection: Deno.UnixConn;
  readonly #writer: BoundedWriter;
  /** Resolves when KLIPS is gone, or {@linkcode close} was called. */
  readonly ended: Promise<void>;

  private constructor(connection: Deno.UnixConn, receive: (frame: IkeFrame) => void) {
    this.#connection = connection;
    this.#writer = new BoundedWriter(connection, PATIENCE_BYTES);
    this.ended = this.#read(receive);
  }

  /** Throws where no KLIPS listens at `path`. */
  static async connect(path: string, receive: (frame: IkeFrame) => void): Promise<IkeRelayClient> {
    return new IkeRelayClient(await Deno.connect({ transport: "unix", path }), receive);
  }

  /** Copies the datagram. Never throws. */
  send(frame: IkeFrame): void {
    this.#writer.send(encodeIkeFrame(frame));
  }

  close(): void {
    try {
      this.#connection.close();
    } catch {
      // it is closed
    }
  }

  async #read(receive: (frame: IkeFrame) => void): Promise<void> {
    const reader = new IkeFrameReader();
    const buffer = new Uint8Array(1 << 16);
    try {
      for (let n = await this.#connection.read(buffer); n !== null; n = await this.#connection.read(buffer)) {
        for (const frame of reader.push(buffer.subarray(0, n))) receive(frame);
      }
    } catch {
      // it is gone
    }
    this.close();
  }
}
