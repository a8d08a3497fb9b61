/**
 * Lifetimes of SAs (RFC 2367 §3.1.5, klips.md §17), as they were meant: packets limits count, use time begins with the first
 * use in either direction. A limit is exceeded when the count is over it, before the packet in hand is counted.
 */
import type { LifetimeKind, Limit, Sa } from "./sa.ts";

export const FINE = 0, SOFT = 1, HARD = 2;

/** An SA is allocated once, and that does not change. */
export const ALLOCATIONS = 1;

/** Both 0 where that kind is not limited. */
export function limitOf(sa: Sa, kind: LifetimeKind): { soft: number; hard: number } {
  const { soft, hard } = sa.limits?.find((limit) => limit.kind === kind) ?? { soft: 0, hard: 0 };
  return { soft, hard };
}

/** What is held against the limits of a kind; seconds for times. */
export function countOf(sa: Sa, kind: LifetimeKind, now: number): number {
  switch (kind) {
    case "allocations":
      return ALLOCATIONS;
    case "bytes":
      return sa.bytesUsed;
    case "packets":
      return sa.packetsUsed;
    case "addtime":
      return now - sa.addedAt;
    case "usetime":
      return sa.firstUsedAt > 0 ? now - sa.firstUsedAt : 0;
  }
}

/** @returns {@linkcode HARD}, or {@linkcode SOFT} where that is new, or {@linkcode FINE} */
export function checkLifetimes(sa: Sa, now: number): number {
  const { limits } = sa;
  if (limits === undefined) return FINE;
  let worst = FINE;
  for (let i = 0; i < limits.length; i++) {
    const { kind, soft, hard } = limits[i];
    const count = countOf(sa, kind, now);
    if (hard > 0 && count > hard) return HARD;
    if (soft > 0 && count > soft) worst = SOFT;
  }
  return worst === SOFT && sa.state === "dying" ? FINE : worst;
}

/** As {@linkcode checkLifetimes}, for an SA that no packet uses: only times count, and a limit is exceeded when reached. */
export function expiredByTime(sa: Sa, now: number): number {
  let soft = false;
  for (const [since, limit] of timeLimits(sa)) {
    if (since === 0) continue;
    const age = now - since;
    if (limit.hard > 0 && age >= limit.hard) return HARD;
    if (limit.soft > 0 && age >= limit.soft) soft = true;
  }
  return soft && sa.state !== "dying" ? SOFT : FINE;
}

/** @returns the earliest instant at which a time-based limit can be exceeded, undefined where there is none */
export function nextExpiry(sa: Sa, now: number): number | undefined {
  let next: number | undefined;
  for (const [since, { soft, hard }] of timeLimits(sa)) {
    const span = sa.state === "dying" || soft === 0 ? hard : soft;
    // What has not been used yet cannot expire sooner than if it were used now; by then we know more.
    if (span > 0) next = Math.min(next ?? Infinity, (since || now) + span);
  }
  return next;
}

/** Time-based limits, each with the instant that it counts from. */
function* timeLimits(sa: Sa): Generator<[since: number, limit: Limit]> {
  for (const limit of sa.limits ?? []) {
    if (limit.kind === "addtime") yield [sa.addedAt, limit];
    if (limit.kind === "usetime") yield [sa.firstUsedAt, limit];
  }
}

/** A soft limit above the hard one is lowered to it. */
export function orderLimits(limit: Limit): void {
  if (limit.hard > 0 && limit.soft > limit.hard) limit.soft = limit.hard;
}
