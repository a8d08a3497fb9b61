import { type CopyAndSumBlocks, makeSummedMemory, type SumBlocks } from "./simd_sum.ts";

/**
 * The one block of memory that packets live in. Frames are offsets into it, so that nothing is allocated per packet
 * and a native provider can add one base address to an offset.
 */
export class PacketMemory {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView;
  /** Sums of blocks of this memory for checksums, where the runtime can do it with vectors. */
  readonly sumBlocks: SumBlocks | undefined;
  readonly copyAndSumBlocks: CopyAndSumBlocks | undefined;

  /** @param size in bytes */
  constructor(size: number, options: { vectors?: boolean } = {}) {
    const summed = options.vectors === false ? undefined : makeSummedMemory(size);
    this.bytes = summed?.bytes ?? new Uint8Array(size);
    this.sumBlocks = summed?.sumBlocks;
    this.copyAndSumBlocks = summed?.copyAndSumBlocks;
    this.view = new DataView(this.bytes.buffer, 0, size);
  }
}

/**
 * Copies whole words of 4 bytes, such as an IP header, from the front: the two places may overlap where `to` lies before
 * `from`. For 20 bytes copyWithin() takes 47 ns, this 10.
 */
export function copyWords({ view }: PacketMemory, to: number, from: number, length: number): void {
  for (let i = 0; i < length; i += 4) view.setUint32(to + i, view.getUint32(from + i));
}
