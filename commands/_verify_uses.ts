/** What the connections of ipsec.conf make use of: `ipsec verify` need not ask for more. Pure but for the files read. */

import { besides, type FileSystem } from "../lib/config/file_system.ts";
import { IMPLICIT_CONNS, isOff, isOn } from "../lib/config/implicit_conns.ts";
import { loadConfig } from "../lib/config/load.ts";
import { readPolicyGroup } from "../lib/config/policy_group.ts";
import { type Conn, settingOf, SIDES } from "../lib/config/settings.ts";

export interface Uses {
  readonly rsaKeys: boolean;
  /** Networks behind a host, for which it forwards. */
  readonly networks: boolean;
  /** Peers, or keys, that are found in the DNS. */
  readonly dns: boolean;
}

/** Connections of these do not begin with pluto. */
const UNUSED = ["ignore", "manual"];

/** @returns undefined where no connection is used yet: anything may be wanted */
export function usesOf(file: string, files: FileSystem): Uses | undefined {
  const { setup, conns } = loadConfig(file, files);
  const oe = settingOf(setup, "setup", "oe")?.value;
  const value = (conn: Conn, name: string) => settingOf(conn.settings, "conn", name)?.value ?? "";
  const ends = (conn: Conn, name: string) => SIDES.map((side) => value(conn, side + name));
  const written = [...conns.values()].filter((conn) => conn.at && !UNUSED.includes(value(conn, "auto")));
  const groups = Object.keys(IMPLICIT_CONNS).filter((name) =>
    IMPLICIT_CONNS[name].right === "%opportunisticgroup" &&
    readPolicyGroup(besides(file, `ipsec.d/policies/${name}`), files).entries.length > 0
  );
  const opportunism = isOn(oe) || !isOff(oe) && groups.length > 0;
  if (!written.length && !opportunism) return undefined;
  const signing = written.filter((conn) => (value(conn, "authby") || "rsasig").includes("rsasig"));
  return {
    rsaKeys: opportunism || signing.length > 0,
    networks: written.some((conn) => ends(conn, "subnet").some(Boolean)),
    dns: opportunism || written.some((conn) => ends(conn, "").some((end) => end.startsWith("%opportunistic"))) ||
      signing.some((conn) => ends(conn, "rsasigkey").some((key) => key.startsWith("%dns"))),
  };
}
