/** A file system in memory. */
import type { FileSystem } from "../../lib/config/file_system.ts";
import { type Configuration, loadConfig } from "../../lib/config/load.ts";
import { formatComplaint } from "../../lib/config/complaint.ts";

/** Names with their texts; in paths "./" and "//" are as good as nothing. */
export function fakeFiles(texts: Readonly<Record<string, string>>): FileSystem {
  const clean = (path: string) => path.replace(/\/(\.\/)+/g, "/").replace(/^(\.\/)+/, "").replace(/\/+/g, "/");
  return {
    read(path) {
      const identity = clean(path);
      return Object.hasOwn(texts, identity) ? { text: texts[identity], identity } : "no such file";
    },
    list(directory) {
      const prefix = directory === "." ? "" : clean(`${directory}/`);
      const inside = Object.keys(texts).filter((path) => path.startsWith(prefix));
      return [...new Set(inside.map((path) => path.slice(prefix.length).split("/")[0]))];
    },
  };
}

/** `text` as file `f`. */
export function load(text: string, others: Readonly<Record<string, string>> = {}): Configuration {
  return loadConfig("f", fakeFiles({ f: text, ...others }));
}

export function complaintsOf(text: string, others: Readonly<Record<string, string>> = {}): string[] {
  return load(text, others).complaints.map(formatComplaint);
}

/** What was said of a connection, by name. */
export function said(configuration: Configuration, conn: string): Record<string, string> {
  return Object.fromEntries([...configuration.conns.get(conn)!.settings].map(([name, { value }]) => [name, value]));
}
