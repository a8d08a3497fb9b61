/** Leases of one range: whose an address is, and when it is somebody else's. */
import { deepStrictEqual as equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { AddressPool, type LeaseRequest } from "../../lib/pluto/address_pool.ts";
import { formatAddress } from "../../lib/text/address.ts";
import { parsePoolRange } from "../../lib/text/pool_range.ts";
import { address } from "./_fakes.ts";

type Owner = string;
type More = Partial<LeaseRequest<Owner>>;

function pool(text: string): AddressPool<Owner> {
  const range = parsePoolRange(text);
  if (!range.ok) throw new Error(range.error);
  return new AddressPool(range.value);
}

const among = (foreign: ReadonlySet<string>): More => ({ isForeign: (one) => foreign.has(formatAddress(one)) });

/** Owners are named for their holder: `alice 2` is alice's second connection. */
function ask(from: AddressPool<Owner>, owner: Owner, more: More = {}) {
  const holder = holderOf(owner);
  const request = { holder, owner, takeOver: "never", isSameClient: () => true, isForeign: () => false } as const;
  return from.grant({ ...request, ...more });
}

/** The address, and who has it no more. */
function grant(from: AddressPool<Owner>, owner: Owner, more: More = {}): string | undefined {
  const granted = ask(from, owner, more);
  return granted && [formatAddress(granted.lease.address), ...granted.displaced].join(" ");
}

function holderOf(owner: Owner): string {
  return owner.split(" ")[0];
}

Deno.test("AddressPool: each holder has an address of its own, and who returns has the same", () => {
  const three = pool("10.3.0.1-10.3.0.3");
  equal(["alice", "bob"].map((one) => grant(three, one)), ["10.3.0.1", "10.3.0.2"]);
  three.giveBack("alice");
  equal(["carol", "alice"].map((one) => grant(three, one)), ["10.3.0.3", "10.3.0.1"]);
});

Deno.test("AddressPool: a range that is used up gives away what was given back first, and then nothing", () => {
  const two = pool("10.3.0.1-10.3.0.2");
  for (const one of ["alice", "bob"]) grant(two, one);
  for (const one of ["bob", "alice"]) two.giveBack(one);
  equal(["carol", "dave", "erin"].map((one) => grant(two, one)), ["10.3.0.2", "10.3.0.1", undefined]);
  equal(two.counts, { addresses: 2n, inUse: 2, kept: 0 });
});

Deno.test("AddressPool: a holder that is here twice has two addresses, and of several gets the last one back", () => {
  const three = pool("10.3.0.1-10.3.0.3");
  equal(["alice 1", "alice 2"].map((one) => grant(three, one)), ["10.3.0.1", "10.3.0.2"]);
  for (const one of ["alice 2", "alice 1"]) three.giveBack(one);
  equal(grant(three, "alice 3"), "10.3.0.1");
  equal(grant(three, "alice 4"), "10.3.0.2");
});

Deno.test("AddressPool: where one client is in one place only, it takes its address along", () => {
  const two = pool("10.3.0.1-10.3.0.2");
  grant(two, "alice 1");
  equal(grant(two, "alice 2", { takeOver: "at once" }), "10.3.0.1 alice 1");
  two.giveBack("alice 1");
  equal(two.leaseOf("alice 1"), undefined);
  equal(two.counts.inUse, 1, "the former owner gives nothing back");
  equal(grant(two, "alice 3", { takeOver: "at once", isSameClient: () => false }), "10.3.0.2");
});

Deno.test("AddressPool: a user's own older lease is the last resort", () => {
  const two = pool("10.3.0.1-10.3.0.2");
  const more = { takeOver: "when full" } as const;
  equal(["alice 1", "alice 2", "alice 3"].map((one) => grant(two, one, more)), [
    "10.3.0.1",
    "10.3.0.2",
    "10.3.0.1 alice 1",
  ]);
  equal(grant(two, "bob", more), undefined);
});

Deno.test("AddressPool: what a client asks for it gets, where nobody has it", () => {
  const ten = pool("10.3.0.1-10.3.0.10"), foreign = among(new Set(["10.3.0.8"]));
  const asks = (owner: string, wanted: string) => grant(ten, owner, { ...foreign, wanted: address(wanted) });
  equal(asks("alice", "10.3.0.5"), "10.3.0.5");
  equal(asks("bob", "10.3.0.5"), "10.3.0.1", "another's");
  equal(asks("carol", "10.3.0.8"), "10.3.0.2", "in use elsewhere");
  equal(asks("dave", "10.4.0.1"), "10.3.0.3", "outside");
  ten.giveBack("alice");
  equal(asks("erin", "10.3.0.5"), "10.3.0.4", "kept for another");
});

Deno.test("AddressPool: addresses that others have from elsewhere are passed over, also where they came later", () => {
  const foreign = new Set(["10.3.0.1", "10.3.0.2"]);
  const four = pool("10.3.0.1-10.3.0.4"), more = among(foreign);
  equal(["alice", "bob", "carol"].map((one) => grant(four, one, more)), ["10.3.0.3", "10.3.0.4", undefined]);
  four.giveBack("alice");
  foreign.add("10.3.0.3").delete("10.3.0.2");
  equal(grant(four, "alice", more), "10.3.0.2");
});

Deno.test("AddressPool: a lease may be shared, and is in use until its last owner has given it back", () => {
  const two = pool("10.3.0.1-10.3.0.2");
  grant(two, "alice 1");
  const lease = two.leaseOf("alice 1")!;
  two.share(lease, "alice 2");
  two.giveBack("alice 1");
  equal([two.counts.inUse, two.counts.kept], [1, 0]);
  two.giveBack("alice 2");
  equal([two.counts.inUse, two.counts.kept], [0, 1]);
});

Deno.test("AddressPool: a range of IPv6 costs what it has lent, and remembers a bounded number of users", () => {
  const large = pool("fd00:3::/64");
  for (let i = 0; i < 10_000; i++) {
    grant(large, `user${i}`);
    large.giveBack(`user${i}`);
  }
  equal(large.counts, { addresses: 2n ** 64n - 1n, inUse: 0, kept: 4096 });
  equal(grant(large, "user9999"), "fd00:3::2710");
  equal(grant(large, "user0"), "fd00:3::2711", "forgotten");
});

/** What may happen: somebody comes (perhaps with a wish), or goes. */
const anEvent = fc.record({
  owner: fc.constantFrom(...["alice", "bob", "carol", "dave"].flatMap((who) => [1, 2, 3].map((n) => `${who} ${n}`))),
  comes: fc.boolean(),
  wanted: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
  takeOver: fc.constantFrom("at once" as const, "when full" as const, "never" as const),
}, { noNullPrototype: true });

Deno.test("AddressPool: no address is two clients' at once, none is lost, and refusals are true", () => {
  fc.assert(
    fc.property(fc.array(anEvent, { maxLength: 60 }), fc.subarray([1, 2, 3, 4, 5]), (events, others) => {
      const foreign = new Set(others.map((last) => `10.3.0.${last}`));
      const five = pool("10.3.0.1-10.3.0.5"), more = among(foreign);
      /** By owner, as a simple table has it. */
      const has = new Map<string, string>();
      for (const { owner, comes, wanted, takeOver } of events) {
        if (!comes) {
          five.giveBack(owner);
          has.delete(owner);
          continue;
        }
        has.delete(owner);
        const granted = ask(five, owner, {
          ...more,
          takeOver,
          wanted: wanted && address(`10.3.0.${wanted}`) || undefined,
        });
        for (const one of granted?.displaced ?? []) {
          equal(holderOf(one), holderOf(owner), "only the same holder gives way");
          has.delete(one);
        }
        if (granted) {
          const got = formatAddress(granted.lease.address);
          ok(!foreign.has(got), `${got} is another's`);
          ok(![...has.values()].includes(got), `${got} is in use`);
          has.set(owner, got);
        } else equal(has.size, 5 - foreign.size, "refused while there was an address");
        equal(five.counts.inUse, has.size);
      }
      const leases = five.leases().map((lease) => formatAddress(lease.address));
      equal(new Set(leases).size, leases.length);
      for (const owner of has.keys()) five.giveBack(owner);
      equal(five.counts.inUse, 0, "all are returned");
      const anew = Array.from({ length: 6 }, (_, i) => grant(five, `new${i} 1`, more)).filter(Boolean);
      equal(anew.length, 5 - foreign.size, "all can be given again");
    }),
    { numRuns: 500 },
  );
});
