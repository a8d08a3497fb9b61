/**
 * How much a function leaves on the heap for each call. A run in which the collector came by says nothing and does not
 * count; of the others the best one does, because a busy machine optimises late, and code that is not optimised yet puts
 * numbers on the heap that it keeps in registers afterwards. What allocates an object in each call does so in every run.
 */
const RUNS = 60;
const CALLS = 2_000;
const WARM_UP_CALLS = 10_000;

/** @returns bytes per call of the best run; a run that is good enough ends the search */
export function heapBytesPerCall(run: () => void, goodEnough: number): number {
  for (let call = 0; call < WARM_UP_CALLS; call++) run();
  let best = Infinity;
  for (let i = 0; i < RUNS && best > goodEnough; i++) {
    const before = Deno.memoryUsage().heapUsed;
    for (let call = 0; call < CALLS; call++) run();
    const growth = (Deno.memoryUsage().heapUsed - before) / CALLS;
    if (growth >= 0) best = Math.min(best, growth);
  }
  return best;
}
