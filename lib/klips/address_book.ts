/**
 * One object for equal addresses. A message brings a copy of each address, and an SA pair has some 15 of few different
 * ones, each of which takes 0.2 KB on V8's heap and more beside it (bench/_memory_program.ts). Addresses are never changed.
 */
import type { SmallBytes } from "../packet/small_bytes.ts";
import type { Extensions } from "../pfkey/message.ts";
import type { Address } from "../text/address.ts";

const ADDRESS_FIELDS = [
  "source",
  "destination",
  "destination2",
  "sourceFlow",
  "destinationFlow",
] as const satisfies readonly (keyof Extensions)[];
/** Of each generation: those asked for together come one after the other. */
const GENERATION = 512;

export class AddressBook {
  /** What was asked for lately, and before: what is not asked for again is forgotten. */
  #young = new Map<string, Address>();
  #old = new Map<string, Address>();

  constructor(readonly bytes: SmallBytes) {}

  /** @returns an address equal to this one, the same object each time as long as it is asked for now and then */
  share(address: Address): Address {
    const key = address.bytes.join();
    const known = this.#young.get(key);
    if (known) return known;
    const shared = this.#old.get(key) ?? { family: address.family, bytes: this.bytes.copy(address.bytes) };
    if (this.#young.size === GENERATION) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, shared);
    return shared;
  }

  /** The same extensions with shared addresses. */
  shareAll(extensions: Extensions): Extensions {
    const shared = { ...extensions };
    for (const field of ADDRESS_FIELDS) {
      const value = shared[field];
      if (value) Object.assign(shared, { [field]: { ...value, address: this.share(value.address) } });
    }
    return shared;
  }
}
