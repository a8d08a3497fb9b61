/** Finds what somebody who mistyped a name most likely meant. */

/** Longer words are no typing errors; the bound also bounds the work. */
const LONGEST = 32;

/** Edits between two words: insert, delete, replace, or swap two neighbours. */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, replaced);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        row[j] = Math.min(row[j], before[j - 2] + 1);
      }
    }
    before = last;
    last = row;
  }
  return last[b.length];
}

/**
 * @returns the nearest name, of several that are equally near one that only goes on longer; undefined where none is within
 * a third of its length (at least one edit)
 */
export function suggest(word: string, names: Iterable<string>): string | undefined {
  if (word.length > LONGEST) return undefined;
  let best: string | undefined;
  let least = Infinity;
  for (const name of names) {
    const [mistyped, right] = [word.toLowerCase(), name.toLowerCase()];
    const distance = editDistance(mistyped, right);
    if (distance > Math.max(1, Math.floor(name.length / 3))) continue;
    const rank = right.startsWith(mistyped) ? distance - 0.5 : distance;
    if (rank < least) [best, least] = [name, rank];
  }
  return best;
}
