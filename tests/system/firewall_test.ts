/** The firewall's decisions over rules in memory; the kernel's own are changed in tests/netns/updown_test.ts. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal, throws } from "node:assert/strict";
import { ERRNO, SystemError } from "../../lib/ffi/libc.ts";
import type { RuleChange } from "../../lib/ffi/nf_tables.ts";
import { type BaseChain, COMMENT_BYTES, type RuleEntry, type TableMessage } from "../../lib/packet/nf_tables.ts";
import {
  cleanFirewall,
  closeFirewall,
  type FirewallDeps,
  type FirewallRules,
  openFirewall,
  type Passage,
} from "../../lib/system/firewall.ts";
import { parseSubnet } from "../../lib/text/subnet.ts";

function end(text: string, protocol = 0, port = 0): Passage["mine"] {
  const parsed = parseSubnet(text, text.includes(":") ? "inet6" : "inet");
  if (!parsed.ok) throw new Error(parsed.error);
  return { subnet: parsed.value, protocol, port };
}

const OFFICE: Passage = {
  connection: "office",
  of: "forward",
  device: "ipsec0",
  mine: end("10.1.0.0/24"),
  peer: end("10.2.0.0/24"),
};

class Filter implements FirewallDeps, FirewallRules {
  readonly entries: RuleEntry[] = [];
  readonly legacy: Record<string, string> = {};
  readonly owned: TableMessage[] = [];
  /** How often the rules are said to have changed meanwhile. */
  restarts = 0;
  absent: number | undefined;
  changes = 0;
  #handle = 0;

  constructor(readonly chains: BaseChain[] = []) {}

  open = () => {
    if (this.absent === ERRNO.EPROTONOSUPPORT) throw new SystemError("socket", this.absent, "open a netlink socket");
    return this;
  };
  read = (path: string) => this.legacy[path] ?? "";
  tables = () => this.owned;
  baseChains = () => this.chains;
  rules = () => [...this.entries];
  generation = () => {
    if (this.absent !== undefined) throw new SystemError("netlink", this.absent, "read the firewall's generation");
    return this.changes;
  };
  change = (changes: readonly RuleChange[]) => {
    if (this.restarts-- > 0) throw new SystemError("netlink", ERRNO.ERESTART, "change the firewall");
    for (const change of changes) {
      if ("remove" in change) this.entries.splice(this.entries.indexOf(change.remove), 1);
      else this.entries.unshift(this.entry(change.chain, change.comment));
    }
    this.changes++;
  };
  entry({ family, table, name }: BaseChain, comment: string): RuleEntry {
    return { family, table, chain: name, handle: Uint8Array.of(++this.#handle), comment, expressions: [] };
  }
  [Symbol.dispose] = () => {};
}

const chain = (text: string, drops = true, type = "filter", hook: BaseChain["hook"] = "forward"): BaseChain => {
  const [family, table, name] = text.split(" ");
  return { family: family as BaseChain["family"], table, name, type, hook, drops };
};

const CHAINS: [what: string, chain: BaseChain, rule: boolean, opened: boolean][] = [
  ["one that drops", chain("inet t c"), false, true],
  ["one of IPv4", chain("ip t c"), false, true],
  ["one of IPv6", chain("ip6 t c"), false, false],
  ["an empty one that accepts", chain("inet t c", false), false, false],
  ["one that accepts what its rules let through", chain("inet t c", false), true, true],
  ["one of address translation", chain("ip t c", true, "nat"), true, false],
  ["one of another hook", chain("inet t c", true, "filter", "input"), true, false],
];
for (const [what, one, rule, opened] of CHAINS) {
  Deno.test(`openFirewall() ${opened ? "opens" : "leaves alone"} ${what}`, () => {
    const filter = new Filter([one]);
    if (rule) filter.entries.push(filter.entry(one, "the administrator's"));
    const { chains, warnings } = openFirewall(OFFICE, filter);
    deepEqual([chains, warnings], [opened ? [`${one.family} t c`] : [], []]);
    equal(filter.entries.filter(({ comment }) => comment.startsWith("oneswan ")).length, opened ? 2 : 0);
    equal(closeFirewall(OFFICE, filter), opened ? 2 : 0);
    equal(filter.entries.length, rule ? 1 : 0);
  });
}

Deno.test("openFirewall() does not take another connection's rules for the administrator's", () => {
  const one = chain("inet t c", false);
  const filter = new Filter([one]);
  filter.entries.push(filter.entry(one, "oneswan other 10.1.0.0/24 10.9.0.0/24 ipsec0"));
  deepEqual(openFirewall(OFFICE, filter).chains, []);
});

const OTHERS: [what: string, passage: Passage][] = [
  ["name", { ...OFFICE, connection: "office2" }],
  ["network", { ...OFFICE, peer: end("10.2.0.0/25") }],
  ["port", { ...OFFICE, mine: end("10.1.0.0/24", 17, 1701) }],
  ["device", { ...OFFICE, device: "ipsec1" }],
  ["name by its last letter, very long", { ...OFFICE, connection: `${"x".repeat(300)}a` }],
  ["network, of which both are as long as can be", {
    ...OFFICE,
    of: "forward",
    device: "ipsec0-is-longer",
    mine: end("2001:db8:1111:2222:3333:4444:5555:6666/128", 17, 65535),
    peer: end("2001:db8:1111:2222:3333:4444:5555:7777/128", 17, 65535),
  }],
  ["name by a letter that is not ASCII", { ...OFFICE, connection: "büro" }],
];
for (const [what, passage] of OTHERS) {
  Deno.test(`closeFirewall() leaves what a connection of another ${what} opened`, () => {
    const filter = new Filter([chain("inet t c")]);
    const near = what.includes("last") ? { ...OFFICE, connection: `${"x".repeat(300)}b` } : { ...OFFICE };
    for (const one of [passage, near]) openFirewall(one, filter);
    equal(filter.entries.length, 4);
    ok(filter.entries.every(({ comment }) => comment.length <= COMMENT_BYTES && /^[ -~]*$/.test(comment)));
    equal(closeFirewall(near, filter), 2);
    equal(closeFirewall(near, filter), 0);
    equal(closeFirewall(passage, filter), 2);
  });
}

Deno.test("cleanFirewall() removes the rules of all connections, and nobody else's", () => {
  const one = chain("inet t c");
  const filter = new Filter([one]);
  const theirs = filter.entry(one, "oneswanlike");
  filter.entries.push(theirs);
  for (const [, passage] of OTHERS) openFirewall(passage, filter);
  equal(cleanFirewall(filter), OTHERS.length * 2);
  deepEqual(filter.entries, [theirs]);
});

Deno.test("cleanFirewall() removes very many rules in several rounds", () => {
  const one = chain("inet t c");
  const filter = new Filter([one]);
  for (let i = 0; i < 1200; i++) filter.entries.push(filter.entry(one, `oneswan office${i}`));
  equal(cleanFirewall(filter), 1200);
  deepEqual([filter.entries.length, filter.changes], [0, 3]);
});

Deno.test("openFirewall() looks anew where the rules changed meanwhile, ten times at most", () => {
  const filter = new Filter([chain("inet t c")]);
  filter.restarts = 9;
  openFirewall(OFFICE, filter);
  equal(filter.entries.length, 2);
  filter.restarts = 10;
  throws(() => openFirewall(OFFICE, filter), SystemError);
});

for (const [name, errno] of [["EPROTONOSUPPORT", ERRNO.EPROTONOSUPPORT], ["EINVAL", ERRNO.EINVAL]] as const) {
  Deno.test(`a kernel without nf_tables (${name}) has nothing to open or close`, () => {
    const filter = new Filter([chain("inet t c")]);
    filter.absent = errno;
    deepEqual(openFirewall(OFFICE, filter), { chains: [], warnings: [] });
    equal(closeFirewall(OFFICE, filter), 0);
  });
}

Deno.test("openFirewall() throws where it has no right to look", () => {
  const filter = new Filter();
  filter.absent = ERRNO.EPERM;
  throws(() => openFirewall(OFFICE, filter), SystemError);
});

Deno.test("openFirewall() warns of a filter of iptables-legacy in the family at hand", () => {
  const filter = new Filter();
  filter.legacy["/proc/net/ip_tables_names"] = "nat\nfilter\n";
  equal(openFirewall(OFFICE, filter).warnings.length, 1);
  const six = { ...OFFICE, mine: end("fd01:1::/64"), peer: end("fd01:2::/64") };
  deepEqual(openFirewall(six, filter).warnings, []);
  filter.legacy["/proc/net/ip_tables_names"] = "nat\n";
  deepEqual(openFirewall(OFFICE, filter).warnings, []);
});

Deno.test("openFirewall() leaves a table to the program that owns it, and says so", () => {
  const filter = new Filter([chain("inet t c"), chain("ip t c")]);
  filter.owned.push({ family: "inet", name: "t", owner: 77 });
  deepEqual(openFirewall(OFFICE, filter), {
    chains: ["ip t c"],
    warnings: ["chain inet t c belongs to a running program, which alone can let packets pass it"],
  });
});
