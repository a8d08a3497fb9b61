/** When SAs are replaced and when they end (pluto.md §10.3, §10.4). */
import { deepStrictEqual as equal } from "node:assert/strict";
import type { EventPlan } from "../../lib/ike/host.ts";
import type { IpsecSa } from "../../lib/ike/state.ts";
import { Lifetimes, planLifetime } from "../../lib/pluto/lifetimes.ts";
import { StateNotes } from "../../lib/pluto/state_notes.ts";
import { make } from "./_connections.ts";

const TERMS = {
  phase: 2,
  role: "initiator",
  negotiatedSeconds: 28800,
  ownSeconds: 28800,
  rekey: true,
  marginSeconds: 540,
  fuzzPercent: 100,
} as const;

const PLANS: [what: string, more: Partial<Parameters<typeof planLifetime>[0]>, random: number, plan: string][] = [
  ["initiator, no chance", {}, 0, "EVENT_SA_REPLACE after 28260, 540 left"],
  ["initiator, half the chance", {}, 0.5, "EVENT_SA_REPLACE after 27990, 810 left"],
  ["initiator, fuzz over 100", { fuzzPercent: 200 }, 0.5, "EVENT_SA_REPLACE after 27720, 1080 left"],
  [
    "responder: half the margin, whatever chance says",
    { role: "responder" },
    0.9,
    "EVENT_SA_REPLACE after 28530, 270 left",
  ],
  ["the peer's shorter life", { negotiatedSeconds: 3600 }, 0, "EVENT_SA_REPLACE after 3060, 540 left"],
  ["our shorter life", { ownSeconds: 3600 }, 0, "EVENT_SA_REPLACE after 3060, 540 left"],
  ["a life as long as the margin", { negotiatedSeconds: 540 }, 0, "EVENT_SA_EXPIRE after 540, 0 left"],
  ["--dontrekey, initiator", { rekey: false }, 0, "EVENT_SA_REPLACE_IF_USED after 28260, 540 left"],
  ["--dontrekey, responder", { rekey: false, role: "responder" }, 0, "EVENT_SA_EXPIRE after 28800, 0 left"],
  [
    "--dontrekey, responder, our life is shorter: replacing is the only way",
    { rekey: false, role: "responder", ownSeconds: 3600 },
    0,
    "EVENT_SA_REPLACE after 3330, 270 left",
  ],
  [
    "--dontrekey, phase 1: the negotiated life counts",
    { phase: 1, rekey: false, role: "responder", ownSeconds: 3600 },
    0,
    "EVENT_SA_EXPIRE after 28800, 0 left",
  ],
  ["phase 1: ours where it is shorter", { phase: 1, ownSeconds: 3600 }, 0, "EVENT_SA_REPLACE after 3060, 540 left"],
];
for (const [what, more, random, plan] of PLANS) {
  Deno.test(`planLifetime(): ${what}`, () => {
    const { event, afterSeconds, marginSeconds } = planLifetime({ ...TERMS, ...more }, random);
    equal(`${event} after ${afterSeconds}, ${marginSeconds} left`, plan);
  });
}

/** An IPsec SA of the number 5, established; the events that are planned for it. */
function stage(more: Parameters<typeof make>[1] = {}) {
  const connection = make("net-net", more);
  connection.newestIpsec = 5;
  const state = {
    kind: "ipsec",
    number: 5,
    role: "initiator",
    lifetimeSeconds: 28800,
    connection,
  } as unknown as IpsecSa;
  const events: EventPlan[] = [], done: string[] = [];
  const notes = new StateNotes();
  let nowMs = 0;
  const lifetimes = new Lifetimes({
    engine: {
      schedule: (_state, event) => void events.push(event),
      remove: (one, tellPeer) => void done.push(`remove #${one.number}${tellPeer ? ", tell" : ""}`),
    },
    notes,
    now: () => nowMs,
    random: () => 0,
    connectionOf: () => connection,
    replace: (one) => void done.push(`replace #${one.number}`),
    log: (_state, text) => void done.push(text),
    lifecycle: (_state, text) => void done.push(`(${text})`),
  });
  return {
    connection,
    notes,
    done,
    events,
    lifetimes,
    state,
    pass: (seconds: number) => void (nowMs += seconds * 1000),
    /** What is planned now happens. */
    next: () => {
      const event = events.at(-1)!;
      nowMs += event.afterMs;
      event.act();
      return `${event.name} after ${event.afterMs / 1000}`;
    },
  };
}

Deno.test("the newest SA is replaced, and expires a margin later", () => {
  const { lifetimes, state, next, done } = stage();
  lifetimes.plan(state);
  equal(next(), "EVENT_SA_REPLACE after 28260");
  equal(done, ["(replacing stale IPsec SA)", "replace #5"]);
  equal(next(), "EVENT_SA_EXPIRE after 540");
  equal(done.slice(2), ["IPsec SA expired (LATEST!)", "remove #5, tell"]);
});

Deno.test("an SA with a newer one beside it is not replaced, and expires in silence", () => {
  const { lifetimes, state, next, done, connection } = stage();
  lifetimes.plan(state);
  connection.newestIpsec = 7;
  next();
  next();
  equal(done, [
    "(not replacing stale IPsec SA: #7 will do)",
    "(IPsec SA expired (superseded by #7))",
    "remove #5, tell",
  ]);
});

Deno.test("--dontrekey: what was not used of late is not replaced", () => {
  const idle = stage({ dontRekey: true });
  idle.lifetimes.plan(idle.state);
  idle.notes.of(5).usedAt = 1000 * (28260 - 600);
  idle.next();
  idle.next();
  equal(idle.done, [
    "(not replacing stale IPsec SA: inactive for 600s)",
    "IPsec SA expired (--dontrekey)",
    "remove #5, tell",
  ]);

  const used = stage({ dontRekey: true });
  used.lifetimes.plan(used.state);
  used.notes.of(5).usedAt = 1000 * (28260 - 100);
  used.next();
  equal(used.done, ["(replacing stale IPsec SA)", "replace #5"]);
});

Deno.test("after a peer's Delete: replaced in ten seconds, gone in ten more", () => {
  const { lifetimes, state, next, done } = stage();
  lifetimes.plan(state);
  lifetimes.replaceSoon(state);
  equal(next(), "EVENT_SA_REPLACE after 10");
  equal(next(), "EVENT_SA_EXPIRE after 10");
  equal(done.at(-1), "remove #5, tell");
});

Deno.test("an SA that has carried enough is replaced; what is planned for it stays", () => {
  const { lifetimes, state, done, events, connection } = stage();
  lifetimes.plan(state);
  lifetimes.replaceWorn({ ...state, isEstablished: true });
  equal(done, ["replacing worn IPsec SA", "replace #5"]);
  equal(events.length, 1);
  connection.newestIpsec = 6;
  lifetimes.replaceWorn({ ...state, isEstablished: true });
  equal(done.length, 2, "once is enough");
});

Deno.test("a life that is shortened later counts from the establishment", () => {
  const { lifetimes, state, next, pass } = stage();
  lifetimes.plan(state);
  pass(1000);
  lifetimes.plan({ ...state, lifetimeSeconds: 3600 });
  equal(next(), "EVENT_SA_REPLACE after 2060");
});
