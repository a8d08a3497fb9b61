/** What is wrong with a configuration, and where. */

export interface Position {
  readonly file: string;
  /** Counted from 1; 0 for a file as a whole. */
  readonly line: number;
}

export interface Complaint {
  readonly at: Position;
  /** An error makes what it concerns unusable; a warning is about what may not be meant. */
  readonly severity: "error" | "warning";
  readonly message: string;
  /** The connection or `setup` that it concerns; undefined for the file as a whole. */
  readonly section?: string;
}

export function formatPosition({ file, line }: Position): string {
  return line > 0 ? `${file}:${line}` : file;
}

/**
 * `/etc/ipsec.conf:14: conn office: rightsubnet=10.2.0.0/33: subnet mask bit count too large`, without what a terminal would
 * obey.
 */
export function formatComplaint({ at, severity, message }: Complaint): string {
  return `${formatPosition(at)}: ${severity === "warning" ? "warning: " : ""}${message}`.replace(/\p{Cc}/gu, "?");
}

/** Collects complaints; what is said of one line twice, because two connections take it over, counts once. */
export class Complaints {
  readonly #all = new Map<string, Complaint>();
  readonly #wrong = new Set<string>();

  error(at: Position, message: string, section?: string): void {
    if (section !== undefined) this.#wrong.add(section);
    this.#add({ at, severity: "error", message, section });
  }

  /** Whether there is an error about one of these sections. */
  anyWrong(sections: ReadonlySet<string>): boolean {
    return !this.#wrong.isDisjointFrom(sections);
  }

  warn(at: Position, message: string, section?: string): void {
    this.#add({ at, severity: "warning", message, section });
  }

  #add(complaint: Complaint): void {
    const key = formatComplaint(complaint);
    if (!this.#all.has(key)) this.#all.set(key, complaint);
  }

  /** In the order of the lines; files in the order given, which is that of reading. */
  sorted(files: readonly string[]): Complaint[] {
    return sortComplaints([...this.#all.values()], files);
  }
}

export function sortComplaints(complaints: readonly Complaint[], files: readonly string[]): Complaint[] {
  const rank = new Map(files.map((file, i) => [file, i]));
  const of = (file: string) => rank.get(file) ?? files.length;
  return complaints.toSorted((a, b) => of(a.at.file) - of(b.at.file) || a.at.line - b.at.line);
}
