/** A log of its own for each peer (pluto.md §3.3): BASE/192/0/2/1/192.0.2.1.log. */
import { parseNumericAddress } from "../text/address.ts";

const MOST_OPEN = 16;
const DIRECTORY_MODE = 0o750, FILE_MODE = 0o640;

export interface PeerLogsDeps {
  now(): Date;
  warn(text: string): void;
}

export class PeerLogs {
  readonly #base: string;
  readonly #deps: PeerLogsDeps;
  /** The least recently used first. */
  readonly #open = new Map<string, Deno.FsFile>();

  constructor(base: string, deps: PeerLogsDeps) {
    this.#base = base;
    this.#deps = deps;
  }

  /** @param peer address; anything else is passed over */
  write(peer: string, text: string): void {
    if (!parseNumericAddress(peer, 0).ok) return;
    try {
      const file = this.#file(peer);
      const bytes = new TextEncoder().encode(`${timestamp(this.#deps.now())} ${text}\n`);
      for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
    } catch (error) {
      this.#deps.warn(`cannot write the log of ${peer}: ${(error as Error).message}`);
    }
  }

  /** So that files which were moved away are made anew. */
  close(): void {
    for (const file of this.#open.values()) file.close();
    this.#open.clear();
  }

  #file(peer: string): Deno.FsFile {
    const known = this.#open.get(peer);
    if (known) {
      this.#open.delete(peer);
      this.#open.set(peer, known);
      return known;
    }
    for (const [oldest, file] of this.#open) {
      if (this.#open.size < MOST_OPEN) break;
      file.close();
      this.#open.delete(oldest);
    }
    const directory = `${this.#base}/${peer.split(/[.:]/).filter(Boolean).join("/")}`;
    Deno.mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
    const file = Deno.openSync(`${directory}/${peer}.log`, { append: true, create: true, mode: FILE_MODE });
    this.#open.set(peer, file);
    return file;
  }
}

function timestamp(date: Date): string {
  const two = (number: number) => String(number).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":")}`;
}
