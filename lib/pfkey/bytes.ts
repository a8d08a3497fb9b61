/** Reading and writing of the fields of PF_KEY: host order, which is little-endian on every Deno target. */
import { FieldWriter } from "../packet/field_writer.ts";

/** What a message is refused for, with the offset where it was seen. Never leaves this folder. */
export class Malformed extends Error {
  constructor(readonly reason: string, readonly offset: number) {
    super(`${reason} at byte ${offset}`);
  }
}

export class Reader {
  #at: number;
  readonly #view: DataView;

  /** Reads `bytes` from `from` up to `to`. */
  constructor(readonly bytes: Uint8Array, from = 0, readonly to = bytes.length) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#at = from;
  }

  get left(): number {
    return this.to - this.#at;
  }

  #take(size: number): number {
    const at = this.#at;
    if (at + size > this.to) throw new Malformed(`needs ${size} bytes, has ${this.to - at}`, at);
    this.#at += size;
    return at;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }
  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }
  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }
  /** Network order. */
  n16(): number {
    return this.#view.getUint16(this.#take(2));
  }
  n32(): number {
    return this.#view.getUint32(this.#take(4));
  }
  /** 64 bits, held to 2^53 - 1. */
  u64(): number {
    const at = this.#take(8);
    const value = this.#view.getUint32(at + 4, true) * 4294967296 + this.#view.getUint32(at, true);
    return Math.min(value, Number.MAX_SAFE_INTEGER);
  }
  skip(size: number): void {
    this.#take(size);
  }
  copy(size: number): Uint8Array {
    const at = this.#take(size);
    return this.bytes.slice(at, at + size);
  }
}

export class Writer extends FieldWriter {
  constructor() {
    super("little-endian");
  }

  u64(value: number): this {
    return this.u32(value % 4294967296).u32(Math.floor(value / 4294967296));
  }
}

export function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0];
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
