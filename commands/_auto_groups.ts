/** Policy groups that ipsec.conf has gained since start: `--rereadgroups` is what makes them known. */
import { loadConfig } from "../lib/config/load.ts";
import { hasGroup } from "../lib/config/policy_group.ts";
import { isStarting } from "../lib/config/settings.ts";
import { type ConnSource, sourceOf } from "./_auto_conn.ts";
import type { Io } from "./_command.ts";

export interface WrittenGroup {
  readonly name: string;
  readonly isRouted: boolean;
}

/** Those that are written there and that start would make known. Implicit ones are there since start, or not wanted. */
export function writtenGroups(source: ConnSource, io: Io): WrittenGroup[] {
  const { file, files } = sourceOf(source, io);
  return [...loadConfig(file, files).conns.values()].flatMap((conn) => {
    const auto = conn.settings.get("auto")?.value ?? "ignore";
    const isWanted = conn.at !== undefined && hasGroup(conn) && isStarting(auto);
    return isWanted ? { name: conn.name, isRouted: auto !== "add" } : [];
  });
}

/** @param status lines of `auto --status` */
export function knownConns(status: readonly string[]): Set<string> {
  return new Set(status.flatMap((line) => /^000 "([^"]+)"/.exec(line)?.[1] ?? []));
}
