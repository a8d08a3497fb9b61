/**
 * The extended routing table (klips.md §14): the most specific selector that a packet fits. Specificity is the longest
 * source prefix, then the longest destination prefix, then a given protocol, source port, destination port.
 *
 * One hash table for each combination of masks in use, tried from the most specific to the least (tuple space search):
 * a lookup costs as many probes as there are combinations, however many eroutes there are. A radix tree, as KLIPS had,
 * orders masks only partly and makes the answer depend on the order of insertion.
 */
import type { PacketMemory } from "../packet/memory.ts";
import type { Address } from "../text/address.ts";
import type { Eroute, Selector } from "./eroute.ts";

/** Key words for a family: addresses, then protocol, then both ports. */
const WORDS = { 4: 1, 16: 4 } as const;

/** All eroutes whose selectors have the same masks. */
class MaskTable {
  size = 0;
  readonly #addressWords: 1 | 4;
  readonly #words: number;
  readonly #masks: Int32Array;
  #capacity = 4;
  #keys: Int32Array;
  #slots: (Eroute | undefined)[];

  constructor(
    readonly addressBytes: 4 | 16,
    readonly sourceBits: number,
    readonly destinationBits: number,
    readonly protocol: boolean,
    readonly sourcePort: boolean,
    readonly destinationPort: boolean,
  ) {
    this.#addressWords = WORDS[addressBytes];
    this.#words = 2 * this.#addressWords + 2;
    this.#masks = new Int32Array(this.#words);
    for (let i = 0; i < this.#addressWords; i++) {
      this.#masks[i] = maskWord(sourceBits - 32 * i);
      this.#masks[this.#addressWords + i] = maskWord(destinationBits - 32 * i);
    }
    this.#masks[this.#words - 2] = protocol ? -1 : 0;
    this.#masks[this.#words - 1] = (sourcePort ? 0xffff0000 : 0) | (destinationPort ? 0xffff : 0);
    this.#keys = new Int32Array(this.#capacity * this.#words);
    this.#slots = new Array(this.#capacity).fill(undefined);
  }

  /** @returns the eroute whose selector fits the unmasked `key` */
  find(key: Int32Array): Eroute | undefined {
    for (let slot = this.#home(key, 0);; slot = slot + 1 & this.#capacity - 1) {
      const found = this.#slots[slot];
      if (found === undefined) return undefined;
      if (this.#matches(slot, key)) return found;
    }
  }

  insert(key: Int32Array, eroute: Eroute): void {
    // Half empty at least: chains stay short, and a search always ends.
    if (2 * (this.size + 1) > this.#capacity) this.#grow();
    let slot = this.#home(key, 0);
    while (this.#slots[slot] !== undefined) slot = slot + 1 & this.#capacity - 1;
    for (let i = 0; i < this.#words; i++) this.#keys[slot * this.#words + i] = key[i] & this.#masks[i];
    this.#slots[slot] = eroute;
    this.size++;
  }

  remove(key: Int32Array): void {
    let slot = this.#home(key, 0);
    while (this.#slots[slot] !== undefined && !this.#matches(slot, key)) slot = slot + 1 & this.#capacity - 1;
    if (this.#slots[slot] === undefined) return;
    this.size--;
    // Entries behind move up, so that no search meets a gap before its entry.
    for (let next = slot + 1 & this.#capacity - 1;; next = next + 1 & this.#capacity - 1) {
      if (this.#slots[next] === undefined) break;
      const home = this.#home(this.#keys, next * this.#words);
      if ((next - home & this.#capacity - 1) < (next - slot & this.#capacity - 1)) continue;
      this.#slots[slot] = this.#slots[next];
      this.#keys.copyWithin(slot * this.#words, next * this.#words, (next + 1) * this.#words);
      slot = next;
    }
    this.#slots[slot] = undefined;
  }

  *[Symbol.iterator](): Generator<Eroute> {
    for (const eroute of this.#slots) if (eroute) yield eroute;
  }

  #home(key: Int32Array, at: number): number {
    let hash = 0x811c9dc5;
    for (let i = 0; i < this.#words; i++) {
      hash = Math.imul(hash ^ (key[at + i] & this.#masks[i]), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    return hash & this.#capacity - 1;
  }

  #matches(slot: number, key: Int32Array): boolean {
    const at = slot * this.#words;
    for (let i = 0; i < this.#words; i++) if (this.#keys[at + i] !== (key[i] & this.#masks[i])) return false;
    return true;
  }

  #grow(): void {
    const keys = this.#keys, slots = this.#slots;
    this.#capacity *= 2;
    this.#keys = new Int32Array(this.#capacity * this.#words);
    this.#slots = new Array(this.#capacity).fill(undefined);
    this.size = 0;
    slots.forEach((eroute, i) => {
      if (eroute) this.insert(keys.subarray(i * this.#words, (i + 1) * this.#words), eroute);
    });
  }
}

export class ErouteTable {
  /** Changes with every change of the table. */
  generation = 0;
  size = 0;
  /** Most specific first. */
  #tables: MaskTable[] = [];
  readonly #key = new Int32Array(10);

  /** @returns false where there is an eroute of this very selector */
  add(eroute: Eroute): boolean {
    if (this.find(eroute.selector)) return false;
    let table = this.#tableOf(eroute.selector);
    if (!table) {
      const { source, destination, protocol } = eroute.selector;
      const bytes = source.address.bytes.length as 4 | 16;
      table = new MaskTable(
        bytes,
        source.bits,
        destination.bits,
        protocol !== 0,
        source.port !== 0,
        destination.port !== 0,
      );
      this.#tables.push(table);
      this.#tables.sort(bySpecificity);
    }
    table.insert(this.#selectorKey(eroute.selector), eroute);
    this.size++;
    this.generation++;
    return true;
  }

  /** @returns the eroute of exactly this selector */
  find(selector: Selector): Eroute | undefined {
    return this.#tableOf(selector)?.find(this.#selectorKey(selector));
  }

  /** @returns "otherMask" where only eroutes to the same networks with other masks are there */
  remove(selector: Selector): "removed" | "absent" | "otherMask" {
    const table = this.#tableOf(selector);
    if (!table || !this.find(selector)) return this.#hasOtherMask(selector) ? "otherMask" : "absent";
    table.remove(this.#selectorKey(selector));
    if (table.size === 0) this.#tables = this.#tables.filter((other) => other !== table);
    this.size--;
    this.generation++;
    return "removed";
  }

  clear(): void {
    this.#tables = [];
    this.size = 0;
    this.generation++;
  }

  /**
   * The most specific eroute for a packet. Allocates nothing.
   *
   * @param source offset of the source address in the packet memory, `destination` likewise
   * @param sourcePort 0 where the protocol has no ports
   */
  lookup(
    memory: PacketMemory,
    source: number,
    destination: number,
    addressBytes: 4 | 16,
    protocol: number,
    sourcePort: number,
    destinationPort: number,
  ): Eroute | undefined {
    const { view } = memory;
    const key = this.#key;
    let at = 0;
    for (let i = 0; i < addressBytes; i += 4) key[at++] = view.getInt32(source + i);
    for (let i = 0; i < addressBytes; i += 4) key[at++] = view.getInt32(destination + i);
    key[at++] = protocol;
    key[at] = sourcePort << 16 | destinationPort;
    for (let i = 0; i < this.#tables.length; i++) {
      const table = this.#tables[i];
      if (table.addressBytes !== addressBytes) continue;
      const found = table.find(key);
      if (found) return found;
    }
    return undefined;
  }

  /** All eroutes in the order of the listing (klips.md §2). */
  list(): Eroute[] {
    return this.#tables.flatMap((table) => [...table]).sort((a, b) => bySelector(a.selector, b.selector));
  }

  #tableOf({ source, destination, protocol }: Selector): MaskTable | undefined {
    return this.#tables.find((table) =>
      table.addressBytes === source.address.bytes.length && table.sourceBits === source.bits &&
      table.destinationBits === destination.bits && table.protocol === (protocol !== 0) &&
      table.sourcePort === (source.port !== 0) && table.destinationPort === (destination.port !== 0)
    );
  }

  #hasOtherMask(selector: Selector): boolean {
    for (const table of this.#tables) {
      for (const { selector: other } of table) {
        if (compareKeys(other, selector) === 0) return true;
      }
    }
    return false;
  }

  #selectorKey({ source, destination, protocol }: Selector): Int32Array {
    const key = this.#key;
    let at = 0;
    for (const { bytes } of [source.address, destination.address] satisfies Address[]) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      for (let i = 0; i < bytes.length; i += 4) key[at++] = view.getInt32(i);
    }
    key[at++] = protocol;
    key[at] = source.port << 16 | destination.port;
    return key;
  }
}

/** @param bits of the mask that fall into this word; may be negative or over 32 */
function maskWord(bits: number): number {
  if (bits <= 0) return 0;
  return bits >= 32 ? -1 : -1 << (32 - bits);
}

function bySpecificity(a: MaskTable, b: MaskTable): number {
  return b.sourceBits - a.sourceBits || b.destinationBits - a.destinationBits ||
    Number(b.protocol) - Number(a.protocol) || Number(b.sourcePort) - Number(a.sourcePort) ||
    Number(b.destinationPort) - Number(a.destinationPort);
}

function bySelector(a: Selector, b: Selector): number {
  return compareKeys(a, b) || b.source.bits - a.source.bits || b.destination.bits - a.destination.bits;
}

/** Networks, protocol and ports, without the masks. */
function compareKeys(a: Selector, b: Selector): number {
  return compareBytes(a.source.address.bytes, b.source.address.bytes) ||
    compareBytes(a.destination.address.bytes, b.destination.address.bytes) || a.protocol - b.protocol ||
    a.source.port - b.source.port || a.destination.port - b.destination.port;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return a.length - b.length;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return 0;
}
