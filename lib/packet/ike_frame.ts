/**
 * IKE on UDP port 4500 (RFC 3947): KLIPS has the port, pluto the protocol. Between the two a datagram goes over a stream as a
 * frame of our own: length of the rest (32 bits), family, ports of both ends, their addresses, payload. Network order.
 */
import type { Address, Family } from "../text/address.ts";

export interface IkeFrame {
  readonly local: Address;
  readonly localPort: number;
  readonly remote: Address;
  readonly remotePort: number;
  /** Without the non-ESP marker. */
  readonly datagram: Uint8Array;
}

const LENGTH_BYTES = 4;
/** Family and ports. */
const HEAD_BYTES = 5;
const ADDRESS_BYTES = { inet: 4, inet6: 16 } as const;
const FAMILIES: Readonly<Record<number, Family>> = { 4: "inet", 6: "inet6" };
/** No UDP datagram is longer. */
export const LONGEST_DATAGRAM = 65535;
const LONGEST_FRAME = HEAD_BYTES + 2 * ADDRESS_BYTES.inet6 + LONGEST_DATAGRAM;

/** Copies the datagram. */
export function encodeIkeFrame({ local, localPort, remote, remotePort, datagram }: IkeFrame): Uint8Array<ArrayBuffer> {
  const addressBytes = local.bytes.length;
  const length = HEAD_BYTES + 2 * addressBytes + datagram.length;
  const frame = new Uint8Array(LENGTH_BYTES + length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, length);
  view.setUint8(4, local.family === "inet" ? 4 : 6);
  view.setUint16(5, localPort);
  view.setUint16(7, remotePort);
  frame.set(local.bytes, 9);
  frame.set(remote.bytes, 9 + addressBytes);
  frame.set(datagram, 9 + 2 * addressBytes);
  return frame;
}

/** Puts the chunks of a stream together. Holds one frame and a chunk at most. */
export class IkeFrameReader {
  #rest = new Uint8Array(0);

  /** Copies what it keeps. Throws RangeError where the stream cannot be ours; it is of no use then. */
  push(chunk: Uint8Array): IkeFrame[] {
    const bytes = new Uint8Array(this.#rest.length + chunk.length);
    bytes.set(this.#rest);
    bytes.set(chunk, this.#rest.length);
    const view = new DataView(bytes.buffer);
    const frames: IkeFrame[] = [];
    let at = 0;
    while (at + LENGTH_BYTES <= bytes.length) {
      const length = view.getUint32(at);
      if (length > LONGEST_FRAME) throw new RangeError(`IKE frame of ${length} bytes`);
      if (at + LENGTH_BYTES + length > bytes.length) break;
      at += LENGTH_BYTES;
      frames.push(decode(bytes.subarray(at, at + length)));
      at += length;
    }
    this.#rest = bytes.slice(at);
    return frames;
  }
}

function decode(bytes: Uint8Array): IkeFrame {
  const family = FAMILIES[bytes[0]];
  const addressBytes = family && ADDRESS_BYTES[family];
  const head = HEAD_BYTES + 2 * (addressBytes ?? 0);
  if (!family || bytes.length < head) throw new RangeError("IKE frame cut short, or of an unknown family");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const address = (at: number): Address => ({ family, bytes: bytes.slice(at, at + addressBytes) });
  return {
    localPort: view.getUint16(1),
    remotePort: view.getUint16(3),
    local: address(HEAD_BYTES),
    remote: address(HEAD_BYTES + addressBytes),
    datagram: bytes.slice(head),
  };
}
