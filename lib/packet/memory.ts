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
