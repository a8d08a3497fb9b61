/**
 * Ethernet headers for destinations beyond one device, as the kernel would write them. Each is believed for half a second;
 * the packet that finds it older goes the kernel's own way, which keeps the kernel's view of that neighbour fresh.
 */
import { ETHERNET_BYTES } from "../ffi/link_output.ts";
import type { PacketMemory } from "../packet/memory.ts";
import type { Address } from "../text/address.ts";

const BELIEVED_MS = 500;
/** Destinations kept; more than this at once take turns. */
const SLOTS = 1024;
const ETHERTYPE = { 4: 0x0800, 16: 0x86dd } as const;

/** What the kernel knows about a way. */
export interface LinkAddresses {
  /** The device's own. */
  readonly own: Uint8Array;
  readonly neighbour: Uint8Array;
}

interface Slot {
  readonly address: Uint8Array;
  addressBytes: 0 | 4 | 16;
  header: Uint8Array | undefined;
  until: number;
}

export class LinkHeaders {
  readonly #slots: (Slot | undefined)[] = new Array(SLOTS);

  /**
   * @param look asks the kernel; undefined where packets to `address` must go its own way
   * @param now in milliseconds
   */
  constructor(
    readonly memory: PacketMemory,
    readonly look: (address: Address) => LinkAddresses | undefined,
    readonly now: () => number,
  ) {}

  /** @param at offset of the destination address; @returns borrowed bytes, or undefined for the kernel's own way */
  find(at: number, addressBytes: 4 | 16): Uint8Array | undefined {
    const { bytes, view } = this.memory;
    let hash = 0;
    for (let i = 0; i < addressBytes; i += 4) hash = Math.imul(hash ^ view.getInt32(at + i), 0x9e3779b1);
    const index = hash >>> 22;
    const slot = this.#slots[index] ??= { address: new Uint8Array(16), addressBytes: 0, header: undefined, until: 0 };
    const now = this.now();
    if (now < slot.until && slot.addressBytes === addressBytes && sameBytes(slot.address, bytes, at, addressBytes)) {
      return slot.header;
    }
    const address = bytes.slice(at, at + addressBytes);
    slot.address.set(address);
    slot.addressBytes = addressBytes;
    const found = this.look({ family: addressBytes === 4 ? "inet" : "inet6", bytes: address });
    slot.header = found && encodeHeader(found, ETHERTYPE[addressBytes]);
    slot.until = now + BELIEVED_MS;
    return undefined;
  }
}

function encodeHeader({ neighbour, own }: LinkAddresses, type: number): Uint8Array | undefined {
  const header = new Uint8Array(ETHERNET_BYTES);
  if (neighbour.length + own.length + 2 !== ETHERNET_BYTES) return undefined;
  header.set(neighbour);
  header.set(own, neighbour.length);
  new DataView(header.buffer).setUint16(ETHERNET_BYTES - 2, type);
  return header;
}

function sameBytes(address: Uint8Array, bytes: Uint8Array, at: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (address[i] !== bytes[at + i]) return false;
  return true;
}
