/** Rules in memory; that the kernel's are heeded is shown by tests/netns/clear_traffic_test.ts. */
import { strictEqual as equal } from "node:assert/strict";
import { ERRNO, SystemError } from "../../lib/ffi/libc.ts";
import type { BaseChain, RuleEntry } from "../../lib/packet/nf_tables.ts";
import { OutputRules, type OutputRulesDeps, type RuleListing } from "../../lib/system/output_rules.ts";

class Filter implements OutputRulesDeps, RuleListing {
  readonly chains: BaseChain[] = [];
  readonly entries: RuleEntry[] = [];
  readonly legacy: Record<string, string> = {};
  refusal: number | undefined;
  version = 1;
  listed = 0;
  time = 5000;

  open = () => this;
  now = () => this.time;
  read = (path: string) => this.legacy[path] ?? "";
  generation = () => {
    if (this.refusal !== undefined) throw new SystemError("netlink", this.refusal, "read the firewall's generation");
    return this.version;
  };
  baseChains = () => {
    this.listed++;
    return this.chains;
  };
  rules = () => this.entries;
  [Symbol.dispose] = () => {};

  /** @param rules expressions of each */
  chain(
    family: BaseChain["family"],
    type: string,
    hook: BaseChain["hook"],
    drops: boolean,
    rules: string[] = [],
  ): this {
    const name = `c${this.chains.length}`;
    this.chains.push({ family, table: "t", name, type, hook, drops });
    for (const expression of rules) {
      const handle = Uint8Array.of(this.entries.length);
      this.entries.push({ family, table: "t", chain: name, handle, comment: "", expressions: [expression] });
    }
    this.version++;
    return this;
  }
}

const CASES: [what: string, filter: Filter, v4: boolean, v6: boolean][] = [
  ["nothing", new Filter(), false, false],
  ["rules for what leaves", new Filter().chain("inet", "filter", "output", false, ["counter"]), true, true],
  ["those of IPv4", new Filter().chain("ip", "filter", "output", false, ["counter"]), true, false],
  ["those of IPv6", new Filter().chain("ip6", "filter", "postrouting", false, ["counter"]), false, true],
  ["rules that mark", new Filter().chain("ip", "route", "output", false, ["meta"]), true, false],
  ["a chain that drops", new Filter().chain("ip", "filter", "output", true), true, false],
  ["a chain that accepts, without rules", new Filter().chain("inet", "filter", "output", false), false, false],
  ["rules for what comes", new Filter().chain("inet", "filter", "input", true, ["ct"]), false, false],
  ["rules for what is forwarded", new Filter().chain("inet", "filter", "forward", true, ["ct"]), false, false],
  ["address translation", new Filter().chain("ip", "nat", "postrouting", false, ["masq"]), false, false],
  [
    "address translation, and what is not tracked",
    new Filter().chain("ip", "nat", "postrouting", false, ["masq"]).chain("ip", "filter", "prerouting", false, [
      "notrack",
    ]),
    true,
    false,
  ],
];
for (const [what, filter, v4, v6] of CASES) {
  Deno.test(`OutputRules.areThereFor(): ${what}`, () => {
    const rules = new OutputRules(filter);
    equal(rules.areThereFor("inet"), v4);
    equal(rules.areThereFor("inet6"), v6);
  });
}

Deno.test("OutputRules.areThereFor() lists rules again only after they have changed", () => {
  const filter = new Filter();
  const rules = new OutputRules(filter);
  for (let i = 0; i < 3; i++, filter.time += 1000) equal(rules.areThereFor("inet"), false);
  equal(filter.listed, 1);
  filter.chain("ip", "filter", "output", false, ["counter"]);
  equal(rules.areThereFor("inet"), true);
  equal(filter.listed, 2);
});

Deno.test("OutputRules.areThereFor() knows of new rules within half a second", () => {
  const filter = new Filter();
  const rules = new OutputRules(filter);
  equal(rules.areThereFor("inet"), false);
  filter.chain("ip", "filter", "output", false, ["counter"]);
  filter.time += 500;
  equal(rules.areThereFor("inet"), true);
});

Deno.test("OutputRules.areThereFor() says yes where iptables-legacy has tables", () => {
  const filter = new Filter();
  filter.legacy["/proc/net/ip_tables_names"] = "filter\n";
  equal(new OutputRules(filter).areThereFor("inet"), true);
  equal(new OutputRules(filter).areThereFor("inet6"), false);
});

const REFUSALS: [what: string, errno: number, ruled: boolean][] = [
  ["a kernel without nf_tables", ERRNO.EINVAL, false],
  ["a kernel that refuses to tell", ERRNO.EPERM, true],
];
for (const [what, errno, ruled] of REFUSALS) {
  Deno.test(`OutputRules.areThereFor(): ${what}`, () => {
    const filter = new Filter();
    filter.refusal = errno;
    equal(new OutputRules(filter).areThereFor("inet"), ruled);
  });
}
