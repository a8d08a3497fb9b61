/** The file system as the reader of ipsec.secrets sees it. */
import { Buffer } from "node:buffer";
import type { SecretsFile, SecretsFileSystem } from "../config/secrets.ts";
import { errorReason } from "./error_reason.ts";

export const secretsFiles: SecretsFileSystem = { read, list };

function read(path: string): SecretsFile | string {
  try {
    using file = Deno.openSync(path);
    // Asked of the open file, lest it be another one by then.
    const { isFile, mode, dev, ino, size } = file.statSync();
    if (!isFile) return "not a regular file";
    const bytes = new Uint8Array(size);
    let length = 0;
    for (let got: number | null = 0; got !== null && length < size; length += got ?? 0) {
      got = file.readSync(bytes.subarray(length));
    }
    const text = Buffer.from(bytes.buffer, 0, length).toString("latin1");
    bytes.fill(0);
    return { text, identity: `${dev}:${ino}`, mode: mode ?? undefined };
  } catch (error) {
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
