import { deepEqual } from "node:assert/strict";
import { type FilterPlan, planFilters, type WantedFilter } from "../../lib/system/route_filter.ts";

const CONF = "/proc/sys/net/ipv4/conf";
const change = (device: string, value: string) => ({ name: `net/ipv4/conf/${device}/rp_filter`, value });
const changing = (device: string, from: string, to: string) =>
  `WARNING: changing route filtering on ${device} (changing ${CONF}/${device}/rp_filter from ${from} to ${to})`;
const moving = (devices: string, from: string, to: string) =>
  `WARNING: changing route filtering on ${devices} (changing ${CONF}/all/rp_filter from ${from} to ${to}; all other ` +
  `interfaces get ${from} of their own)`;

const PLANS: [what: string, physicals: string[], wanted: WantedFilter, current: Record<string, string>, FilterPlan][] =
  [
    ["nothing where nothing filters", ["eth0"], "0", { all: "0", default: "0", eth0: "0" }, {
      changes: [],
      warnings: [],
    }],
    [
      "the interface's own filter",
      ["eth0"],
      "0",
      { all: "0", default: "1", eth0: "1", eth1: "1" },
      { changes: [change("eth0", "0")], warnings: [changing("eth0", "1", "0")] },
    ],
    [
      "a filter that is asked for",
      ["eth0"],
      "2",
      { all: "0", default: "0", eth0: "0" },
      { changes: [change("eth0", "2")], warnings: [changing("eth0", "0", "2")] },
    ],
    [
      "the filter of all, which the others keep",
      ["eth0"],
      "0",
      { all: "1", default: "0", eth0: "0", eth1: "0", eth2: "2", ipsec0: "0" },
      {
        changes: [change("default", "1"), change("eth1", "1"), change("all", "0")],
        warnings: [moving("eth0", "1", "0")],
      },
    ],
    [
      "the filter of ipsecN without a word",
      ["eth0"],
      "0",
      { all: "0", default: "1", eth0: "0", ipsec0: "1" },
      { changes: [change("ipsec0", "0")], warnings: [] },
    ],
    [
      "each interface once",
      ["eth0", "eth0"],
      "0",
      { all: "0", default: "0", eth0: "2" },
      { changes: [change("eth0", "0")], warnings: [changing("eth0", "2", "0")] },
    ],
    ["nothing about an interface that has gone", ["ppp0"], "0", { all: "0", default: "1" }, {
      changes: [],
      warnings: [],
    }],
    [
      "a warning alone for %unchanged",
      ["eth0"],
      "%unchanged",
      { all: "0", default: "0", eth0: "1" },
      {
        changes: [],
        warnings: [
          `WARNING: eth0 has route filtering turned on; KLIPS may not work (${CONF}/eth0/rp_filter is 1)`,
        ],
      },
    ],
    [
      "a warning about all for %unchanged",
      ["eth0"],
      "%unchanged",
      { all: "2", default: "0", eth0: "1" },
      {
        changes: [],
        warnings: [`WARNING: eth0 has route filtering turned on; KLIPS may not work (${CONF}/all/rp_filter is 2)`],
      },
    ],
    [
      "an error for a value that is none",
      ["eth0"],
      "0",
      { all: "0", default: "0", eth0: "7" },
      { changes: [], warnings: [`ERROR: unknown ${CONF}/eth0/rp_filter value 7`] },
    ],
  ];
for (const [what, physicals, wanted, current, plan] of PLANS) {
  Deno.test(`planFilters() plans ${what}`, () => deepEqual(planFilters(physicals, wanted, current), plan));
}
