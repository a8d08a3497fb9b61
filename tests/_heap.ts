/**
 * How much a function leaves on the heap for each call. A run in which the collector came by says nothing and does not
 * count: the heap is looked at in between as well, since what is collected early may be outgrown by the end. Of the others the best one does, because a busy machine optimises late, and code that is not optimised yet puts
 * numbers on the heap that it keeps in registers afterwards. What allocates an object in each call does so in every run.
 */
const RUNS = 60;
const CALLS = 2_000;
/** Calls between two looks at the heap; a look leaves some bytes itself. */
const STRETCH = 500;
const WARM_UP_CALLS = 10_000;

/** @returns bytes per call of the best run; a run that is good enough ends the search */
export function heapBytesPerCall(run: () => void, goodEnough: number): number {
  for (let call = 0; call < WARM_UP_CALLS; call++) run();
  let best = Infinity;
  for (let i = 0; i < RUNS && best > goodEnough; i++) {
    best = Math.min(best, growthOf(run) / CALLS);
  }
  return best;
}

/** @returns bytes; Infinity where the collector came by */
function growthOf(run: () => void): number {
  const before = Deno.memoryUsage().heapUsed;
  let last = before;
  for (let call = 1; call <= CALLS; call++) {
    run();
    if (call % STRETCH !== 0) continue;
    const now = Deno.memoryUsage().heapUsed;
    if (now < last) return Infinity;
    last = now;
  }
  return last - before;
}
