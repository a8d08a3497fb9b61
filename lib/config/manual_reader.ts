/** Parameters of a conn with manual keying, read one by one, and what is wrong with them, in klips.md §9's words. */
import type { Position } from "./complaint.ts";

/** The default route is the one that start has found, as it has the device that IPsec uses. */
export const DEFAULT_ROUTE_UNKNOWN =
  "%defaultroute requested but not known: a start with interfaces=%defaultroute in config setup makes it known";

/** A value and where it stands; `at` is left out for one that stands nowhere, as a built-in one. */
export interface GivenValue {
  readonly value: string;
  readonly at?: Position;
}

/** Parameters in effect, `also=` and `%default` applied; those left empty are not given. */
export type ConnParameters = (name: string) => GivenValue | undefined;

export interface ManualComplaint {
  readonly text: string;
  readonly at?: Position;
}

/** Why a conn cannot be used, all reasons at once. */
export class ManualRefusal extends Error {
  constructor(readonly complaints: readonly ManualComplaint[]) {
    super(complaints.map(({ text }) => text).join("\n"));
    this.name = "ManualRefusal";
  }
}

/** Reads parameters and keeps what is wrong with them. */
export class ParameterReader {
  readonly complaints: ManualComplaint[] = [];
  /** What does no harm, but may not be meant. */
  readonly warnings: ManualComplaint[] = [];

  constructor(readonly parameters: ConnParameters) {}

  value(name: string): string | undefined {
    return this.parameters(name)?.value || undefined;
  }

  refuse(text: string, ...names: string[]): undefined {
    const at = names.map((name) => this.parameters(name)?.at).find(Boolean);
    this.complaints.push(at ? { text, at } : { text });
  }

  warn(text: string, name: string): void {
    const at = this.parameters(name)?.at;
    this.warnings.push(at ? { text, at } : { text });
  }

  /** A value that must be there. @param where parameter whose place is named if it is not */
  required(name: string, ...where: string[]): string | undefined {
    const value = this.value(name);
    if (value) return value;
    return this.parameters(name)
      ? this.refuse(`parameter "${name}" value must be non-empty`, name)
      : this.refuse(`connection has no "${name}" parameter specified`, ...where);
  }

  yes(name: string): boolean {
    const value = this.value(name) ?? "no";
    if (value !== "yes" && value !== "no") this.refuse(`parameter "${name}" must be "yes" or "no"`, name);
    return value === "yes";
  }

  /** What follows is read only where all before it was right: no complaint about what comes of another. */
  settle(): void {
    if (this.complaints.length) throw new ManualRefusal(this.complaints);
  }
}
