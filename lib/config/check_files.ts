/**
 * Files and directories that ipsec.conf names: whether they are there. Only warned of, since a configuration may be
 * written, or checked, before what it names is put in its place, and a connection names the files of both ends.
 */
import { type Complaint, Complaints } from "./complaint.ts";
import { besides } from "./file_system.ts";
import type { Configuration } from "./load.ts";
import type { Setting } from "./settings.ts";

/** What lies at a path; undefined for nothing. */
export type PathKind = "file" | "directory" | "other";
type KindOf = (path: string) => PathKind | undefined;

/** A path that a value names, and what should be there. */
interface Named {
  readonly path: string;
  readonly wanted: "file" | "directory";
}

/** @param file that of ipsec.conf; folders such as ipsec.d are beside it */
type Naming = (value: string, file: string) => Named | undefined;

const directory: Naming = (value) => ({ path: value, wanted: "directory" });
const folderOfFile: Naming = (value) => {
  const slash = value.lastIndexOf("/");
  return slash > 0 ? { path: value.slice(0, slash), wanted: "directory" } : undefined;
};
/** Of the commands of a shell only what begins with the path of a program can be looked at. */
const program: Naming = (value) => {
  const [, path] = /^[ \t]*(\/[^\s$`\\;&|<>()'"*?]*)(?=[ \t;]|$)/.exec(value) ?? [];
  return path ? { path, wanted: "file" } : undefined;
};
const certificate: Naming = (value, file) =>
  value.startsWith("%") ? undefined : { path: besides(besides(file, "ipsec.d/certs/"), value), wanted: "file" };

const SETUP: Readonly<Record<string, Naming>> = {
  dumpdir: directory,
  plutostderrlog: folderOfFile,
  prepluto: program,
  postpluto: program,
};
const CONN: Readonly<Record<string, Naming>> = {
  leftcert: certificate,
  rightcert: certificate,
  leftupdown: program,
  rightupdown: program,
};

/** @param file that of ipsec.conf */
export function checkFiles({ setup, conns, files }: Configuration, file: string, kindOf: KindOf): Complaint[] {
  const complaints = new Complaints();
  const known = new Map<string, PathKind | undefined>();
  const look: KindOf = (path) => {
    if (!known.has(path)) known.set(path, kindOf(path));
    return known.get(path);
  };
  const one = (section: string, name: string, setting: Setting | undefined, naming: Naming) => {
    if (!setting?.value || !("at" in setting.origin)) return;
    const named = naming(setting.value, file);
    if (!named) return;
    const { path, wanted } = named;
    const found = look(path);
    if (found === wanted || (found === "other" && wanted === "file")) return;
    const what = found ? `${path} is no ${wanted}` : `there is no ${wanted} ${path}`;
    const where = section === "setup" ? "config setup" : `conn ${section}`;
    complaints.warn(setting.origin.at, `${where}: ${name}: ${what}`, section);
  };
  for (const [name, naming] of Object.entries(SETUP)) one("setup", name, setup.get(name), naming);
  for (const conn of conns.values()) {
    for (const [name, naming] of Object.entries(CONN)) one(conn.name, name, conn.settings.get(name), naming);
  }
  return complaints.sorted(files);
}
