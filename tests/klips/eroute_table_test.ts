import { deepStrictEqual as deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { Eroute, type Selector } from "../../lib/klips/eroute.ts";
import { ErouteTable } from "../../lib/klips/eroute_table.ts";
import { PacketMemory } from "../../lib/packet/memory.ts";
import { parseSaId } from "../../lib/text/sa_id.ts";
import { address } from "./_gateway.ts";

const DROP = parseSaId("%drop");
if (!DROP.ok) throw new Error(DROP.error);
const SAID = DROP.value;

interface Flow {
  source: Uint8Array;
  destination: Uint8Array;
  protocol: number;
  sourcePort: number;
  destinationPort: number;
}

const memory = new PacketMemory(128);
function lookup(table: ErouteTable, flow: Flow): Eroute | undefined {
  const bytes = flow.source.length as 4 | 16;
  memory.bytes.set(flow.source, 40);
  memory.bytes.set(flow.destination, 80);
  return table.lookup(memory, 40, 80, bytes, flow.protocol, flow.sourcePort, flow.destinationPort);
}

function inPrefix(bytes: Uint8Array, network: Uint8Array, bits: number): boolean {
  if (bytes.length !== network.length) return false;
  for (let i = 0; i < bits; i++) if ((bytes[i >> 3] ^ network[i >> 3]) >> (7 - i % 8) & 1) return false;
  return true;
}

function fits({ source, destination, protocol }: Selector, flow: Flow): boolean {
  return inPrefix(flow.source, source.address.bytes, source.bits) &&
    inPrefix(flow.destination, destination.address.bytes, destination.bits) &&
    (protocol === 0 || protocol === flow.protocol) && (source.port === 0 || source.port === flow.sourcePort) &&
    (destination.port === 0 || destination.port === flow.destinationPort);
}

/** klips.md §14: longest source prefix, then destination prefix, protocol given, source port given, destination port given. */
function specificity({ source, destination, protocol }: Selector): number[] {
  return [source.bits, destination.bits, Number(protocol > 0), Number(source.port > 0), Number(destination.port > 0)];
}

/** The table as a list. */
class NaiveTable {
  readonly eroutes: Eroute[] = [];

  add(eroute: Eroute): boolean {
    if (this.find(eroute.selector)) return false;
    this.eroutes.push(eroute);
    return true;
  }

  find(selector: Selector): Eroute | undefined {
    return this.eroutes.find((eroute) => text(eroute.selector) === text(selector));
  }

  remove(selector: Selector): "removed" | "absent" | "otherMask" {
    const found = this.find(selector);
    if (found) {
      this.eroutes.splice(this.eroutes.indexOf(found), 1);
      return "removed";
    }
    const key = (s: Selector) =>
      [s.source.address.bytes, s.destination.address.bytes, s.protocol, s.source.port, s.destination.port].join("|");
    return this.eroutes.some((other) => key(other.selector) === key(selector)) ? "otherMask" : "absent";
  }

  lookup(flow: Flow): Eroute | undefined {
    let best: Eroute | undefined;
    for (const eroute of this.eroutes) {
      if (!fits(eroute.selector, flow)) continue;
      if (!best || compare(specificity(eroute.selector), specificity(best.selector)) > 0) best = eroute;
    }
    return best;
  }
}

function compare(a: number[], b: number[]): number {
  const i = a.findIndex((value, i) => value !== b[i]);
  return i < 0 ? 0 : a[i] - b[i];
}

function text({ source, destination, protocol }: Selector): string {
  const end = (s: Selector["source"]) => `${s.address.bytes.join(".")}/${s.bits}:${s.port}`;
  return `${end(source)}->${end(destination)} ${protocol}`;
}

// Few values of each kind, so that selectors nest, repeat and differ in their masks alone.
const FAMILIES = {
  inet: {
    bits: [0, 1, 8, 24, 30, 31, 32],
    hosts: ["10.0.0.0", "10.0.0.1", "10.0.1.1", "138.0.0.1", "255.255.255.255"],
  },
  inet6: {
    bits: [0, 1, 31, 32, 33, 64, 96, 97, 127, 128],
    hosts: ["::", "fd00::", "fd00::1", "fd00:0:0:1::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  },
};
const PROTOCOLS = [0, 6, 17, 132], PORTS = [0, 53, 0xffff, 0x8000];

function maskTo(bytes: Uint8Array<ArrayBuffer>, bits: number): Uint8Array<ArrayBuffer> {
  return bytes.map((byte, i) => byte & 0xff00 >> Math.max(0, Math.min(8, bits - 8 * i)) & 0xff);
}

const END = fc.record({ bits: fc.nat(20), host: fc.nat(4), port: fc.constantFrom(...PORTS) }, {
  noNullPrototype: true,
});
const STEP = fc.record({
  what: fc.constantFrom("add", "add", "add", "remove", "lookup", "lookup"),
  v6: fc.boolean(),
  source: END,
  destination: END,
  protocol: fc.constantFrom(...PROTOCOLS),
}, { noNullPrototype: true });

type End = typeof END extends fc.Arbitrary<infer T> ? T : never;
function subnet({ bits, host, port }: End, v6: boolean): Selector["source"] {
  const { bits: choices, hosts } = v6 ? FAMILIES.inet6 : FAMILIES.inet;
  const length = choices[bits % choices.length];
  const { family, bytes } = address(hosts[host]);
  return { address: { family, bytes: maskTo(Uint8Array.from(bytes), length) }, bits: length, port };
}

Deno.test("ErouteTable answers as a list of all eroutes would, whatever comes and goes", () => {
  fc.assert(fc.property(fc.array(STEP, { maxLength: 300 }), (steps) => {
    const table = new ErouteTable(), naive = new NaiveTable();
    for (const { what, v6, source, destination, protocol } of steps) {
      const selector = { source: subnet(source, v6), destination: subnet(destination, v6), protocol };
      if (what === "add") {
        const eroute = new Eroute(selector, SAID, 1);
        equal(table.add(eroute), naive.add(eroute));
      } else if (what === "remove") {
        equal(table.remove(selector), naive.remove(selector));
      } else {
        const hosts = v6 ? FAMILIES.inet6.hosts : FAMILIES.inet.hosts;
        const flow = {
          source: address(hosts[source.host]).bytes,
          destination: address(hosts[destination.host]).bytes,
          protocol,
          sourcePort: source.port,
          destinationPort: destination.port,
        };
        const [found, expected] = [lookup(table, flow), naive.lookup(flow)];
        equal(found && text(found.selector), expected && text(expected.selector));
      }
      equal(table.size, naive.eroutes.length);
    }
    deepEqual(table.list().map((e) => text(e.selector)).sort(), naive.eroutes.map((e) => text(e.selector)).sort());
    for (const { selector } of naive.eroutes) equal(table.find(selector), naive.find(selector));
    for (const { selector } of [...naive.eroutes]) equal(table.remove(selector), "removed");
    deepEqual([table.size, table.list()], [0, []]);
  }));
});

const end = (network: string, port = 0): Selector["source"] => {
  const [host, bits] = network.split("/");
  return { address: address(host), bits: Number(bits), port };
};
const ORDER: [better: string, than: string, a: Selector, b: Selector][] = [
  ["a longer source prefix", "a longer destination prefix", {
    source: end("10.1.0.0/24"),
    destination: end("0.0.0.0/0"),
    protocol: 0,
  }, { source: end("0.0.0.0/0"), destination: end("10.2.0.10/32"), protocol: 17 }],
  ["a longer destination prefix", "a protocol", {
    source: end("10.1.0.0/24"),
    destination: end("10.2.0.0/24"),
    protocol: 0,
  }, { source: end("10.1.0.0/24"), destination: end("0.0.0.0/0"), protocol: 17 }],
  ["a protocol", "ports", { source: end("10.1.0.0/24"), destination: end("10.2.0.0/24"), protocol: 17 }, {
    source: end("10.1.0.0/24", 1000),
    destination: end("10.2.0.0/24", 53),
    protocol: 0,
  }],
  ["a source port", "a destination port", {
    source: end("10.1.0.0/24", 1000),
    destination: end("10.2.0.0/24"),
    protocol: 17,
  }, { source: end("10.1.0.0/24"), destination: end("10.2.0.0/24", 53), protocol: 17 }],
  ["a host", "its net", { source: end("10.1.0.10/32"), destination: end("0.0.0.0/0"), protocol: 0 }, {
    source: end("10.1.0.0/31"),
    destination: end("0.0.0.0/0"),
    protocol: 0,
  }],
];
for (const [better, than, a, b] of ORDER) {
  Deno.test(`${better} is preferred to ${than}, in either order of insertion`, () => {
    const flow = {
      source: address("10.1.0.10").bytes,
      destination: address("10.2.0.10").bytes,
      protocol: 17,
      sourcePort: 1000,
      destinationPort: 53,
    };
    for (const order of [[a, b], [b, a]]) {
      const table = new ErouteTable();
      for (const selector of order) table.add(new Eroute(selector, SAID, 1));
      equal(text(lookup(table, flow)!.selector), text(a));
    }
  });
}

Deno.test("a delete takes the exact selector only, and tells another mask from none", () => {
  const table = new ErouteTable();
  const wide = { source: end("10.0.0.0/16"), destination: end("0.0.0.0/0"), protocol: 0 };
  table.add(new Eroute(wide, SAID, 1));
  equal(table.remove({ ...wide, source: end("10.0.0.0/24") }), "otherMask");
  equal(table.remove({ ...wide, source: end("10.1.0.0/16") }), "absent");
  equal(table.size, 1);
  equal(table.remove(wide), "removed");
});

Deno.test("every change has a generation of its own", () => {
  const table = new ErouteTable();
  const selector = { source: end("10.0.0.0/16"), destination: end("0.0.0.0/0"), protocol: 0 };
  const seen = new Set([table.generation]);
  table.add(new Eroute(selector, SAID, 1));
  seen.add(table.generation);
  table.remove(selector);
  seen.add(table.generation);
  table.clear();
  seen.add(table.generation);
  equal(seen.size, 4);
});

Deno.test("ten thousand eroutes of one mask are all found, and nothing else", () => {
  const table = new ErouteTable();
  const host = (i: number) => end(`10.${i >> 16}.${i >> 8 & 255}.${i & 255}/32`);
  for (let i = 0; i < 10_000; i++) {
    table.add(new Eroute({ source: host(i), destination: end("0.0.0.0/0"), protocol: 0 }, SAID, 1));
  }
  for (let i = 0; i < 10_000; i += 2) table.remove({ source: host(i), destination: end("0.0.0.0/0"), protocol: 0 });
  for (let i = 0; i < 10_000; i++) {
    const { bytes } = host(i).address;
    const found = lookup(table, { source: bytes, destination: bytes, protocol: 6, sourcePort: 0, destinationPort: 0 });
    equal(found !== undefined, i % 2 === 1);
  }
});
