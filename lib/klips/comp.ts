/**
 * IPCOMP (RFC 3173) with deflate (RFC 2394) on the frame in hand, and the adaptive rule of klips.md §19: after eight
 * packets that did not shrink, four are left alone; every two further ones cost eight.
 */
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { DROP } from "./counters.ts";
import { type Frame, LONGEST_HEADER } from "./frame.ts";
import type { CompTransform, Sa } from "./sa.ts";

const ESP = 50, AH = 51, IPCOMP = 108;
const HEADER = 4;
/** Shorter payloads do not gain from deflate (RFC 2394 §4.1). */
const SMALLEST = 90;
const PATIENCE = 8, FIRST_SKIP = 4, LATER_PATIENCE = 2, LATER_SKIP = 8;
/** A packet from the tunnel is never longer than the virtual MTU, so neither is what comes out here. */
const LARGEST = 16260;
/** Bytes behind a packet that AH may write to. */
const TAIL = 4;
/** Room that {@linkcode decompress} needs for one packet. */
export const INFLATED_BYTES = LONGEST_HEADER + LARGEST + TAIL;

/** Compresses the payload where that makes the packet smaller; leaves the packet as it is otherwise. */
export function compress(frame: Frame, sa: Sa, t: CompTransform): void {
  const { bytes, view } = frame.memory;
  const payload = frame.start + frame.headerLength;
  const length = frame.end - payload;
  const before = frame.end - frame.start;
  t.uncompressedBytes += before;
  t.compressedBytes += before;
  const { protocol } = frame;
  if (protocol === ESP || protocol === AH || protocol === IPCOMP || length < SMALLEST || isFragment(frame)) return;
  if (t.skip > 0) {
    t.skip--;
    return;
  }
  const packed = deflateRawSync(bytes.subarray(payload, frame.end), { windowBits: 11 });
  if (packed.length + HEADER > length - (length <= 512 ? 32 : length >> 4)) {
    t.failures++;
    if (t.failures === PATIENCE) t.skip = FIRST_SKIP;
    else if (t.failures > PATIENCE && (t.failures - PATIENCE) % LATER_PATIENCE === 0) t.skip = LATER_SKIP;
    return;
  }
  t.failures = 0;
  bytes[payload] = protocol;
  bytes[payload + 1] = 0;
  view.setUint16(payload + 2, sa.id.spi & 0xffff);
  bytes.set(packed, payload + HEADER);
  frame.end = payload + HEADER + packed.length;
  frame.finish(IPCOMP);
  t.compressedBytes -= before - (frame.end - frame.start);
}

/**
 * Takes IPCOMP off. What was packed is longer than the room around a received packet, so the frame moves to `room`,
 * which holds {@linkcode INFLATED_BYTES}.
 *
 * @returns the protocol inside, or the complement of a {@linkcode DROPS} index
 */
export function decompress(frame: Frame, sa: Sa, t: CompTransform, room: number): number {
  const { bytes } = frame.memory;
  const header = frame.start + frame.headerLength;
  if (bytes[header + 1] !== 0 || isFragment(frame)) return ~DROP.COMP_ERROR;
  if (frame.memory.view.getUint16(header + 2) !== (sa.id.spi & 0xffff)) return ~DROP.COMP_ERROR;
  const before = frame.end - frame.start;
  const protocol = bytes[header];
  if (protocol === IPCOMP) return ~DROP.COMP_ERROR;
  let plain: Uint8Array;
  try {
    plain = inflateRawSync(bytes.subarray(header + HEADER, frame.end), { maxOutputLength: LARGEST });
  } catch {
    return ~DROP.COMP_ERROR;
  }
  frame.moveHeader(room);
  bytes.set(plain, room + frame.headerLength);
  frame.end = room + frame.headerLength + plain.length;
  frame.finish(protocol);
  t.compressedBytes += before;
  t.uncompressedBytes += frame.end - frame.start;
  return protocol;
}

function isFragment(frame: Frame): boolean {
  const { view, bytes } = frame.memory;
  if (frame.addressBytes === 4) return (view.getUint16(frame.start + 6) & 0x3fff) !== 0;
  return bytes[frame.start + 6] === 44;
}
