/** Policy groups: connections from files, merged with each reading (pluto.md §18). */
import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { connectionFor } from "../../lib/pluto/acquire.ts";
import { type GroupFile, makeMember } from "../../lib/pluto/groups.ts";
import { parseSubnet } from "../../lib/text/subnet.ts";
import { net } from "./_chooser.ts";
import { make } from "./_connections.ts";
import { address, description, House } from "./_fakes.ts";
import { FakeClock } from "../ike/_fake_clock.ts";

const CLEAR = description({
  psk: false,
  encrypt: false,
  shunt: "pass",
  left: { client: undefined, id: "%myid" },
  right: { host: "%group", client: undefined, id: undefined, nextHop: undefined },
});
const PRIVATE = description({
  psk: false,
  rsasig: true,
  failure: "drop",
  left: { client: undefined, id: "%myid" },
  right: { host: "%opportunisticgroup", client: undefined, id: undefined, nextHop: undefined },
});

function file(name: string, ...nets: string[]): GroupFile {
  const subnets = nets.map((text, i) => {
    const subnet = parseSubnet(text, "inet");
    if (!subnet.ok) throw new Error(subnet.error);
    return { subnet: subnet.value, line: i + 1 };
  });
  return { path: `/etc/ipsec.d/policies/${name}`, subnets, complaints: [] };
}

async function house(groups: Record<string, GroupFile>) {
  const one = new House(new FakeClock(), { address: "192.0.2.1", groups });
  await one.whack({ listen: true });
  await one.whack({ name: "clear", connection: CLEAR });
  await one.whack({ name: "private", connection: PRIVATE });
  return one;
}

const members = (one: House) =>
  [...one.pluto.parts.connections].filter(({ group }) => group).map(({ name }) => name).sort();
const withoutStart = (lines: string[]) => lines.filter((line) => !/listening|secrets/.test(line));

Deno.test("a group's members come from its file, and are what its policy makes of them", async () => {
  const one = await house({ clear: file("clear", "203.0.113.0/24"), private: file("private", "198.51.100.0/24") });
  const { lines } = await one.whack({ listen: true });
  equal(withoutStart(lines), [
    '002 loading group "/etc/ipsec.d/policies/private"',
    '002 loading group "/etc/ipsec.d/policies/clear"',
  ]);
  equal(members(one), ["clear#203.0.113.0/24", "private#198.51.100.0/24"]);
  const kinds = members(one).map((name) => one.connection(name).connectionKind);
  equal(kinds, ["CK_INSTANCE", "CK_TEMPLATE"]);
  equal(one.connection("clear#203.0.113.0/24").label, '"clear#203.0.113.0/24" 0.0.0.0');
  equal(one.connection("private#198.51.100.0/24").policyText, "RSASIG+ENCRYPT+TUNNEL+PFS+OPPORTUNISTIC+failureDROP");
});

Deno.test("routing a group routes its members, and those that come later", async () => {
  const one = await house({ clear: file("clear", "203.0.113.0/24") });
  await one.whack({ listen: true });
  equal((await one.whack({ name: "clear", route: true })).lines, []);
  equal(one.kernel.table, ["192.0.2.1/32:0 -0-> 203.0.113.0/24:0 => %pass"]);
  equal(one.connection("clear").routing, "UNROUTED", "the group itself has no route");
  one.groups.clear = file("clear", "203.0.113.0/24", "203.0.113.128/25");
  const { lines } = await one.whack({ listen: true });
  equal(withoutStart(lines), ['002 loading group "/etc/ipsec.d/policies/clear"']);
  equal(one.kernel.table.length, 2, "the old member was left alone, the new one routed");
  await one.whack({ name: "clear", unroute: true });
  equal(one.kernel.table, []);
  equal(one.connection("clear").policyText.includes("GROUTED"), false);
});

Deno.test("what has vanished from a file is deleted with its route", async () => {
  const one = await house({ clear: file("clear", "203.0.113.0/24", "10.9.0.0/16") });
  await one.whack({ listen: true });
  await one.whack({ name: "clear", route: true });
  one.groups.clear = file("clear", "10.9.0.0/16");
  const { lines } = await one.whack({ listen: true });
  equal(withoutStart(lines).slice(1), ['002 "clear#203.0.113.0/24" 0.0.0.0: deleting connection']);
  equal(members(one), ["clear#10.9.0.0/16"]);
  equal(one.kernel.table, ["192.0.2.1/32:0 -0-> 10.9.0.0/16:0 => %pass"]);
});

Deno.test("a network is in one group: in the one that is defined last", async () => {
  const one = await house({ clear: file("clear", "203.0.113.0/24"), private: file("private", "203.0.113.0/24") });
  const { lines } = await one.whack({ listen: true });
  equal(withoutStart(lines).slice(2), [
    '003 "/etc/ipsec.d/policies/clear" line 1: subnet "203.0.113.0/24", source 192.0.2.1/32, already "private"',
  ]);
  equal(members(one), ["private#203.0.113.0/24"]);
});

Deno.test("a network moves from one group to another in one reading", async () => {
  const one = await house({ private: file("private", "203.0.113.0/24") });
  await one.whack({ listen: true });
  await one.whack({ name: "clear", route: true });
  await one.whack({ name: "private", route: true });
  one.groups = { clear: file("clear", "203.0.113.0/24") };
  await one.whack({ listen: true });
  equal(members(one), ["clear#203.0.113.0/24"]);
  equal(one.kernel.table, ["192.0.2.1/32:0 -0-> 203.0.113.0/24:0 => %pass"]);
});

Deno.test("what a group's file says wrong is told; a connection's name is not taken twice", async () => {
  const one = await house({
    clear: { ...file("clear", "203.0.113.0/24"), complaints: ['"/etc/ipsec.d/policies/clear" line 2: bad "x"'] },
  });
  await one.whack({ name: "clear#203.0.113.0/24", connection: description() });
  const { lines } = await one.whack({ listen: true });
  equal(withoutStart(lines).slice(1), [
    '003 "/etc/ipsec.d/policies/clear" line 2: bad "x"',
    '020 group name + target yields duplicate name "clear#203.0.113.0/24"',
  ]);
});

Deno.test("a network of the other family has no place in a group, and leaves no connection", async () => {
  const clear = file("clear", "203.0.113.0/24");
  const other = parseSubnet("2001:db8::/32", "inet6");
  ok(other.ok);
  const subnets = [...clear.subnets, { subnet: other.value, line: 7 }];
  const one = await house({ clear: { ...clear, subnets } });
  const { lines } = await one.whack({ listen: true });
  equal(withoutStart(lines).slice(1), [
    '003 "/etc/ipsec.d/policies/clear" line 7: "2001:db8::/32" cannot be in this group, which is for traffic of 192.0.2.1/32',
  ]);
  equal(members(one), ["clear#203.0.113.0/24"]);
});

Deno.test("a group takes its members along", async () => {
  const one = await house({ clear: file("clear", "203.0.113.0/24") });
  await one.whack({ listen: true });
  await one.whack({ name: "clear", route: true });
  equal((await one.whack({ name: "clear", delete: true })).lines, [
    '002 "clear": deleting connection',
    '002 "clear#203.0.113.0/24" 0.0.0.0: deleting connection',
  ]);
  equal([...one.pluto.parts.connections].map(({ name }) => name), ["private"]);
  equal(one.kernel.table, []);
});

for (const order of [["private", "private-or-clear"], ["private-or-clear", "private"]]) {
  Deno.test(`the narrowest group decides, whichever was loaded first: ${order.join(", then ")}`, () => {
    const nets: Record<string, string> = { private: "198.51.100.0/24", "private-or-clear": "0.0.0.0/0" };
    const all = order.map((name) => {
      const group = make(name, {
        psk: false,
        rsasig: true,
        failure: name === "private" ? "drop" : "pass",
        left: { client: undefined },
        right: { host: "%opportunisticgroup", client: undefined, nextHop: undefined, id: undefined },
      });
      const member = makeMember(group, net(nets[name]));
      member.routing = "ROUTED_PROSPECTIVE";
      return member;
    });
    const decides = (to: string) =>
      connectionFor(
        { from: address("192.0.2.1"), to: address(to), protocol: 1, fromPort: 0, toPort: 0 },
        all,
      )?.name;
    equal(decides("198.51.100.2"), "private#198.51.100.0/24");
    equal(decides("203.0.113.7"), "private-or-clear#0.0.0.0/0");
  });
}

const PAIR = "192.0.2.1/32:0 -0-> 203.0.113.9/32:0";

/** A group `private` of a network, in which there is an SA with one host. */
async function withInstance() {
  const one = await house({ private: file("private", "203.0.113.0/24") });
  await one.whack({ listen: true });
  await one.whack({ name: "private", route: true });
  await one.whack({ name: "clear", route: true });
  const template = one.connection("private#203.0.113.0/24");
  const instance = template.instantiate(address("203.0.113.9"));
  instance.peers.client = undefined;
  Object.assign(instance, { routing: "ROUTED_TUNNEL", erouteOwner: 7, hasWorked: true });
  one.pluto.parts.connections.add(instance);
  one.kernel.eroutesByFlow.set(PAIR, { flow: instance.flow, target: "#7", packets: 0 });
  one.kernel.calls.length = 0;
  return { one, instance };
}

Deno.test("a member for the very host that has an SA takes its eroute, and nothing passes in between", async () => {
  for (const group of ["private", "clear"] as const) {
    const { one, instance } = await withInstance();
    one.groups = { [group]: file(group, "203.0.113.9/32") };
    await one.whack({ listen: true });
    const target = group === "private" ? "%trap" : "%pass";
    equal(one.kernel.table, [`${PAIR} => ${target}`], group);
    equal(one.kernel.calls.filter((call) => call.includes("203.0.113.9")), [`replace ${PAIR} => ${target}`], group);
    equal(one.pluto.parts.connections.has(instance), false, group);
  }
});

Deno.test("an SA under a policy goes where a narrower one is the host's now", async () => {
  const { one, instance } = await withInstance();
  one.groups = { private: file("private", "203.0.113.0/24"), clear: file("clear", "203.0.113.8/30") };
  await one.whack({ listen: true });
  equal(one.pluto.parts.connections.has(instance), false);
  equal(one.kernel.eroutesByFlow.has(PAIR), false);
});

Deno.test("an SA stays where the policy of its host has not changed", async () => {
  const { one, instance } = await withInstance();
  one.groups = { private: file("private", "203.0.113.0/24"), clear: file("clear", "203.0.113.64/26") };
  await one.whack({ listen: true });
  equal(one.pluto.parts.connections.has(instance), true);
  equal(one.kernel.eroutesByFlow.get(PAIR)?.target, "#7");
});
