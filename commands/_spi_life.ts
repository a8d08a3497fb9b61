/** `ipsec spi --life`: `soft-bytes=1000,hard-addtime=3600` (klips.md §3). */
import { numberPrefix } from "../lib/text/c_number.ts";

export const SEVERITIES = ["soft", "hard"] as const;
export const LIFE_TYPES = ["allocations", "bytes", "addtime", "usetime", "packets"] as const;
export type Severity = typeof SEVERITIES[number];
export type LifeType = typeof LIFE_TYPES[number];
export type Limits = Partial<Record<LifeType, number>>;

/** Field widths of the lifetime extension (RFC 2367 §2.3.2). */
const COUNTED_IN_32_BITS: ReadonlySet<LifeType> = new Set(["allocations", "packets"]);

export class Lifetimes {
  readonly limits: Record<Severity, Limits> = { soft: {}, hard: {} };
  readonly #items = new Map<string, string>();

  /** @returns undefined, or the complaint and whether the usage text follows it */
  take(list: string): { complaint: string; usage: boolean } | undefined {
    const malformed = (complaint: string) => ({ complaint, usage: true });
    let rest = list;
    do {
      const item = rest;
      const severity = SEVERITIES.find((name) => rest.startsWith(name));
      if (!severity) return malformed(`missing lifetime severity in ${item}, optargt=${item}`);
      rest = rest.slice(severity.length);
      if (!rest.startsWith("-")) {
        return malformed("expected '-' after severity of lifetime parameter to --life option.");
      }
      rest = rest.slice(1);
      const type = LIFE_TYPES.find((name) => rest.startsWith(name));
      if (!type) return malformed(`missing lifetime type after '-' in ${item}`);
      rest = rest.slice(type.length);
      const key = `${severity}-${type}`;
      const old = this.#items.get(key);
      if (old !== undefined) {
        return { complaint: `Error, lifetime parameter redefined:${item}, already defined as:${old}`, usage: false };
      }
      if (!rest.startsWith("=")) return malformed("expected '=' after type of lifetime parameter to --life option.");
      rest = rest.slice(1);
      if (rest === "") return malformed(`expected value after '=' in --life option. optargt=${item}`);
      const { value, length } = numberPrefix(rest);
      const end = rest.slice(length);
      if (length === 0 || value < 0 || !/^($|[, ])/.test(end)) {
        const offset = list.length - end.length;
        return {
          complaint:
            `Invalid character='${rest[length === 0 || value < 0 ? 0 : length]}' at offset ${offset} in lifetime ` +
            `option parameter: '${list}', parameter string is ${list.length} characters long, ` +
            `${offset} valid value characters found.`,
          usage: false,
        };
      }
      if (value > (COUNTED_IN_32_BITS.has(type) ? 0xffffffff : Number.MAX_SAFE_INTEGER)) {
        return { complaint: `lifetime value too large in ${item}`, usage: false };
      }
      this.limits[severity][type] = value;
      this.#items.set(key, item);
      if (end === "") return undefined;
      rest = end.slice(1);
    } while (true);
  }
}
