/** Fields of a message, one after the other, in bytes that grow as they are needed. */

const FIRST_BYTES = 512;

export class FieldWriter {
  readonly #isLittleEndian: boolean;
  #bytes = new Uint8Array(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
  length = 0;

  /** @param order of the bytes of numbers: the network's, or that of our hosts */
  constructor(order: "network" | "little-endian") {
    this.#isLittleEndian = order === "little-endian";
  }

  /** May replace bytes and view, so that these must not be looked at before. */
  #room(size: number): number {
    const at = this.length;
    if (at + size > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(2 * this.#bytes.length, at + size));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.length += size;
    return at;
  }

  u8(value: number): this {
    const at = this.#room(1);
    this.#view.setUint8(at, value);
    return this;
  }
  u16(value: number): this {
    const at = this.#room(2);
    this.#view.setUint16(at, value, this.#isLittleEndian);
    return this;
  }
  u32(value: number): this {
    const at = this.#room(4);
    this.#view.setUint32(at, value, this.#isLittleEndian);
    return this;
  }
  /** Network order. */
  n16(value: number): this {
    const at = this.#room(2);
    this.#view.setUint16(at, value);
    return this;
  }
  n32(value: number): this {
    const at = this.#room(4);
    this.#view.setUint32(at, value);
    return this;
  }
  bytes(value: Uint8Array): this {
    const at = this.#room(value.length);
    this.#bytes.set(value, at);
    return this;
  }
  zeros(count: number): this {
    const at = this.#room(count);
    this.#bytes.fill(0, at, this.length);
    return this;
  }
  /** Sets bits written before. */
  setU8(at: number, value: number): void {
    this.#view.setUint8(at, value);
  }
  setU16(at: number, value: number): void {
    this.#view.setUint16(at, value, this.#isLittleEndian);
  }
  done(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.length);
  }
}
