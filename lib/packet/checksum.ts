/**
 * The Internet checksum (RFC 1071). Sums are kept unfolded and in host byte order: the one's complement sum does not mind,
 * as long as the result is stored in the same order as the words were read.
 */
import { copyWords, type PacketMemory } from "./memory.ts";

/** What the vector loop takes at a time. */
const BLOCK = 32;

/** Sum of `length` bytes at `at`, added to `initial`; to be folded with {@linkcode fold}. */
export function sum(memory: PacketMemory, at: number, length: number, initial = 0): number {
  const { bytes, view, sumBlocks } = memory;
  let low = initial, high = 0;
  const end = at + length;
  if (sumBlocks !== undefined && length >= BLOCK) {
    const stop = at + (length & -BLOCK);
    low += sumBlocks(at, stop) >>> 0;
    at = stop;
  }
  for (; at + 4 <= end; at += 4) {
    const word = view.getUint32(at, true);
    low += word & 0xffff;
    high += word >>> 16;
  }
  if (at + 2 <= end) {
    low += view.getUint16(at, true);
    at += 2;
  }
  if (at < end) low += bytes[at];
  return low + high;
}

/**
 * Copies `length` bytes and sums them, as {@linkcode sum} does, in one go. The two places must not overlap.
 *
 * @param initial is added
 */
export function copyAndSum(memory: PacketMemory, to: number, from: number, length: number, initial = 0): number {
  const { bytes, copyAndSumBlocks } = memory;
  if (copyAndSumBlocks === undefined || length < BLOCK) {
    bytes.copyWithin(to, from, from + length);
    return sum(memory, to, length, initial);
  }
  const blocks = length & -BLOCK;
  const low = initial + (copyAndSumBlocks(to, from, from + blocks) >>> 0);
  const words = length & -4;
  copyWords(memory, to + blocks, from + blocks, words - blocks);
  for (let i = words; i < length; i++) bytes[to + i] = bytes[from + i];
  return sum(memory, to + blocks, length - blocks, low);
}

/** @returns the 16-bit one's complement sum, in host byte order */
export function fold(value: number): number {
  value = (value & 0xffff) + Math.floor(value / 65536);
  value = (value & 0xffff) + (value >>> 16);
  return (value & 0xffff) + (value >>> 16);
}

/** Sum over the pseudo-header (RFC 9293 §3.1, RFC 8200 §8.1); addresses at their offsets. */
export function pseudoHeaderSum(
  memory: PacketMemory,
  source: number,
  destination: number,
  addressBytes: 4 | 16,
  protocol: number,
  length: number,
): number {
  const swapped = (length & 0xff) << 8 | length >>> 8 & 0xff;
  return sum(memory, source, addressBytes) + sum(memory, destination, addressBytes) + (protocol << 8) + swapped;
}

/** Stores a checksum over what `total` sums up (with the field itself taken as zero). */
export function storeChecksum(memory: PacketMemory, at: number, total: number): void {
  memory.view.setUint16(at, ~fold(total) & 0xffff, true);
}

/**
 * Completes a checksum that the host left to us (virtio NEEDS_CSUM): the field holds the pseudo-header's sum.
 *
 * @param start offset of the transport header in the packet; `offset` that of the field in it
 * @returns 0, or -1 where the field does not lie in the packet
 */
export function finishPartialChecksum(
  memory: PacketMemory,
  packet: number,
  length: number,
  start: number,
  offset: number,
): number {
  if (start + offset + 2 > length) return -1;
  const from = packet + start;
  const total = sum(memory, from, length - start);
  let value = ~fold(total) & 0xffff;
  if (value === 0 && offset === 6) value = 0xffff; // UDP: 0 says "no checksum"
  memory.view.setUint16(from + offset, value, true);
  return 0;
}

/** Makes the TCP or UDP checksum of a whole packet right; leaves fragments and short packets as they are. */
export function finishTransportChecksum(
  memory: PacketMemory,
  packet: number,
  headerLength: number,
  length: number,
  protocol: 6 | 17,
): void {
  const { view, bytes } = memory;
  const v4 = bytes[packet] >>> 4 === 4;
  if (v4 && (view.getUint16(packet + 6) & 0x3fff) !== 0) return;
  const at = packet + headerLength;
  const size = length - headerLength;
  const field = at + (protocol === 6 ? 16 : 6);
  if (size < (protocol === 6 ? 20 : 8)) return;
  if (protocol === 17 && v4 && view.getUint16(field) === 0) return;
  view.setUint16(field, 0);
  const source = packet + (v4 ? 12 : 8);
  const addressBytes = v4 ? 4 : 16;
  const pseudo = pseudoHeaderSum(memory, source, source + addressBytes, addressBytes, protocol, size);
  let value = ~fold(sum(memory, at, size, pseudo)) & 0xffff;
  if (value === 0 && protocol === 17) value = 0xffff;
  view.setUint16(field, value, true);
}
