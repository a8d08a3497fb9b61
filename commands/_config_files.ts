/** The file system as the reader of ipsec.conf sees it. */
import type { PathKind } from "../lib/config/check_files.ts";
import type { FileSystem, FileText } from "../lib/config/file_system.ts";
import { errorReason } from "../lib/system/error_reason.ts";

export const configFiles: FileSystem = { read, list };

/** More than any configuration: what goes on and on, as /dev/zero does, ends here. */
const MOST_BYTES = 64 << 20;
const PIECE_BYTES = 64 << 10;

/** Pipes as well, so that `ipsec conf check /dev/stdin` reads what another program writes. */
function read(path: string): FileText | string {
  try {
    using file = Deno.openSync(path);
    const { isDirectory, dev, ino } = file.statSync();
    if (isDirectory) return "is a directory";
    const bytes = readAll(file);
    if (!bytes) return `more than ${MOST_BYTES >> 20} megabytes`;
    return { text: new TextDecoder().decode(bytes), identity: `${dev}:${ino}` };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "no such file";
    return errorReason(error);
  }
}

function readAll(file: Deno.FsFile): Uint8Array | undefined {
  let bytes = new Uint8Array(PIECE_BYTES);
  let length = 0;
  for (let count = file.readSync(bytes); count !== null; count = file.readSync(bytes.subarray(length))) {
    length += count;
    if (length > MOST_BYTES) return undefined;
    if (length < bytes.length) continue;
    const larger = new Uint8Array(bytes.length * 2);
    larger.set(bytes);
    bytes = larger;
  }
  return bytes.subarray(0, length);
}

function list(directory: string): string[] {
  try {
    return Array.from(Deno.readDirSync(directory), ({ name }) => name);
  } catch {
    return [];
  }
}

/** @returns undefined where nothing is, or it cannot be seen */
export function pathKind(path: string): PathKind | undefined {
  try {
    const { isFile, isDirectory } = Deno.statSync(path);
    return isFile ? "file" : isDirectory ? "directory" : "other";
  } catch {
    return undefined;
  }
}

/** The same without `include`; lines keep their numbers. */
export function withoutIncludes(files: FileSystem): FileSystem {
  return {
    ...files,
    read: (path) => {
      const found = files.read(path);
      return typeof found === "string" ? found : { ...found, text: found.text.replace(/^include[ \t].*$/gm, "") };
    },
  };
}
