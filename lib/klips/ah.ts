/**
 * AH (RFC 4302) on the frame in hand. The ICV covers the IP header with its mutable fields zeroed, AH with the ICV
 * zeroed, and the rest; with extended sequence numbers also the high half, which is not sent (§2.5.1).
 *
 * The mutable fields are put aside, zeroed in place, and put back: the ICV is taken over one run of bytes.
 */
import { DROP } from "./counters.ts";
import type { Scratch } from "./esp.ts";
import { type Frame, LONGEST_HEADER } from "./frame.ts";
import type { AhTransform, Sa } from "./sa.ts";

const AH = 51;
const AH_FIXED = 12;
const IPV4_HEADER = 20;
const IPV6_HEADER = 40;

/** AH as long as the ICV makes it: for IPv6 a multiple of 8 bytes (RFC 4302 §3.3.3.2.1). */
export function ahHeadroom(t: AhTransform, addressBytes: 4 | 16): number {
  const length = AH_FIXED + t.icvBytes;
  return addressBytes === 4 ? length : (length + 7) & ~7;
}

/** Room for the header that is put aside while the ICV is taken. */
export function newMutable(): Uint8Array {
  return new Uint8Array(LONGEST_HEADER);
}

export function signAh(frame: Frame, sa: Sa, t: AhTransform, mutable: Uint8Array): void {
  const { bytes, view } = frame.memory;
  const protocol = bytes[frame.protocolAt];
  const head = ahHeadroom(t, frame.addressBytes);
  const ah = frame.start + frame.headerLength - head;
  frame.insert(head);
  bytes[ah] = protocol;
  bytes[ah + 1] = (head >> 2) - 2;
  view.setUint16(ah + 2, 0);
  view.setUint32(ah + 4, sa.id.spi);
  view.setUint32(ah + 8, sa.sequenceLow);
  bytes.fill(0, ah + AH_FIXED, ah + head);
  frame.finish(AH);

  hideMutable(frame, mutable);
  let length = frame.end - frame.start;
  if (sa.esn) {
    view.setUint32(frame.end, sa.sequenceHigh);
    length += 4;
  }
  // Signed into the tail room first: the field itself is part of the input and must stay zero.
  const icv = frame.end + 4;
  t.mac.sign(frame.start, length, icv);
  showMutable(frame, mutable);
  bytes.copyWithin(ah + AH_FIXED, icv, icv + t.icvBytes);
}

/** @returns the protocol inside, or the complement of a {@linkcode DROPS} index */
export function openAh(frame: Frame, sa: Sa, t: AhTransform, scratch: Scratch, mutable: Uint8Array): number {
  const { bytes, view } = frame.memory;
  const ah = frame.start + frame.headerLength;
  const head = ahHeadroom(t, frame.addressBytes);
  if (frame.end - ah < head) return ~DROP.TRUNCATED;
  if ((bytes[ah + 1] + 2) << 2 !== head) return ~DROP.BAD_SIZE;
  const low = view.getUint32(ah + 8);
  const high = sa.esn && sa.replay ? sa.replay.guessHigh(low) : 0;
  if (sa.replay && !sa.replay.mayAccept(high, low)) {
    sa.sequenceErrors++;
    return ~DROP.REPLAYED;
  }
  bytes.copyWithin(scratch.icv, ah + AH_FIXED, ah + AH_FIXED + t.icvBytes);
  bytes.fill(0, ah + AH_FIXED, ah + head);
  hideMutable(frame, mutable);
  let length = frame.end - frame.start;
  if (sa.esn) {
    view.setUint32(frame.end, high);
    length += 4;
  }
  const authentic = t.mac.verify(frame.start, length, scratch.icv);
  showMutable(frame, mutable);
  if (!authentic) {
    sa.authErrors++;
    return ~DROP.AUTH_FAILED;
  }
  sa.replay?.markAuthentic(high, low);
  const protocol = bytes[ah];
  frame.remove(head);
  frame.finish(protocol);
  return protocol;
}

/** RFC 4302 §3.3.3.1: what routers may change on the way is zeroed, or set to what it is at the final destination. */
function hideMutable(frame: Frame, saved: Uint8Array): void {
  const { bytes, view } = frame.memory;
  const at = frame.start;
  for (let i = 0; i < frame.headerLength; i++) saved[i] = bytes[at + i];
  if (frame.addressBytes === 16) {
    view.setUint32(at, 0x60000000);
    bytes[at + 7] = 0;
    hideIpv6Extensions(frame);
    return;
  }
  bytes[at + 1] = 0;
  view.setUint16(at + 6, 0);
  bytes[at + 8] = 0;
  view.setUint16(at + 10, 0);
  hideIpv4Options(frame);
}

function showMutable(frame: Frame, saved: Uint8Array): void {
  const { bytes } = frame.memory;
  for (let i = 0; i < frame.headerLength; i++) bytes[frame.start + i] = saved[i];
}

/** Options of RFC 4302 appendix A1 that do not change in transit; all others count as zero. */
const IMMUTABLE_IPV4_OPTIONS = [0, 1, 130, 133, 134, 148, 149];

function hideIpv4Options(frame: Frame): void {
  const { bytes } = frame.memory;
  const end = frame.start + frame.headerLength;
  let at = frame.start + IPV4_HEADER;
  while (at < end) {
    const type = bytes[at];
    if (type === 0) return;
    const length = type === 1 ? 1 : Math.max(2, at + 1 < end ? bytes[at + 1] : 2);
    if (!IMMUTABLE_IPV4_OPTIONS.includes(type)) bytes.fill(0, at, Math.min(end, at + length));
    at += length;
  }
}

/** Options that may change count as zero, and a routing header as at its last stop (RFC 4302 §3.3.3.1.2). */
function hideIpv6Extensions(frame: Frame): void {
  const { bytes } = frame.memory;
  const HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, DESTINATION = 60;
  const end = frame.start + frame.headerLength;
  let next = bytes[frame.start + 6];
  let at = frame.start + IPV6_HEADER;
  while (at + 8 <= end) {
    const length = next === FRAGMENT ? 8 : (bytes[at + 1] + 1) << 3;
    if (next === HOP_BY_HOP || next === DESTINATION) hideIpv6Options(frame, at, at + length);
    else if (next === ROUTING) finishRoute(frame, at, length);
    next = bytes[at];
    at += length;
  }
}

/** Option data whose type has the "may change" bit counts as zero (RFC 4302 §3.3.3.1.2.1). */
function hideIpv6Options(frame: Frame, at: number, end: number): void {
  const { bytes } = frame.memory;
  const PAD1 = 0, MAY_CHANGE = 0x20;
  for (let option = at + 2; option < end;) {
    if (bytes[option] === PAD1) {
      option++;
      continue;
    }
    const size = option + 1 < end ? bytes[option + 1] : 0;
    if (bytes[option] & MAY_CHANGE) bytes.fill(0, Math.min(end, option + 2), Math.min(end, option + 2 + size));
    option += 2 + size;
  }
}

/**
 * Routing headers of types 0 and 2 as the last of their addresses will see them (RFC 8200 §4.4, RFC 2460 §4.4,
 * RFC 6275 §6.4): each remaining stop changes places with the destination, in order.
 */
function finishRoute(frame: Frame, at: number, length: number): void {
  const { bytes } = frame.memory;
  const type = bytes[at + 2];
  if (type !== 0 && type !== 2) return;
  const stops = (length - 8) >> 4;
  for (let left = Math.min(bytes[at + 3], stops); left > 0; left--) {
    const stop = at + 8 + (stops - left) * 16;
    for (let i = 0; i < 16; i++) {
      const passed = bytes[frame.destination + i];
      bytes[frame.destination + i] = bytes[stop + i];
      bytes[stop + i] = passed;
    }
  }
  if (bytes[at + 3] <= stops) bytes[at + 3] = 0;
}
