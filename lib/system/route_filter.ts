/**
 * Reverse path filtering (rp_filter) of physical interfaces: packets come in by one interface and are answered by
 * another, ipsecN, which the filter takes for forgery. The kernel uses the larger of an interface's own value and that
 * of `all`; where the latter is in the way, it is moved to all other interfaces, which so keep what they had.
 */
export type WantedFilter = "%unchanged" | "0" | "1" | "2";

export interface SysctlChange {
  /** Below /proc/sys. */
  readonly name: string;
  readonly value: string;
}

export interface FilterPlan {
  readonly changes: readonly SysctlChange[];
  readonly warnings: readonly string[];
}

const FOLDER = "net/ipv4/conf";
const VIRTUAL = /^ipsec\d$/;
const KNOWN = ["0", "1", "2"];

function fileOf(device: string): string {
  return `${FOLDER}/${device}/rp_filter`;
}

/**
 * @param physicals interfaces in use; ipsecN are set like them, without a word
 * @param current value of each entry of /proc/sys/net/ipv4/conf, `all` and `default` among them
 */
export function planFilters(
  physicals: readonly string[],
  wanted: WantedFilter,
  current: Readonly<Record<string, string>>,
): FilterPlan {
  const changes: SysctlChange[] = [];
  const warnings: string[] = [];
  const all = current.all ?? "0";
  for (const device of new Set(physicals)) {
    const own = current[device];
    if (own === undefined) continue; // gone meanwhile
    const effective = KNOWN.includes(own) && all > own ? all : own;
    if (!KNOWN.includes(own)) warnings.push(`ERROR: unknown /proc/sys/${fileOf(device)} value ${own}`);
    else if (wanted === "%unchanged") {
      if (effective !== "0") {
        warnings.push(
          `WARNING: ${device} has route filtering turned on; KLIPS may not work (/proc/sys/${
            fileOf(all > own ? "all" : device)
          } is ${effective})`,
        );
      }
    } else if (own !== wanted) {
      warnings.push(
        `WARNING: changing route filtering on ${device} (changing /proc/sys/${
          fileOf(device)
        } from ${own} to ${wanted})`,
      );
      changes.push({ name: fileOf(device), value: wanted });
    }
  }
  if (wanted === "%unchanged") return { changes, warnings };
  for (const device of Object.keys(current).filter((name) => VIRTUAL.test(name) && current[name] !== wanted)) {
    changes.push({ name: fileOf(device), value: wanted });
  }
  if (!KNOWN.includes(all) || all <= wanted || !physicals.length) return { changes, warnings };
  warnings.push(
    `WARNING: changing route filtering on ${physicals.join(", ")} (changing /proc/sys/${
      fileOf("all")
    } from ${all} to ` +
      `${wanted}; all other interfaces get ${all} of their own)`,
  );
  const others = Object.keys(current).filter((device) =>
    device !== "all" && !physicals.includes(device) && !VIRTUAL.test(device)
  );
  for (const device of others) if (current[device] < all) changes.push({ name: fileOf(device), value: all });
  changes.push({ name: fileOf("all"), value: wanted });
  return { changes, warnings };
}
