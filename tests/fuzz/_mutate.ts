/** Ways to spoil a packet in place. */
import type { Chance } from "./_chance.ts";

/** Numbers that are often mishandled, for fields of 8, 16 and 32 bits. */
const HOSTILE = [0, 1, 2, 3, 4, 7, 8, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xfffe, 0xffff, 0x10000, 0x7fffffff, -1];
/** Protocols that lead on: options, IPIP, TCP, UDP, IPv6, routing, fragment, ESP, AH, ICMPv6, destination, IPCOMP. */
const PROTOCOLS = [0, 4, 6, 17, 41, 43, 44, 50, 51, 58, 59, 60, 108];

export interface Room {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly at: number;
  /** Bytes that a packet may have here. */
  readonly capacity: number;
}

type Mutation = (room: Room, length: number, chance: Chance, other: Uint8Array) => number;

/** Each gives the new length. */
export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  "flipped bits": ({ bytes, at }, length, chance) => {
    for (let n = 1 + chance.below(8); n > 0; n--) bytes[at + chance.below(length)] ^= 1 << chance.below(8);
    return length;
  },
  "one flipped bit": ({ bytes, at }, length, chance) => {
    bytes[at + chance.below(length)] ^= 1 << chance.below(8);
    return length;
  },
  "other bytes": ({ bytes, at }, length, chance) => {
    for (let n = 1 + chance.below(8); n > 0; n--) bytes[at + chance.below(length)] = chance.word();
    return length;
  },
  cut: (_, length, chance) => 1 + chance.below(length),
  grown: ({ bytes, at, capacity }, length, chance) => {
    const end = Math.min(capacity, length + 1 + chance.below(chance.oneIn(8) ? 2000 : 80));
    if (chance.oneIn(2)) bytes.fill(0, at + length, at + end);
    else chance.fill(bytes, at + length, at + end);
    return end;
  },
  spliced: ({ bytes, at, capacity }, length, chance, other) => {
    const head = chance.below(length), from = chance.below(other.length);
    const size = Math.min(other.length - from, capacity - head);
    for (let i = 0; i < size; i++) bytes[at + head + i] = other[from + i];
    return Math.max(1, head + size);
  },
  "a piece left out": ({ bytes, at }, length, chance) => {
    const from = chance.below(length), size = chance.below(length - from);
    bytes.copyWithin(at + from, at + from + size, at + length);
    return length - size;
  },
  "a piece twice": ({ bytes, at, capacity }, length, chance) => {
    const from = chance.below(length), size = Math.min(chance.below(length - from), capacity - length);
    bytes.copyWithin(at + from + size, at + from, at + length);
    return length + size;
  },
  "a hostile header": ({ bytes, at }, length, chance) => {
    const field = chance.below(Math.min(length, 64));
    bytes[at + field] = chance.oneIn(3) ? chance.pick(PROTOCOLS) : chance.pick(HOSTILE);
    if (chance.oneIn(2)) bytes[at] = bytes[at] & 0xf0 | chance.below(16);
    return length;
  },
  "a hostile number": ({ view, at }, length, chance) => {
    if (length < 4) return length;
    const field = at + chance.below(length - 3), value = chance.pick(HOSTILE);
    if (chance.oneIn(2)) view.setUint16(field, value);
    else view.setUint32(field, value);
    return length;
  },
  "a protocol that leads on": ({ bytes, at }, length, chance) => {
    const field = bytes[at] >>> 4 === 4 ? 9 : 6;
    if (length > field) bytes[at + field] = chance.pick(PROTOCOLS);
    if (chance.oneIn(2) && length > 60) chance.fill(bytes, at + 20, at + 60);
    return length;
  },
  noise: ({ bytes, at }, length, chance) => {
    chance.fill(bytes, at, at + length);
    if (chance.oneIn(2)) bytes[at] = chance.oneIn(2) ? 0x45 : 0x60;
    return length;
  },
};

const ALL = Object.values(MUTATIONS);

/** Spoils a packet once or several times; its length fields are made to fit again more often than not. */
export function mutate(room: Room, length: number, chance: Chance, other: Uint8Array): number {
  do length = chance.pick(ALL)(room, length, chance, other); while (chance.oneIn(4));
  if (!chance.oneIn(4)) fitLength(room, length);
  return length;
}

/** Without this, most of what is cut or grown would end at the first check. */
export function fitLength({ bytes, view, at }: Room, length: number): void {
  const version = bytes[at] >>> 4;
  if (version === 4 && length >= 20) view.setUint16(at + 2, length);
  if (version === 6 && length >= 40) view.setUint16(at + 4, length - 40);
}
