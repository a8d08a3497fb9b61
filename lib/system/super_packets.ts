/**
 * Super-packets that leave a physical device in the clear, uncut, where that comes to the same as sending their segments
 * through the host: an Ethernet device, a neighbour that the kernel knows, and no rules of the packet filter on the way.
 */
import { SystemError } from "../ffi/libc.ts";
import { LinkOutput } from "../ffi/link_output.ts";
import { Rtnetlink } from "../ffi/rtnetlink.ts";
import { ethernetAddress } from "../ffi/tun.ts";
import { HARDWARE } from "../packet/rtnetlink.ts";
import type { PacketMemory } from "../packet/memory.ts";
import type { Address } from "../text/address.ts";
import { type LinkAddresses, LinkHeaders } from "./link_headers.ts";
import { OutputRules } from "./output_rules.ts";

/**
 * Kinds of devices, beside a network card's, whose link header is Ethernet's 14 bytes. That of a VLAN may be longer, and
 * macvlan's like that of the device below; a packet socket takes its length for where the IP header begins.
 */
const KINDS: readonly (string | undefined)[] = [undefined, "veth", "bridge", "bond", "team", "tun"];

export class SuperPackets {
  readonly #rules = new OutputRules();
  readonly #headers: LinkHeaders;
  readonly #memory: PacketMemory;
  /** Opened for the first super-packet; "none" where there can be none. */
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
    this.#ways ??= this.#open();
    if (this.#ways === "none") return undefined;
    const own = ethernetAddress(this.name);
    const neighbour = own && this.#ways.routes.linkAddressTo(address, this.index);
    return neighbour && { own, neighbour };
  }

  #open(): { output: LinkOutput; routes: Rtnetlink } | "none" {
    try {
      const routes = new Rtnetlink();
      const link = routes.kindOf(this.index);
      if (link?.hardware === HARDWARE.ETHER && KINDS.includes(link.kind)) {
        return { output: new LinkOutput(this.index, this.#memory), routes };
      }
      routes[Symbol.dispose]();
    } catch (error) {
      if (!(error instanceof SystemError)) throw error; // no packet sockets here
    }
    return "none";
  }
}
