/** The file system as the reader of ipsec.conf sees it. */
import type { FileSystem, FileText } from "../lib/config/file_system.ts";
import { errorReason } from "../lib/system/error_reason.ts";

export const configFiles: FileSystem = { read, list };

function read(path: string): FileText | string {
  try {
    using file = Deno.openSync(path);
    // Asked of the open file, lest it be another one by then.
    const { isFile, isDirectory, dev, ino } = file.statSync();
    if (isDirectory) return "is a directory";
    if (!isFile) return "not a regular file";
    return { text: Deno.readTextFileSync(path), identity: `${dev}:${ino}` };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "no such file";
    return errorReason(error);
  }
}

function list(directory: string): string[] {
  try {
    return Array.from(Deno.readDirSync(directory), ({ name }) => name);
  } catch {
    return [];
  }
}
