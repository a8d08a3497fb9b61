import { deepEqual, equal } from "node:assert/strict";
import { Alarm } from "../../lib/system/alarm.ts";

const NOW = 1000;

/** An alarm over timers that the test fires. */
function alarm(ring: (alarm: Alarm) => void = () => {}) {
  const timers = new Map<number, { go: () => void; afterMs: number }>();
  let last = 0, rung = 0;
  const made: Alarm = new Alarm({
    now: () => NOW,
    ring: () => {
      rung++;
      ring(made);
    },
    startTimer: (go, afterMs) => {
      const timer = ++last;
      timers.set(timer, { go, afterMs });
      return () => void timers.delete(timer);
    },
  });
  return {
    alarm: made,
    /** Milliseconds of the timers that are set. */
    waits: () => [...timers.values()].map(({ afterMs }) => afterMs),
    fire() {
      const [[timer, { go }]] = timers;
      timers.delete(timer);
      go();
      return rung;
    },
  };
}

const SET: [dues: (number | undefined)[], waits: number[], what: string][] = [
  [[NOW + 5], [5000], "waits until it is due"],
  [[undefined], [], "sets no timer for what is never due"],
  [[NOW + 5, NOW + 3], [3000], "rings for the sooner of two"],
  [[NOW + 3, NOW + 5], [3000], "is not put off by what is due later"],
  [[NOW - 7], [10], "rings soon for what is past"],
  [[NOW + 30 * 86_400], [2 ** 31 - 1], "waits no longer than a timer can, which would go off at once"],
];
for (const [dues, waits, what] of SET) {
  Deno.test(`Alarm.setBy() ${what}`, () => {
    const { alarm: made, waits: set } = alarm();
    for (const due of dues) made.setBy(due);
    deepEqual(set(), waits);
  });
}

Deno.test("Alarm rings once, and again where ringing set it again", () => {
  const again = alarm((made) => made.setBy(NOW + 9));
  again.alarm.setBy(NOW + 2);
  equal(again.fire(), 1);
  deepEqual(again.waits(), [9000]);
  equal(again.fire(), 2);
});

Deno.test("Alarm.cancel() takes the timer away, and it can be set again", () => {
  const { alarm: made, waits } = alarm();
  made.setBy(NOW + 2);
  made.cancel();
  deepEqual(waits(), []);
  made.setBy(NOW + 4);
  deepEqual(waits(), [4000]);
});
