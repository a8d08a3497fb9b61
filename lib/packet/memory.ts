/**
 * The one block of memory that packets live in. Frames are offsets into it, so that nothing is allocated per packet
 * and a native provider can add one base address to an offset.
 */
export class PacketMemory {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView;

  /** @param size in bytes */
  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.view = new DataView(this.bytes.buffer);
  }
}
