/** Lookups of connections against a look at all of them, whatever has been added, changed and removed before. */
import { deepStrictEqual as equal } from "node:assert/strict";
import fc from "fast-check";
import type { Connection } from "../../lib/pluto/connection.ts";
import { Connections, hostPairOf, sameHostPair } from "../../lib/pluto/connections.ts";
import { sameAddress } from "../../lib/text/address.ts";
import { sameIdentity } from "../../lib/text/identity.ts";
import { sameSubnet } from "../../lib/text/subnet.ts";
import { id, net } from "./_chooser.ts";
import { EAST, make } from "./_connections.ts";
import { address } from "./_fakes.ts";

const HOSTS = ["198.51.100.2", "198.51.100.3", "%any"];
const IDS = ["@east", "@EAST.", "@west", "%any", "CN=east", "CN=*", undefined];
const NETS = ["10.0.2.0/24", "10.0.2.0/25", undefined];
const NAMES = ["a", "b", "c"];

const OPEN = {
  no: (client?: string) => ({ client }),
  within: (clientWithin?: string) => ({ client: undefined, clientWithin }),
  virtual: () => ({ client: undefined, virtual: "vhost:%priv" }),
  pool: () => ({ client: undefined, host: "%any", addressPool: "10.3.0.10-10.3.0.20" }),
};

type Op = (all: Connections) => void;
const pick = (all: Connections, n: number): Connection | undefined => [...all][n % Math.max(1, all.size)];
const place = fc.nat(20);

const ADD = fc.record({
  name: fc.constantFrom(...NAMES),
  host: fc.constantFrom(...HOSTS),
  who: fc.constantFrom(...IDS),
  client: fc.constantFrom(...NETS),
  openness: fc.constantFrom(...Object.keys(OPEN) as (keyof typeof OPEN)[]),
  group: fc.option(place),
}).map(({ name, host, who, client, openness, group }): Op => (all) => {
  const one = make(name, { right: { host, id: who, ...OPEN[openness](client) } });
  const above = group === null ? undefined : pick(all, group);
  if (!above?.group) one.group = above; // a member is no group
  all.add(one);
});
const INSTANTIATE = fc.tuple(place, fc.constantFrom(...HOSTS.slice(0, 2))).map(([n, host]): Op => (all) => {
  const one = pick(all, n)?.instantiate(address(host));
  if (one) all.add(one);
});
const REMOVE = place.map((n): Op => (all) => {
  const one = pick(all, n);
  if (one) all.remove(one);
});
const CHANGES: ((one: Connection) => void)[] = [
  (one) => one.swapEnds(),
  (one) => one.peers.host = address(HOSTS[1]),
  (one) => one.peers.givenId = id("@late"),
  (one) => one.peers.givenId = "%myid",
  (one) => one.peers.client = net("10.0.9.0/24"),
  (one) => one.peers.client = undefined,
  (one) => one.peers.settle(net("10.0.2.0/25")),
  (one) => one.interface = undefined,
  (one) => one.interface = EAST,
];
const CHANGE = fc.tuple(place, fc.constantFrom(...CHANGES)).map(([n, change]): Op => (all) => {
  const one = pick(all, n);
  if (one) change(one);
});

Deno.test("lookups of connections find what a look at all of them finds, in its order", () => {
  fc.assert(fc.property(fc.array(fc.oneof(ADD, INSTANTIATE, REMOVE, CHANGE), { maxLength: 30 }), (ops) => {
    const all = new Connections();
    for (const op of ops) op(all);
    const every = [...all];
    for (const one of every) check(all, every, one);
  }));
});

function check(all: Connections, every: readonly Connection[], one: Connection): void {
  const pair = hostPairOf(one);
  const among = (fits: (other: Connection) => boolean) => every.filter(fits);
  equal(all.between(pair), among((other) => other.isOriented && sameHostPair(other, one)));
  const isWild = ({ isOriented, ours, peers }: Connection) =>
    isOriented && peers.isAnyHost && sameAddress(ours.host, pair.ours);
  equal(all.wildcards(pair), among(isWild));
  const mayBe = ({ peers }: Connection) => peers.isOpen || sameSubnet(peers.net, one.peers.net);
  equal(all.between(pair, one.peers.net), all.between(pair).filter(mayBe));
  equal(all.wildcards(pair, one.peers.net), among(isWild).filter(mayBe));
  equal(new Set(all.withPeer(one.peers.id)), new Set(among(({ peers }) => sameIdentity(peers.id, one.peers.id))));
  const isAlike = ({ ours, peers }: Connection) =>
    sameIdentity(ours.id, one.ours.id) && sameIdentity(peers.id, one.peers.id);
  equal(all.alike(one), new Set([...all.withPeer(one.peers.id)].filter(isAlike)));
  equal(all.alike(one).size, among(isAlike).length);
  if (!one.peers.isAnyHost) {
    equal(
      all.at(one.peers.host),
      among(({ peers }) => sameAddress(peers.host, one.peers.host)),
    );
  }
  equal(all.towards(one.peers.net), among(({ peers }) => sameSubnet(peers.net, one.peers.net)));
  equal(all.named(one.name), among(({ name }) => name === one.name));
  equal(all.find(one.name), every.find(({ name, serial }) => name === one.name && serial === 0));
  equal(all.instancesOf(one), among(({ template }) => template === one));
  equal(all.has(one), true);
}
