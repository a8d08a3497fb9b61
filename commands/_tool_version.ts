import { versionCode } from "../lib/system/version.ts";

/** What `--version` of a KLIPS tool prints. */
export function toolVersion(name: string): string {
  return `ipsec ${name} ${versionCode()}\nSee \`ipsec --copyright' for copyright information.\n`;
}
