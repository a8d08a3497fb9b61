/** UDP port 500 of each address of an interface that KLIPS has attached; port 4500 is KLIPS's (pluto.md §5). */
import { createSocket, type Socket } from "node:dgram";
import { setImmediate } from "node:timers";
import { RateLimit } from "../ike/counters.ts";
import type { Path } from "../ike/state.ts";
import { type Address, formatAddress, parseNumericAddress } from "../text/address.ts";
import { DatagramQueue } from "./datagram_queue.ts";
import { errorReason } from "./error_reason.ts";
import { NAT_TRAVERSAL_PORT } from "./ike_relay.ts";

export interface IkeSocketsDeps {
  readonly port: number;
  /** Owns the datagram. */
  receive(path: Path, datagram: Uint8Array): void;
  /** Sends by KLIPS's port. */
  relay(path: Path, datagram: Uint8Array): void;
  warn(text: string): void;
}

/** Where a socket is wanted, and the names for messages. */
export interface SocketPlace {
  readonly virtual: string;
  readonly physical: string;
  readonly address: Address;
}

/** In a second: a flood from addresses that nothing can be sent to must not fill the log. */
const MOST_WARNINGS = 10;

export class IkeSockets {
  readonly #deps: IkeSocketsDeps;
  readonly #warnings = new RateLimit(MOST_WARNINGS);
  /** By address. */
  readonly #sockets = new Map<string, Socket>();

  readonly #queue: DatagramQueue<Path>;

  constructor(deps: IkeSocketsDeps) {
    this.#deps = deps;
    this.#queue = new DatagramQueue({
      receive: (path, datagram) => deps.receive(path, datagram),
      now: () => performance.now(),
      next: (act) => void setImmediate(act),
      later: (act) => void setTimeout(act, 0),
    });
  }

  /** @returns why it cannot be opened */
  async open({ virtual, physical, address }: SocketPlace): Promise<string | undefined> {
    const name = formatAddress(address);
    if (this.#sockets.has(name)) return undefined;
    const { port } = this.#deps;
    const where = `${physical}/${virtual} ${name}:${port}`;
    const socket = createSocket({ type: address.family === "inet" ? "udp4" : "udp6" });
    const { promise: bound, resolve } = Promise.withResolvers<string | undefined>();
    socket.once("error", (error) => resolve(errorReason(error)));
    socket.bind({ address: name, port, exclusive: true }, () => resolve(undefined));
    const why = await bound;
    if (why !== undefined) return `ERROR: bind() for ${where} in process_raw_ifaces(). ${why}`;
    socket.on("error", (error) => this.#warn(`${where}: ${errorReason(error)}`));
    socket.on("message", (datagram, from) => this.#received(address, datagram, from));
    this.#sockets.set(name, socket);
    return undefined;
  }

  close({ address }: Pick<SocketPlace, "address">): void {
    const name = formatAddress(address);
    this.#sockets.get(name)?.close();
    this.#sockets.delete(name);
  }

  /** Never throws; what cannot be sent is as good as lost on the wire, and said. */
  send(path: Path, datagram: Uint8Array): void {
    const { local, localPort, remote, remotePort } = path;
    if (localPort === NAT_TRAVERSAL_PORT && this.#deps.port !== NAT_TRAVERSAL_PORT) {
      return this.#deps.relay(path, datagram);
    }
    const from = formatAddress(local), to = formatAddress(remote);
    const failed = (why: string) => this.#warn(`sendto ${to}:${remotePort} from ${from} failed. ${why}`);
    const socket = this.#sockets.get(from);
    if (!socket) return failed("no interface has that address");
    try {
      socket.send(datagram, remotePort, to, (error) => {
        if (error) failed(errorReason(error));
      });
    } catch (error) {
      failed(errorReason(error));
    }
  }

  closeAll(): void {
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  #warn(text: string): void {
    const { may, refused } = this.#warnings.take(performance.now());
    if (refused) this.#deps.warn(`${refused} more warnings about sockets were left out`);
    if (may) this.#deps.warn(text);
  }

  #received(local: Address, datagram: Uint8Array, from: { readonly address: string; readonly port: number }): void {
    const remote = parseNumericAddress(from.address.split("%")[0], 0);
    if (!remote.ok) return;
    const path = { local, localPort: this.#deps.port, remote: remote.value, remotePort: from.port };
    if (this.#queue.add(path, new Uint8Array(datagram))) return;
    this.#warn(`discarding packet from ${from.address}:${from.port}: too many wait`);
  }
}
