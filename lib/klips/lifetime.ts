/**
 * Lifetimes of SAs (RFC 2367 §3.1.5, klips.md §17), as they were meant: packets limits count, use time begins with the first
 * use in either direction. A limit is exceeded when the count is over it, before the packet in hand is counted.
 */
import type { Lifetime, Sa } from "./sa.ts";

export const FINE = 0, SOFT = 1, HARD = 2;

/** @returns {@linkcode HARD}, or {@linkcode SOFT} where that is new, or {@linkcode FINE} */
export function checkLifetimes(sa: Sa, now: number): number {
  let worst = FINE;
  worst = worse(worst, sa.bytes, sa.bytes.current);
  worst = worse(worst, sa.packets, sa.packets.current);
  worst = worse(worst, sa.allocations, sa.allocations.current);
  worst = worse(worst, sa.addtime, now - sa.addtime.current);
  if (sa.usetime.current > 0) worst = worse(worst, sa.usetime, now - sa.usetime.current);
  return worst === SOFT && sa.state === "dying" ? FINE : worst;
}

function worse(worst: number, limit: Lifetime, count: number): number {
  if (limit.hard > 0 && count > limit.hard) return HARD;
  if (worst === FINE && limit.soft > 0 && count > limit.soft) return SOFT;
  return worst;
}

/** As {@linkcode checkLifetimes}, for an SA that no packet uses: only times count, and a limit is exceeded when reached. */
export function expiredByTime(sa: Sa, now: number): number {
  let soft = false;
  for (const limit of [sa.addtime, sa.usetime]) {
    if (limit.current === 0) continue;
    const age = now - limit.current;
    if (limit.hard > 0 && age >= limit.hard) return HARD;
    if (limit.soft > 0 && age >= limit.soft) soft = true;
  }
  return soft && sa.state !== "dying" ? SOFT : FINE;
}

/** @returns the earliest instant at which a time-based limit can be exceeded, undefined where there is none */
export function nextExpiry(sa: Sa, now: number): number | undefined {
  let next: number | undefined;
  for (const limit of [sa.addtime, sa.usetime]) {
    const span = sa.state === "dying" || limit.soft === 0 ? limit.hard : limit.soft;
    // What has not been used yet cannot expire sooner than if it were used now; by then we know more.
    if (span > 0) next = Math.min(next ?? Infinity, (limit.current || now) + span);
  }
  return next;
}

/** A soft limit above the hard one is lowered to it. */
export function orderLimits(limit: Lifetime): void {
  if (limit.hard > 0 && limit.soft > limit.hard) limit.soft = limit.hard;
}
