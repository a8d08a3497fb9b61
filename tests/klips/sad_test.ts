import { deepStrictEqual as deepEqual, equal, throws } from "node:assert/strict";
import fc from "fast-check";
import type { AhTransform } from "../../lib/klips/sa.ts";
import { Sad } from "../../lib/klips/sad.ts";
import { Gateway } from "./_gateway.ts";

const WEST = "192.0.2.1", EAST = "192.0.2.2";
const EEXIST = 17;

function chain(gateway: Gateway, ...saids: string[]) {
  return saids.map((said) => gateway.sa(said, WEST, said.startsWith("ah") ? "ah-sha1-96" : "ipip"));
}

Deno.test("find() and lookup() tell SAs by protocol, SPI and destination", () => {
  const gateway = new Gateway([EAST]);
  const said = [
    "tun.1000@192.0.2.2",
    "ah.1000@192.0.2.2",
    "tun.1000@192.0.2.3",
    "tun:1000@::1",
    "tun.ffffffff@192.0.2.2",
  ];
  const sas = chain(gateway, ...said);
  const { sad } = gateway.engine;
  for (const sa of sas) {
    equal(sad.find(sa.id), sa);
    const { bytes } = sa.id.destination;
    gateway.memory.bytes.set(bytes, 100);
    const size = bytes.length as 4 | 16;
    equal(sad.lookup(gateway.memory, sa.id.protocol, sa.id.spi, 100, size), sa);
    equal(sad.lookup(gateway.memory, 50, sa.id.spi, 100, size), undefined);
    equal(sad.lookup(gateway.memory, sa.id.protocol, sa.id.spi ^ 1, 100, size), undefined);
    equal(sad.lookup(gateway.memory, sa.id.protocol, sa.id.spi, 101, size), undefined);
  }
  equal(sad.size, 5);
  deepEqual(new Set(sad), new Set(sas));
});

Deno.test("install() refuses a second SA of the same name", () => {
  const gateway = new Gateway([EAST]);
  chain(gateway, "tun.1000@192.0.2.2");
  throws(() => chain(gateway, "tun.1000@192.0.2.2"), /is there already/);
  equal(gateway.engine.sad.size, 1);
});

Deno.test("group() refuses taken places and loops, and changes nothing then (klips.md §13)", () => {
  const gateway = new Gateway([EAST]);
  const [a, b, c, d] = chain(gateway, "tun.1@192.0.2.2", "ah.2@192.0.2.2", "tun.3@192.0.2.2", "ah.4@192.0.2.2");
  const { sad } = gateway.engine;
  equal(sad.group(a, b), 0);
  equal(sad.group(b, c), 0);
  equal(sad.group(a, d), EEXIST, "the inner one has an outer neighbour");
  equal(sad.group(d, b), EEXIST, "the outer one has an inner neighbour");
  equal(sad.group(c, a), EEXIST, "a loop");
  equal(sad.group(d, d), EEXIST, "itself");
  deepEqual(sad.chainOf(b), [a, b, c]);
  deepEqual(sad.chainOf(d), [d]);
  sad.ungroup(b);
  for (const sa of [a, b, c]) deepEqual(sad.chainOf(sa), [sa]);
  equal(sad.size, 4);
});

Deno.test("removeChain() takes the whole chain, from any member, and wipes its keys", () => {
  for (const member of [0, 1, 2]) {
    const gateway = new Gateway([EAST]);
    const sas = chain(gateway, "tun.1@192.0.2.2", "ah.2@192.0.2.2", "ah.3@192.0.2.2");
    const [other] = chain(gateway, "ah.2@192.0.2.9");
    gateway.group(...sas);
    const wiped: number[] = [];
    for (const sa of [...sas.slice(1), other]) {
      (sa.transform as AhTransform).mac.wipe = () => void wiped.push(sa.id.spi);
    }
    const { sad } = gateway.engine;
    deepEqual(sad.removeChain(sas[member]), sas);
    deepEqual([...sad], [other]);
    equal(sad.find(sas[0].id), undefined);
    for (const sa of sas) deepEqual([sa.state, sa.inner, sa.outer], ["dead", undefined, undefined]);
    deepEqual(wiped, [2, 3]);
  }
});

Deno.test("every change has a generation of its own", () => {
  const gateway = new Gateway([EAST]);
  const { sad } = gateway.engine;
  const seen = [sad.generation];
  const [a, b] = chain(gateway, "tun.1@192.0.2.2", "ah.2@192.0.2.2");
  seen.push(sad.generation);
  sad.group(a, b);
  seen.push(sad.generation);
  sad.ungroup(a);
  seen.push(sad.generation);
  sad.removeChain(a);
  seen.push(sad.generation);
  sad.clear();
  seen.push(sad.generation);
  equal(new Set(seen).size, seen.length);
  equal(sad.size, 0);
});

Deno.test("reference numbers ascend, are given again only after a round, and end at 65536", () => {
  const sad = new Sad();
  const take = () => {
    const reference = sad.takeReference();
    if (reference !== undefined) sad.keepReference(reference);
    return reference;
  };
  for (let i = 0; i < 65_536; i++) equal(take(), i);
  equal(take(), undefined);
});

Deno.test("Sad holds what a map by name would", () => {
  const NAME = fc.record({
    protocol: fc.constantFrom("tun", "ah"),
    spi: fc.integer({ min: 256, max: 259 }),
    host: fc.integer({ min: 1, max: 3 }),
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), NAME), { maxLength: 40 }), (steps) => {
      const gateway = new Gateway([EAST]);
      const { sad } = gateway.engine;
      const names = new Map<string, ReturnType<typeof chain>[0]>();
      for (const [add, { protocol, spi, host }] of steps) {
        const name = `${protocol}.${spi.toString(16)}@192.0.2.${host}`;
        const there = names.get(name);
        if (add && !there) names.set(name, chain(gateway, name)[0]);
        else if (!add && there) {
          sad.removeChain(there);
          names.delete(name);
        }
        equal(sad.size, names.size);
        for (const sa of names.values()) equal(sad.find(sa.id), sa);
      }
      deepEqual(new Set(sad), new Set(names.values()));
    }),
    { numRuns: 30 },
  );
});
