import { equalBytes } from "./constant_time.ts";

const DENO_INSPECT = Symbol.for("Deno.customInspect");
const NODE_INSPECT = Symbol.for("nodejs.util.inspect.custom");

/** Key material. However it is printed, only its length shows. */
export class Secret {
  readonly #bytes: Uint8Array<ArrayBuffer>;

  /** Copies `bytes`; the caller may wipe its own. */
  constructor(bytes: Uint8Array) {
    this.#bytes = new Uint8Array(bytes);
  }

  get length(): number {
    return this.#bytes.length;
  }

  /** Lends the bytes themselves: they are zero after {@linkcode wipe}. */
  reveal(): Uint8Array<ArrayBuffer> {
    return this.#bytes;
  }

  /** Compares in constant time; lengths are not secret. */
  equals(other: Secret): boolean {
    return equalBytes(this.#bytes, other.#bytes);
  }

  wipe(): void {
    this.#bytes.fill(0);
  }

  toString(): string {
    return `<secret, ${this.#bytes.length} bytes>`;
  }

  toJSON(): string {
    return this.toString();
  }

  [DENO_INSPECT](): string {
    return this.toString();
  }

  [NODE_INSPECT](): string {
    return this.toString();
  }
}
