/**
 * The self-extracting executable: shell header (`_self_extracting.sh`), then a gzip of a tar of the Deno binary and the
 * bundled program. gzip and tar, because every base system has them; zstd would be smaller and may be missing.
 */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { createWriteStream } from "node:fs";
import { RUN_FLAGS } from "../lib/system/self.ts";
import { tar, type TarEntry } from "./_tar.ts";

const KEY_DIGITS = 24;

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The header is filled in until it says its own length: digits of that number are part of it. */
function fillHeader(template: string, values: Record<string, string>): string {
  const fill = (bytes: number) =>
    Object.entries({ ...values, SKIP: String(bytes + 1) })
      .reduce((text, [name, value]) => text.replaceAll(`@${name}@`, value), template);
  let header = fill(0);
  for (let length = -1; length !== header.length;) {
    length = header.length;
    header = fill(length);
  }
  return header;
}

/**
 * Writes the executable to `path`.
 *
 * @param program the bundle: `ipsec.js` and the files that it imports, all in one folder
 */
export async function writeSelfExtracting(path: string, deno: Uint8Array, program: readonly TarEntry[]): Promise<void> {
  const entries: TarEntry[] = [{ name: "deno", bytes: deno, mode: 0o500 }, ...program];
  const sums = entries.map(({ name, bytes }) => `${sha256(bytes)}  ${name}`).join("\n");
  const kilobytes = Math.ceil(entries.reduce((sum, { bytes }) => sum + bytes.length, 0) / 1024);
  const template = await Deno.readTextFile(new URL("_self_extracting.sh", import.meta.url));
  const header = fillHeader(template, {
    KEY: sha256(new TextEncoder().encode(template + RUN_FLAGS.join() + sums)).slice(0, KEY_DIGITS),
    KILOBYTES: String(kilobytes),
    FLAGS: RUN_FLAGS.join(" "),
    SUMS: sums,
  });
  await Deno.writeTextFile(path, header, { mode: 0o755 });
  await pipeline(Readable.from(tar(entries)), createGzip({ level: 6 }), createWriteStream(path, { flags: "a" }));
  await Deno.chmod(path, 0o755);
}
