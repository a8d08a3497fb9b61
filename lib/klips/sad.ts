/** The SA database (klips.md §13): SAs by destination, SPI and protocol; chains of neighbours; reference numbers. */
import type { PacketMemory } from "../packet/memory.ts";
import type { SaId } from "../text/sa_id.ts";
import { type Sa, wipeTransform } from "./sa.ts";

const EEXIST = 17;
/** References are 16 bits wide. */
const REFERENCES = 65536;

export class Sad {
  /** Changes whenever an SA comes or goes, so that a cached one can be told from a current one. */
  generation = 0;
  size = 0;
  /**
   * By SPI as a signed number: V8 would make an object of each key above 2^31. SAs that share an SPI form a list; nearly
   * always it has one element.
   */
  readonly #bySpi = new Map<number, Sa[]>();
  /** One bit each: a Set would take 40 bytes for each. */
  readonly #references = new Uint8Array(REFERENCES / 8);
  #referencesKept = 0;
  #nextReference = 0;

  find({ protocol, spi, destination }: SaId): Sa | undefined {
    return this.#bySpi.get(spi | 0)?.find((sa) =>
      sa.id.protocol === protocol && sameBytes(sa.id.destination.bytes, destination.bytes)
    );
  }

  /** As {@linkcode find}, with the destination at an offset of the packet memory, and `spi` signed or not. Allocates nothing. */
  lookup(
    memory: PacketMemory,
    protocol: number,
    spi: number,
    destination: number,
    addressBytes: 4 | 16,
  ): Sa | undefined {
    const list = this.#bySpi.get(spi | 0);
    if (!list) return undefined;
    const { bytes } = memory;
    next: for (let i = 0; i < list.length; i++) {
      const { id } = list[i];
      const address = id.destination.bytes;
      if (id.protocol !== protocol || address.length !== addressBytes) continue;
      for (let j = 0; j < addressBytes; j++) if (address[j] !== bytes[destination + j]) continue next;
      return list[i];
    }
    return undefined;
  }

  /** @returns false where there is an SA of this name */
  install(sa: Sa): boolean {
    if (this.find(sa.id)) return false;
    const list = this.#bySpi.get(sa.id.spi | 0);
    // A new array of the exact length: one that grows by push has room for 17.
    if (list) this.#bySpi.set(sa.id.spi | 0, [...list, sa]);
    else this.#bySpi.set(sa.id.spi | 0, [sa]);
    this.size++;
    this.generation++;
    return true;
  }

  /** Removes an SA with its whole chain, wipes their keys, and returns them. */
  removeChain(sa: Sa): Sa[] {
    const chain = this.chainOf(sa);
    for (const member of chain) this.#remove(member);
    return chain;
  }

  /** The chain that an SA belongs to, innermost first. */
  chainOf(sa: Sa): Sa[] {
    let first = sa;
    while (first.inner) first = first.inner;
    const chain: Sa[] = [];
    for (let member: Sa | undefined = first; member; member = member.outer) chain.push(member);
    return chain;
  }

  /** Makes `outer` the outer neighbour of `inner`. @returns 0, or EEXIST where a place is taken or a loop would close */
  group(inner: Sa, outer: Sa): number {
    if (inner.outer || outer.inner || this.chainOf(inner).includes(outer)) return EEXIST;
    inner.outer = outer;
    outer.inner = inner;
    this.generation++;
    return 0;
  }

  /** Dissolves the whole chain. */
  ungroup(sa: Sa): void {
    for (const member of this.chainOf(sa)) {
      member.inner = undefined;
      member.outer = undefined;
    }
    this.generation++;
  }

  clear(): void {
    for (const sa of [...this]) this.#remove(sa);
  }

  *[Symbol.iterator](): Generator<Sa> {
    for (const list of this.#bySpi.values()) yield* list;
  }

  /** The next free reference number, ascending; undefined where all are in use. */
  takeReference(): number | undefined {
    if (this.#referencesKept === REFERENCES) return undefined;
    while (this.#isKept(this.#nextReference)) this.#nextReference = (this.#nextReference + 1) % REFERENCES;
    const reference = this.#nextReference;
    this.#nextReference = (reference + 1) % REFERENCES;
    return reference;
  }

  /** Keeps a reference number for as long as its SA lives. */
  keepReference(reference: number): void {
    if (this.#isKept(reference)) return;
    this.#references[reference >>> 3] |= 1 << (reference & 7);
    this.#referencesKept++;
  }

  #isKept(reference: number): boolean {
    return (this.#references[reference >>> 3] & 1 << (reference & 7)) !== 0;
  }

  #forgetReference(reference: number): void {
    if (!this.#isKept(reference)) return;
    this.#references[reference >>> 3] &= ~(1 << (reference & 7));
    this.#referencesKept--;
  }

  #remove(sa: Sa): void {
    sa.state = "dead";
    sa.inner = undefined;
    sa.outer = undefined;
    wipeTransform(sa.transform);
    this.#forgetReference(sa.ref);
    const list = this.#bySpi.get(sa.id.spi | 0)!;
    if (list.length === 1) this.#bySpi.delete(sa.id.spi | 0);
    else list.splice(list.indexOf(sa), 1);
    this.size--;
    this.generation++;
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
