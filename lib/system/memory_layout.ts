/** How KLIPS divides its packet memory. */
import { VNET_HEADER_BYTES } from "../ffi/tun.ts";

/** ipsec0 to ipsec3. */
export const VIRTUAL_DEVICES = 4;
export const LARGEST_PACKET = 65536;

/** Region by region. Packets begin 2 bytes after a multiple of 4 behind their virtio header. */
export const LAYOUT = (() => {
  const scratch = 0;
  const tunRead = 4098;
  const tunReadBytes = VNET_HEADER_BYTES + LARGEST_PACKET;
  const join = tunRead + tunReadBytes + 4096;
  const joinBytes = LARGEST_PACKET + 4096;
  const slots = join + VIRTUAL_DEVICES * joinBytes;
  const slotCount = 32, slotHeadroom = 256, slotStride = LARGEST_PACKET + 1408;
  const arena = slots + slotCount * slotStride + 4096;
  const end = arena + (4 << 20);
  return { scratch, tunRead, tunReadBytes, join, joinBytes, slots, slotCount, slotHeadroom, slotStride, arena, end };
})();
