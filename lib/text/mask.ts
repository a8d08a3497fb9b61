/** Masks of networks (text-forms.md §8), for both families. */
import { type Address, anyAddress, type Family } from "./address.ts";

/** Bits of a left-justified run of ones, -1 for any other mask (masktobits, masktocount). */
export function maskBits(mask: Uint8Array): number {
  let bits = 0;
  while (bits < mask.length * 8 && (mask[bits >> 3] & 0x80 >> (bits & 7)) !== 0) bits++;
  const rest = maskBytes(bits, mask.length);
  return mask.every((byte, i) => byte === rest[i]) ? bits : -1;
}

/** goodmask: whether all ones stand on the left; no ones at all are a mask too. */
export function isMask(mask: Uint8Array): boolean {
  return maskBits(mask) >= 0;
}

/** The mask of `bits` ones, `length` bytes long. */
export function maskBytes(bits: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => {
    const here = Math.min(8, Math.max(0, bits - 8 * i));
    return 0xff00 >> here & 0xff;
  });
}

/** Whether the first `bits` of two addresses agree: asked of each of many connections, so that nothing is allocated. */
export function sameBits(a: Uint8Array, b: Uint8Array, bits: number): boolean {
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (a[i] !== b[i]) return false;
  return (bits & 7) === 0 || ((a[whole] ^ b[whole]) & 0xff00 >> (bits & 7)) === 0;
}

/** bitstomask: the mask as an address; no ones for a count that the family has not. */
export function makeMask(bits: number, family: Family): Address {
  const none = anyAddress(family);
  const length = none.bytes.length;
  return bits >= 0 && bits <= length * 8 ? { family, bytes: maskBytes(bits, length) } : none;
}

/** The network that an address lies in (subnetof). The mask is of the same family. */
export function networkPart(address: Address, mask: Address): Address {
  return combine(address, mask, (byte, ones) => byte & ones);
}

/** What is left of an address without its network (hostof). */
export function hostPart(address: Address, mask: Address): Address {
  return combine(address, mask, (byte, ones) => byte & ~ones);
}

/** The last address of the network that an address lies in (broadcastof). */
export function broadcastAddress(address: Address, mask: Address): Address {
  return combine(address, mask, (byte, ones) => byte | ~ones);
}

function combine({ family, bytes }: Address, mask: Address, of: (byte: number, mask: number) => number): Address {
  return { family, bytes: bytes.map((byte, i) => of(byte, mask.bytes[i])) };
}
