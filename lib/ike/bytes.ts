/** Reading and writing of the fields of ISAKMP: network order (RFC 2408 §3), in structures that errors can name. */
import { FieldWriter } from "../packet/field_writer.ts";

/**
 * What a message is refused for, with the offset where it was seen. Never leaves this folder: every decoder that others
 * call turns it into a value.
 */
export class Malformed extends Error {
  /** @param notify notification that applies (RFC 2408 §3.14.1), where it is not PAYLOAD-MALFORMED */
  constructor(readonly reason: string, readonly offset: number, readonly notify?: number) {
    super(`${reason} at byte ${offset}`);
  }
}

/** Reads one structure, which begins at `from` and must end at `to`. `what` is its name in errors (pluto.md §8.2). */
export class Reader {
  #at: number;
  readonly #view: DataView;

  constructor(readonly bytes: Uint8Array, readonly what: string, readonly from = 0, readonly to = bytes.length) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#at = from;
  }

  get at(): number {
    return this.#at;
  }
  get left(): number {
    return this.to - this.#at;
  }

  #take(size: number): number {
    const at = this.#at;
    if (at + size > this.to) throw new Malformed(`not enough room in input packet for ${this.what}`, at);
    this.#at += size;
    return at;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }
  u16(): number {
    return this.#view.getUint16(this.#take(2));
  }
  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }
  /** Reserved bytes. */
  zeros(count: number): void {
    for (let i = 0; i < count; i++) {
      const at = this.#take(1);
      if (this.bytes[at] === 0) continue;
      throw new Malformed(`byte ${at - this.from + 1} of ${this.what} must be zero, but is not`, at);
    }
  }
  /** @param name of the field, for the error */
  copy(size: number, name: string): Uint8Array<ArrayBuffer> {
    if (size > this.left) throw new Malformed(`not enough bytes left to get ${name} from ${this.what}`, this.#at);
    const at = this.#take(size);
    return this.bytes.slice(at, at + size);
  }
  rest(): Uint8Array<ArrayBuffer> {
    return this.copy(this.left, "rest");
  }
  /** The same bytes up to `to`, under another name. */
  sub(what: string, to = this.to): Reader {
    return new Reader(this.bytes, what, this.#at, to);
  }
  /** The same structure with its end, which a length field has told. */
  until(to: number): Reader {
    const same = new Reader(this.bytes, this.what, this.from, to);
    same.#at = this.#at;
    return same;
  }
  /** Goes on behind what a {@linkcode sub} has read. */
  skipTo(at: number): void {
    this.#take(at - this.#at);
  }
}

export class Writer extends FieldWriter {
  constructor() {
    super("network");
  }
}
