/** How long the eroute table looks for the eroute of a packet: lib/klips/eroute_table.ts alone, without root. */
import { Eroute } from "../lib/klips/eroute.ts";
import { ErouteTable } from "../lib/klips/eroute_table.ts";
import { PacketMemory } from "../lib/packet/memory.ts";
import type { Address } from "../lib/text/address.ts";
import { MAGIC_SPIS, SA_PROTOCOLS, type SaId } from "../lib/text/sa_id.ts";
import { median } from "./_median.ts";

export const SIZES = [10, 1_000, 100_000] as const;

interface Masks {
  readonly source: number;
  readonly destination: number;
  readonly protocol?: number;
  readonly destinationPort?: number;
}

const NETS: Masks = { source: 24, destination: 24 };
/** What a gateway of many branches has: of ten eroutes six between networks, the others as listed. */
const MIX: readonly Masks[] = [
  ...Array.from({ length: 6 }, () => NETS),
  { source: 16, destination: 24 },
  { source: 24, destination: 32 },
  { source: 32, destination: 32 },
  { source: 24, destination: 24, protocol: 6, destinationPort: 443 },
];
/** All in one hash table, or in five. */
export const TABLES = { "one mask": [NETS], "five masks": MIX } as const;

/**
 * Where the packets go: to 1 000 of the eroutes, as with flows that are busy, or to all of them alike. In the second case
 * the processor's caches hold few of 100 000 eroutes, and each lookup waits for memory.
 */
export const SPREADS = { "1 000 busy eroutes": 1_000, "all eroutes alike": Infinity } as const;

/** Packets that are looked up in turn, in random order: 16 bytes each, addresses and then nothing. */
const PACKETS = 1 << 16;
const PACKET_BYTES = 16;
const TCP = 6, HTTPS = 443;
const PASSES = 9;

const word = (value: number): Address => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return { family: "inet", bytes };
};
const masked = (value: number, bits: number) => (value & -1 << (32 - bits)) >>> 0;
/** Network number `i` of 10.0.0.0 and what follows, and of 96.0.0.0: each network of 24 bits is used once. */
const sourceOf = (i: number) => 0x0a000001 + (i << 8) >>> 0;
const destinationOf = (i: number) => 0x60000001 + (i << 8) >>> 0;

function fill(table: ErouteTable, size: number, masks: readonly Masks[]): void {
  const said: SaId = { protocol: SA_PROTOCOLS.int, spi: MAGIC_SPIS.pass, destination: word(0) };
  for (let i = 0; i < size; i++) {
    const { source, destination, protocol = 0, destinationPort = 0 } = masks[i % masks.length];
    const selector = {
      source: { address: word(masked(sourceOf(i), source)), bits: source, port: 0 },
      destination: { address: word(masked(destinationOf(i), destination)), bits: destination, port: destinationPort },
      protocol,
    };
    if (!table.add(new Eroute(selector, said, 0))) throw new Error(`eroute ${i} of ${size} is there twice`);
  }
}

/** A cheap generator of numbers below 2^32, the same in every run (Marsaglia's xorshift32). */
function* randoms(): Generator<number, never> {
  for (let x = 0x2545f491;;) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    yield x >>> 0;
  }
}

/**
 * @param masks of the eroutes in turn
 * @param busy how many of the eroutes packets go to
 * @returns nanoseconds per lookup
 */
export function measureLookup(size: number, masks: readonly Masks[], busy: number): number {
  const table = new ErouteTable();
  fill(table, size, masks);
  const memory = new PacketMemory(PACKETS * PACKET_BYTES);
  const random = randoms();
  const targets = Array.from({ length: Math.min(size, busy) }, (_, i) => busy < size ? random.next().value % size : i);
  for (let at = 0; at < memory.bytes.length; at += PACKET_BYTES) {
    const i = targets[random.next().value % targets.length];
    memory.view.setUint32(at, sourceOf(i));
    memory.view.setUint32(at + 4, destinationOf(i));
  }
  const pass = () => {
    let found = 0;
    for (let at = 0; at < PACKETS * PACKET_BYTES; at += PACKET_BYTES) {
      if (table.lookup(memory, at, at + 4, 4, TCP, 40000, HTTPS)) found++;
    }
    return found;
  };
  for (let warm = 0; warm < 3; warm++) {
    const found = pass();
    if (found !== PACKETS) throw new Error(`${PACKETS - found} of ${PACKETS} packets met no eroute`);
  }
  return median(Array.from({ length: PASSES }, () => {
    const began = performance.now();
    pass();
    return (performance.now() - began) * 1e6 / PACKETS;
  }));
}
