/**
 * Super-packets that leave a physical device in the clear, uncut, where that comes to the same as sending their segments
 * through the host: an Ethernet device, a neighbour that the kernel knows, and no rules of the packet filter on the way.
 */
import { SystemError } from "../ffi/libc.ts";
import { LinkOutput } from "../ffi/link_output.ts";
import { Rtnetlink } from "../ffi/rtnetlink.ts";
import { ethernetAddress } from "../ffi/tun.ts";
import type { PacketMemory } from "../packet/memory.ts";
import type { Address } from "../text/address.ts";
import { type LinkAddresses, LinkHeaders } from "./link_headers.ts";
import { OutputRules } from "./output_rules.ts";

export class SuperPackets {
  readonly #rules = new OutputRules();
  readonly #headers: LinkHeaders;
  readonly #memory: PacketMemory;
  /** Opened for the first super-packet; "none" where the kernel has no packet sockets. */
  #ways: { readonly output: LinkOutput; readonly routes: Rtnetlink } | "none" | undefined;

  /** @param index of the device called `name` */
  constructor(readonly name: string, readonly index: number, memory: PacketMemory) {
    this.#memory = memory;
    this.#headers = new LinkHeaders(memory, (address) => this.#look(address), () => performance.now());
  }

  /** The link header for the destination at that offset; undefined where segments must go the host's own way now. */
  headerTo(destination: number, addressBytes: 4 | 16): Uint8Array | undefined {
    return this.#ways === "none" ? undefined : this.#headers.find(destination, addressBytes);
  }

  /** @param header of {@linkcode headerTo}; @returns whether the kernel took it */
  send(at: number, length: number, header: Uint8Array): boolean {
    return typeof this.#ways === "object" && this.#ways.output.send(at, length, header);
  }

  close(): void {
    if (typeof this.#ways !== "object") return;
    this.#ways.output.close();
    this.#ways.routes[Symbol.dispose]();
  }

  #look(address: Address): LinkAddresses | undefined {
    if (this.#rules.areThereFor(address.family)) return undefined;
    const own = ethernetAddress(this.name);
    this.#ways ??= own ? this.#open() : "none";
    if (!own || this.#ways === "none") return undefined;
    const neighbour = this.#ways.routes.linkAddressTo(address, this.index);
    return neighbour && { own, neighbour };
  }

  #open(): { output: LinkOutput; routes: Rtnetlink } | "none" {
    try {
      return { output: new LinkOutput(this.index, this.#memory), routes: new Rtnetlink() };
    } catch (error) {
      if (error instanceof SystemError) return "none";
      throw error;
    }
  }
}
