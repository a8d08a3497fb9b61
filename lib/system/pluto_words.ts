/** The options of pluto that `config setup` comes to (commands.md §5). */
import { settingOf, type Settings } from "../config/settings.ts";
import { parseTime } from "../config/value_forms.ts";
import { splitOptionFile } from "../text/option_file.ts";

/** @param setup as the reader has checked it: each value has its form */
export function plutoWords(setup: Settings): string[] {
  const get = (name: string): string | undefined => settingOf(setup, "setup", name)?.value || undefined;
  const said = (name: string): string | undefined => setup.get(name)?.value || undefined;
  const yes = (name: string, ...words: string[]): string[] => get(name) === "yes" ? words : [];
  const value = (name: string, option: string): string[] => said(name) ? [option, said(name)!] : [];
  const debug = get("plutodebug")?.split(/[ \t]+/).filter((word) => word && word !== "none") ?? [];
  const crlSeconds = parseTime(get("crlcheckinterval") ?? "0") ?? 0;
  return [
    ...optionWords(get("plutoopts") ?? ""),
    ...debug.map((word) => `--debug-${word}`),
    ...yes("uniqueids", "--uniqueids"),
    ...yes("nocrsend", "--nocrsend"),
    ...yes("strictcrlpolicy", "--strictcrlpolicy"),
    ...(crlSeconds > 0 ? ["--crlcheckinterval", String(crlSeconds)] : []),
    ...value("listen", "--listen"),
    ...value("virtual_private", "--virtual_private"),
    ...value("keep_alive", "--keep_alive"),
    ...value("resolvers", "--resolvers"),
    ...value("dnssec", "--dnssec"),
    ...value("oewait", "--oewait"),
    ...(get("plutostderrlog") ? ["--stderrlog"] : []),
  ];
}

/** Quotes group words, as in a file of options; nothing is expanded. */
function optionWords(text: string): string[] {
  const words = splitOptionFile(text);
  return words.ok ? words.value : text.split(/[ \t]+/).filter(Boolean);
}
