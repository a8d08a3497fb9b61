import { deepStrictEqual as deepEqual, equal } from "node:assert/strict";
import { checkLifetimes, expiredByTime, FINE, HARD, nextExpiry, orderLimits, SOFT } from "../../lib/klips/lifetime.ts";
import type { LifetimeKind, Sa, SaState } from "../../lib/klips/sa.ts";
import { Gateway } from "./_gateway.ts";

const ADDED = 1000;

function sa(state: SaState = "mature"): Sa {
  const gateway = new Gateway(["192.0.2.2"]);
  const sa = gateway.sa("tun.1000@192.0.2.2", "192.0.2.1", "ipip");
  sa.state = state;
  return sa;
}

interface Row {
  why: string;
  kind: LifetimeKind;
  soft?: number;
  hard?: number;
  /** Of counters the count; of times the instant they run from. */
  current: number;
  now?: number;
  state?: SaState;
  result: number;
}
const ROWS: Row[] = [
  { why: "no limits", kind: "bytes", current: 1e15, result: FINE },
  { why: "a count at its soft limit", kind: "bytes", soft: 100, current: 100, result: FINE },
  { why: "a count over its soft limit", kind: "bytes", soft: 100, current: 101, result: SOFT },
  { why: "the same, told before", kind: "bytes", soft: 100, current: 101, state: "dying", result: FINE },
  { why: "a count at its hard limit", kind: "packets", hard: 100, current: 100, result: FINE },
  { why: "a count over its hard limit", kind: "packets", hard: 100, current: 101, result: HARD },
  { why: "a count over both limits", kind: "packets", soft: 50, hard: 100, current: 101, result: HARD },
  {
    why: "a dying SA over its hard limit",
    kind: "packets",
    soft: 50,
    hard: 100,
    current: 101,
    state: "dying",
    result: HARD,
  },
  { why: "bytes beyond 2^32", kind: "bytes", hard: 2 ** 33, current: 2 ** 33 + 1, result: HARD },
  { why: "its one allocation", kind: "allocations", soft: 1, hard: 1, current: 1, result: FINE },
  { why: "an age at its limit", kind: "addtime", hard: 60, current: ADDED, now: 1060, result: FINE },
  { why: "an age over its soft limit", kind: "addtime", soft: 60, current: ADDED, now: 1061, result: SOFT },
  { why: "an age over its hard limit", kind: "addtime", hard: 60, current: ADDED, now: 1061, result: HARD },
  { why: "use time before first use", kind: "usetime", hard: 60, current: 0, now: 9999, result: FINE },
  { why: "use time over its limit", kind: "usetime", hard: 60, current: 1500, now: 1561, result: HARD },
];
/** What counts against a limit of each kind. */
const FIELDS = { bytes: "bytesUsed", packets: "packetsUsed", addtime: "addedAt", usetime: "firstUsedAt" } as const;
for (const { why, kind, soft = 0, hard = 0, current, now = ADDED, state, result } of ROWS) {
  Deno.test(`checkLifetimes() says ${["fine", "soft", "hard"][result]} to ${why}`, () => {
    const it = sa(state);
    Object.assign(it.limit(kind), { soft, hard });
    if (kind !== "allocations") it[FIELDS[kind]] = current;
    equal(checkLifetimes(it, now), result);
  });
}

Deno.test("a hard limit of one kind outweighs a soft one of another", () => {
  const it = sa();
  it.limit("bytes").soft = 1;
  it.bytesUsed = 2;
  it.limit("packets").hard = 1;
  it.packetsUsed = 2;
  equal(checkLifetimes(it, ADDED), HARD);
});

interface TimeRow {
  why: string;
  addtime?: [soft: number, hard: number];
  usetime?: [soft: number, hard: number];
  usedAt?: number;
  now: number;
  state?: SaState;
  result: number;
  next: number | undefined;
}
const TIMES: TimeRow[] = [
  { why: "no limits", now: 9999, result: FINE, next: undefined },
  { why: "both limits ahead", addtime: [50, 60], now: 1010, result: FINE, next: 1050 },
  { why: "the soft limit reached", addtime: [50, 60], now: 1050, result: SOFT, next: 1050 },
  { why: "the soft limit told before", addtime: [50, 60], now: 1055, state: "dying", result: FINE, next: 1060 },
  { why: "the hard limit reached", addtime: [50, 60], now: 1060, state: "dying", result: HARD, next: 1060 },
  { why: "use time before first use", usetime: [5, 9], now: 9999, result: FINE, next: 10_004 },
  { why: "use time after it", usetime: [0, 9], usedAt: 2000, now: 2009, result: HARD, next: 2009 },
  { why: "the earlier of two", addtime: [0, 60], usetime: [0, 9], usedAt: 1030, now: 1030, result: FINE, next: 1039 },
];
for (const { why, addtime = [0, 0], usetime = [0, 0], usedAt = 0, now, state, result, next } of TIMES) {
  Deno.test(`expiredByTime() says ${["fine", "soft", "hard"][result]} to ${why}`, () => {
    const it = sa(state);
    Object.assign(it.limit("addtime"), { soft: addtime[0], hard: addtime[1] });
    it.addedAt = ADDED;
    Object.assign(it.limit("usetime"), { soft: usetime[0], hard: usetime[1] });
    it.firstUsedAt = usedAt;
    equal(expiredByTime(it, now), result);
    equal(nextExpiry(it, now), next);
  });
}

Deno.test("a soft limit above the hard one is lowered to it (klips.md §17)", () => {
  const ORDERED: [soft: number, hard: number, lowered: number][] = [[5, 9, 5], [9, 5, 5], [9, 0, 9], [0, 5, 0]];
  for (const [soft, hard, lowered] of ORDERED) {
    const limit = { kind: "bytes" as const, soft, hard };
    orderLimits(limit);
    deepEqual([limit.soft, limit.hard], [lowered, hard]);
  }
});

Deno.test("an idle chain ends by the engine's timer, once, with the same events", () => {
  const gateway = new Gateway(["192.0.2.1"]);
  const esp = gateway.sa("ah.1001@192.0.2.2", "192.0.2.1", "ah-sha1-96");
  const tunnel = gateway.sa("tun.1000@192.0.2.2", "192.0.2.1", "ipip");
  gateway.group(tunnel, esp);
  Object.assign(esp.limit("addtime"), { soft: 30, hard: 60 });
  Object.assign(tunnel.limit("addtime"), { hard: 60 });
  equal(gateway.engine.expireByTime(), 1030);
  gateway.clock = 1030;
  equal(gateway.engine.expireByTime(), 1060);
  deepEqual(gateway.expired, [[0x1001, false]]);
  gateway.clock = 1060;
  equal(gateway.engine.expireByTime(), undefined);
  equal(gateway.expired.filter(([, hard]) => hard).length, 1);
  equal(gateway.engine.sad.size, 0);
});
