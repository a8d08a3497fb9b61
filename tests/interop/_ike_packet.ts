const WEST = [192, 0, 2, 1];
const EAST = [192, 0, 2, 2];

/** Ethernet, IPv4 and UDP from and to port 500, without checksums: from west to east, or back. */
export function ikePacket(payload: Uint8Array, isFromWest = true): Uint8Array {
  const udpBytes = 8 + payload.length, ipBytes = 20 + udpBytes;
  const u16 = (value: number) => [value >> 8, value & 0xff];
  const ends = isFromWest ? [...WEST, ...EAST] : [...EAST, ...WEST];
  const ethernet = [...new Array(12).fill(2), 0x08, 0x00];
  const ip = [0x45, 0, ...u16(ipBytes), 0, 0, 0, 0, 64, 17, 0, 0, ...ends];
  return Uint8Array.from([...ethernet, ...ip, ...u16(500), ...u16(500), ...u16(udpBytes), 0, 0, ...payload]);
}
