import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import type { DpdPolicy } from "../../lib/ike/connection.ts";
import { aliveNow, type DpdState, isAwaited, isNews, nextMove, startDpd } from "../../lib/ike/dead_peer_sequence.ts";

const POLICY: DpdPolicy = { delaySeconds: 30, timeoutSeconds: 120, action: "hold" };
const START: DpdState = { asked: 100, answered: 100, unanswered: 0, heard: undefined, aliveAtMs: 0 };

/** What is done from second 0 on, as `second: what`, until the end or for an hour. */
function story(policy: DpdPolicy, inbound: (nowMs: number) => number | undefined = () => undefined): string[] {
  const lines: string[] = [];
  let dpd = START;
  for (let now = 0; now < 3_600_000;) {
    const move = nextMove(dpd, policy, now, inbound(now));
    if (move.do !== "wait") lines.push(`${now / 1000}: ${move.do}`);
    if (move.do === "give up") break;
    if (move.do === "ask") dpd = move.next;
    now += move.waitMs;
  }
  return lines;
}

const STORIES: [
  what: string,
  policy: DpdPolicy,
  inbound: ((now: number) => number | undefined) | undefined,
  string[],
][] = [
  ["a silent peer", POLICY, undefined, ["30: ask", "60: ask", "90: ask", "120: give up"]],
  ["a timeout that is no multiple", { ...POLICY, timeoutSeconds: 100 }, undefined, [
    "30: ask",
    "60: ask",
    "90: ask",
    "100: give up",
  ]],
  ["a timeout under the delay", { ...POLICY, timeoutSeconds: 10 }, undefined, ["30: ask", "60: give up"]],
  ["a peer whose packets come in", POLICY, (now) => now, []],
  ["a peer whose packets end after a minute", POLICY, (now) => Math.min(now, 60_000), [
    "90: ask",
    "120: ask",
    "150: ask",
    "180: give up",
  ]],
];
for (const [what, policy, inbound, lines] of STORIES) {
  Deno.test(`nextMove() with ${what}`, () => deepEqual(story(policy, inbound), lines));
}

Deno.test("nextMove() always waits for a while, or gives up", () => {
  const seconds = fc.integer({ min: 1, max: 100_000 });
  const ms = fc.nat(1e9);
  fc.assert(
    fc.property(seconds, seconds, ms, ms, fc.nat(9), (delaySeconds, timeoutSeconds, aliveAtMs, now, unanswered) => {
      const policy: DpdPolicy = { delaySeconds, timeoutSeconds, action: "clear" };
      const move = nextMove({ ...START, aliveAtMs, unanswered }, policy, now, undefined);
      ok(move.do === "give up" || move.waitMs > 0);
    }),
  );
});

Deno.test("startDpd() begins below 2^30, whatever chance says", () => {
  equal(startDpd(new Uint8Array(4).fill(0xff), 7).asked, 0x3fff_ffff);
});

Deno.test("isAwaited() takes an answer to any question that has none yet, and no other", () => {
  const dpd = aliveNow({ ...START, asked: 103, answered: 101, unanswered: 2 }, 5);
  deepEqual([101, 102, 103, 104].map((sequence) => isAwaited(dpd, sequence)), [false, true, true, false]);
});

Deno.test("isNews() refuses what was heard before", () => {
  ok(isNews(START, 0));
  deepEqual([6, 7, 8].map((sequence) => isNews({ ...START, heard: 7 }, sequence)), [false, false, true]);
});
