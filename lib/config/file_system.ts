/** What the readers of this folder need of the world. */

/** A file's text, and one name for the file however it was reached: a loop of includes shows by it. */
export interface FileText {
  readonly text: string;
  readonly identity: string;
}

export interface FileSystem {
  /** @returns the text; a string says in a few words why there is none ("no such file") */
  read(path: string): FileText | string;
  /** Names in a directory, in any order; none where it cannot be read. */
  list(directory: string): readonly string[];
}

/** A file name beside another file; absolute ones are left as they are. */
export function besides(file: string, name: string): string {
  const slash = file.lastIndexOf("/");
  return name.startsWith("/") || slash < 0 ? name : file.slice(0, slash + 1) + name;
}
