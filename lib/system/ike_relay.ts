/**
 * KLIPS's end of what brings IKE on UDP port 4500 to pluto and back: a Unix stream socket on which one taker, the newest,
 * gets datagrams with the non-ESP marker (RFC 3948 §2.2) and sends its own.
 */
import type { Engine } from "../klips/engine.ts";
import { encodeIkeFrame, type IkeFrame, IkeFrameReader } from "../packet/ike_frame.ts";
import { formatAddress } from "../text/address.ts";
import { BoundedWriter } from "./bounded_writer.ts";
import type { HostAddresses } from "./host_addresses.ts";
import type { Log } from "./log.ts";
import type { Physical } from "./physical.ts";
import { listenPrivately, removeIfThere } from "./private_socket.ts";

/** RFC 3947 §4. */
export const NAT_TRAVERSAL_PORT = 4500;
const MARKER_BYTES = 4;
/** Bytes that may wait for a taker that does not read: a second of a flood. What comes then is lost, as on any wire. */
const PATIENCE_BYTES = 1 << 18;
const ACCEPT_PAUSE_MS = 100;
const KEEP_ALIVE = 0xff;

export interface IkeRelayDeps {
  readonly socketPath: string;
  readonly engine: Engine;
  readonly addresses: HostAddresses;
  readonly log: Log;
  /** The physical devices in use. */
  physicals(): Iterable<Physical>;
}

export class IkeRelay {
  readonly #deps: IkeRelayDeps;
  #listener: Deno.UnixListener | undefined;
  #taker: Taker | undefined;

  constructor(deps: IkeRelayDeps) {
    this.#deps = deps;
  }

  /** For root alone; a socket left by a killed daemon is replaced. */
  listen(): void {
    this.#listener = listenPrivately(this.#deps.socketPath);
    void this.#accept(this.#listener);
  }

  close(): void {
    this.#listener?.close();
    this.#listener = undefined;
    this.#taker?.close();
    removeIfThere(this.#deps.socketPath);
  }

  /** A device that came later has the port too. */
  openPort(physical: Physical): void {
    if (!this.#taker) return;
    try {
      physical.openPort(NAT_TRAVERSAL_PORT);
    } catch (error) {
      this.#deps.log("error", (error as Error).message);
    }
  }

  /** A datagram without its marker; copied. @returns false where nobody takes it, or is not quick enough */
  take(frame: IkeFrame): boolean {
    return this.#taker?.send(encodeIkeFrame(frame)) ?? false;
  }

  async #accept(listener: Deno.UnixListener): Promise<void> {
    for (;;) {
      try {
        void this.#serve(await listener.accept());
      } catch (error) {
        if (this.#listener !== listener) return; // closed
        this.#deps.log("error", `Cannot accept a taker of IKE: ${(error as Error).message}`);
        await new Promise((resolve) => setTimeout(resolve, ACCEPT_PAUSE_MS));
      }
    }
  }

  async #serve(connection: Deno.UnixConn): Promise<void> {
    const taker = new Taker(connection);
    this.#taker?.close();
    this.#taker = taker;
    for (const physical of this.#deps.physicals()) this.openPort(physical);
    const reader = new IkeFrameReader();
    const buffer = new Uint8Array(1 << 16);
    try {
      for (let length = await connection.read(buffer); length !== null; length = await connection.read(buffer)) {
        for (const frame of reader.push(buffer.subarray(0, length))) this.#send(frame);
        this.#deps.engine.flush();
      }
    } catch {
      // it has gone, or is none of ours
    } finally {
      taker.close();
      if (this.#taker === taker) this.#taker = undefined;
    }
  }

  /** Behind the marker, from the device that has the local address; a keepalive is a byte without marker. */
  #send({ local, localPort, remote, remotePort, datagram }: IkeFrame): void {
    const { engine, addresses, log } = this.#deps;
    const isKeepAlive = datagram.length === 1 && datagram[0] === KEEP_ALIVE;
    const marker = isKeepAlive ? 0 : MARKER_BYTES;
    const length = marker + datagram.length;
    const at = engine.arena.take(length + local.bytes.length);
    if (at < 0) return; // like a full queue of a device
    const { bytes } = engine.memory;
    bytes.fill(0, at, at + marker);
    bytes.set(datagram, at + marker);
    const source = at + length;
    bytes.set(local.bytes, source);
    const udp = { sport: localPort, dport: remotePort, peer: undefined };
    for (const physical of this.#deps.physicals()) {
      if (!addresses.isOn(local.bytes, physical.name)) continue;
      physical.datagram(at, length, source, udp, remote.bytes, 0, false);
      return;
    }
    log("info", `IKE for ${formatAddress(remote)} not sent: no device in use has ${formatAddress(local)}`);
  }
}

/** The one who gets what comes in. */
class Taker {
  readonly #connection: Deno.UnixConn;
  readonly #writer: BoundedWriter;
  #closed = false;

  constructor(connection: Deno.UnixConn) {
    this.#connection = connection;
    this.#writer = new BoundedWriter(connection, PATIENCE_BYTES, () => this.close()); // its reader notices
  }

  send(bytes: Uint8Array): boolean {
    return !this.#closed && this.#writer.send(bytes);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.close();
  }
}
