/** The commands that make the public keys of a conn known to pluto (config.md §12.2, whack.md §12). */
import type { AutoEnd } from "./auto_end.ts";
import type { AutoCommand } from "./auto_script.ts";

/** Those for which there is nothing to do now. */
const NO_COMMAND = ["", "%none", "%cert", "0x00", "%dnsondemand"];
/** Those that pluto looks up at once. */
const LOOKED_UP = ["%dns", "%dnsonload"];

/** @param other a peer that is not known yet cannot need a key of ours now */
export function keyCommands(conn: string, end: AutoEnd, other: AutoEnd): AutoCommand[] {
  return (end.keys ?? []).flatMap((key, i) => {
    if (NO_COMMAND.includes(key)) return [];
    const isLookedUp = LOOKED_UP.includes(key);
    if (isLookedUp && (other.host === "%any" || other.keyId === "%opportunistic")) return [];
    const parameter = `${end.side}rsasigkey${i > 0 ? 2 : ""}`;
    return [[[
      ["ipsec", "whack", "--label", { value: `"${conn}" ${parameter}` }],
      i > 0 ? ["--addkey"] : [],
      ["--keyid", { value: end.keyId }],
      ...(isLookedUp ? [] : [["--pubkeyrsa", { value: key }]]),
    ]]];
  });
}
