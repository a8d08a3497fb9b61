import { deepStrictEqual as deepEqual, ok, strictEqual as equal } from "node:assert/strict";
import { PacketMemory } from "../../lib/packet/memory.ts";
import { type LinkAddresses, LinkHeaders } from "../../lib/system/link_headers.ts";
import { formatAddress, parseAddress } from "../../lib/text/address.ts";
import { heapBytesPerCall } from "../_heap.ts";

const AT = 64;
const WAY: LinkAddresses = { own: Uint8Array.of(2, 0, 0, 0, 0, 1), neighbour: Uint8Array.of(2, 0, 0, 0, 0, 2) };
const HEADER = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];

/** A cache over a kernel that knows `ways`, in time that the test moves. */
class Station {
  readonly memory = new PacketMemory(4096);
  readonly ways: Record<string, LinkAddresses | undefined> = {};
  readonly asked: string[] = [];
  now = 5000;
  readonly headers = new LinkHeaders(
    this.memory,
    (address) => {
      this.asked.push(formatAddress(address));
      return this.ways[formatAddress(address)];
    },
    () => this.now,
  );

  find(text: string): number[] | undefined {
    const parsed = parseAddress(text, 0);
    if (!parsed.ok) throw new Error(parsed.error);
    const { bytes } = parsed.value;
    this.memory.bytes.set(bytes, AT);
    const found = this.headers.find(AT, bytes.length as 4 | 16);
    return found && [...found];
  }
}

for (const [address, type] of [["192.0.2.2", [0x08, 0x00]], ["2001:db8::2", [0x86, 0xdd]]] as const) {
  Deno.test(`LinkHeaders asks with the first packet, and knows with the second: ${address}`, () => {
    const station = new Station();
    station.ways[address] = WAY;
    equal(station.find(address), undefined);
    deepEqual(station.find(address), [...HEADER, ...type]);
    equal(station.asked.length, 1);
  });
}

Deno.test("LinkHeaders asks anew after half a second, and that packet goes the kernel's way", () => {
  const station = new Station();
  station.ways["192.0.2.2"] = WAY;
  station.find("192.0.2.2");
  station.now += 499;
  ok(station.find("192.0.2.2"));
  station.now += 1;
  station.ways["192.0.2.2"] = undefined;
  equal(station.find("192.0.2.2"), undefined);
  equal(station.find("192.0.2.2"), undefined, "what the kernel no longer knows");
  equal(station.asked.length, 2);
});

Deno.test("LinkHeaders asks twice a second for a way that there is not", () => {
  const station = new Station();
  for (let i = 0; i < 100; i++, station.now += 10) equal(station.find("192.0.2.9"), undefined);
  equal(station.asked.length, 2);
});

Deno.test("LinkHeaders does not confuse destinations, however many", () => {
  const station = new Station();
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 5000; i++) {
      const address = `10.${i >> 8}.${i & 255}.1`;
      station.ways[address] = { ...WAY, neighbour: Uint8Array.of(2, 0, 0, 0, i >> 8, i & 255) };
      const found = station.find(address) ?? station.find(address);
      deepEqual(found?.slice(4, 6), [i >> 8, i & 255], address);
    }
  }
});

Deno.test("LinkHeaders makes no header of link addresses that are not Ethernet's", () => {
  const station = new Station();
  station.ways["192.0.2.2"] = { ...WAY, neighbour: new Uint8Array(4) };
  station.find("192.0.2.2");
  equal(station.find("192.0.2.2"), undefined);
});

Deno.test("no object is made for a header that is known", () => {
  const NOTHING = 15;
  const station = new Station();
  station.ways["192.0.2.2"] = WAY;
  station.find("192.0.2.2");
  const perCall = heapBytesPerCall(() => void station.headers.find(AT, 4), NOTHING);
  ok(perCall <= NOTHING, `${perCall} bytes per packet`);
});
