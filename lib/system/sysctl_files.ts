/** The kernel's settings of this network namespace, below /proc/sys. */
import type { SetupRecord } from "./setup_state.ts";

const ROOT = "/proc/sys";

/** @returns undefined where there is no such setting */
export function readSysctl(name: string): string | undefined {
  try {
    return Deno.readTextFileSync(`${ROOT}/${name}`).trim();
  } catch {
    return undefined;
  }
}

/** Sets it and writes down what was. @returns what went wrong */
export function setSysctl(name: string, value: string, record: SetupRecord): string | undefined {
  const was = readSysctl(name);
  if (was === value) return undefined;
  if (was === undefined) return `cannot set ${ROOT}/${name}: it does not exist`;
  record.willSet(name, was, value);
  return write(name, value);
}

/** Puts back what start has changed, newest first. @returns what could not be, or was changed by somebody else */
export function restoreSysctls(record: SetupRecord): string[] {
  const words: string[] = [];
  if (!record.state.sysctls.length) return words;
  for (const { name, was, set } of record.state.sysctls.toReversed()) {
    const now = readSysctl(name);
    if (now === undefined || now === was) continue; // the interface has gone, or the change was not made
    if (now !== set) words.push(`${ROOT}/${name} is ${now}, which IPsec has not set: it stays`);
    else {
      const complaint = write(name, was);
      if (complaint) words.push(complaint);
    }
  }
  record.update({ sysctls: [] });
  return words;
}

function write(name: string, value: string): string | undefined {
  try {
    Deno.writeTextFileSync(`${ROOT}/${name}`, value, { create: false });
    return undefined;
  } catch (error) {
    return `cannot set ${ROOT}/${name} to ${value}: ${(error as Error).message}`;
  }
}

/** rp_filter of each interface, and of `all` and `default`. */
export function readFilters(): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { name } of Deno.readDirSync(`${ROOT}/net/ipv4/conf`)) {
    const value = readSysctl(`net/ipv4/conf/${name}/rp_filter`);
    if (value !== undefined) found[name] = value;
  }
  return found;
}
