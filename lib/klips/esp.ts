/**
 * ESP (RFC 4303) on the frame in hand: after the IP header come SPI, sequence number, IV, the encrypted payload with
 * its trailer, and the ICV. With extended sequence numbers the high half is authenticated but not sent (§2.2.1).
 */
import { DROP } from "./counters.ts";
import type { Frame } from "./frame.ts";
import type { RandomPool } from "./random_pool.ts";
import type { EspTransform, Sa } from "./sa.ts";

const ESP = 50;
const ESP_HEADER = 8;

/** Offsets of a few bytes of the packet memory that hold a nonce, additional data, or an ICV during one call. */
export interface Scratch {
  readonly nonce: number;
  readonly aad: number;
  /** 32 bytes, the longest ICV there is. */
  readonly icv: number;
}

/** Bytes that ESP adds before the payload. */
export function espHeadroom(t: EspTransform): number {
  return ESP_HEADER + t.ivBytes;
}

/** Most bytes that ESP adds after the payload: padding, pad length, next header, ICV. */
export function espTailroom(t: EspTransform): number {
  return t.blockBytes - 1 + 2 + t.icvBytes;
}

/** Seals the payload in place. The sequence number has been taken; room before and after is there. */
export function sealEsp(frame: Frame, sa: Sa, t: EspTransform, scratch: Scratch, random: RandomPool): void {
  const { bytes, view } = frame.memory;
  const payload = frame.start + frame.headerLength;
  const protocol = bytes[frame.protocolAt];

  // RFC 4303 §2.4: padding 1, 2, 3 ...
  let end = frame.end;
  const pad = -(end - payload + 2) & (t.blockBytes - 1); // block sizes are powers of 2
  for (let i = 1; i <= pad; i++) bytes[end++] = i;
  bytes[end++] = pad;
  bytes[end++] = protocol;

  const head = ESP_HEADER + t.ivBytes;
  frame.insert(head);
  const esp = payload - head;
  view.setUint32(esp, sa.id.spi);
  view.setUint32(esp + 4, sa.sequenceLow);
  const iv = esp + ESP_HEADER;
  for (let i = 0; i < t.ivBytes; i++) bytes[iv + i] = t.iv[i];
  const length = end - payload;

  if (t.aead) {
    increment(t.iv);
    fillNonce(frame, t, scratch, iv);
    const aadLength = fillAad(frame, sa, scratch, esp, sa.sequenceHigh);
    t.aead.seal(scratch.nonce, scratch.aad, aadLength, payload, length);
  } else {
    t.cbc!.encrypt(iv, payload, length);
    random.fill(t.iv);
    let signed = end - esp;
    if (sa.esn) {
      view.setUint32(end, sa.sequenceHigh);
      signed += 4;
    }
    t.mac!.sign(esp, signed, end);
  }
  frame.end = end + t.icvBytes;
  frame.finish(ESP);
}

/**
 * Opens the packet in place and takes ESP off.
 *
 * @returns the protocol inside, or the complement of a {@linkcode DROPS} index
 */
export function openEsp(frame: Frame, sa: Sa, t: EspTransform, scratch: Scratch): number {
  const { bytes, view } = frame.memory;
  const esp = frame.start + frame.headerLength;
  const payload = esp + ESP_HEADER + t.ivBytes;
  const end = frame.end - t.icvBytes;
  const length = end - payload;
  if (length < t.blockBytes) return ~DROP.TRUNCATED;
  const low = view.getUint32(esp + 4);
  const high = sa.esn && sa.replay ? sa.replay.guessHigh(low) : 0;
  if (sa.replay && !sa.replay.mayAccept(high, low)) {
    sa.sequenceErrors++;
    return ~DROP.REPLAYED;
  }
  if ((length & (t.blockBytes - 1)) !== 0) {
    sa.sizeErrors++;
    return ~DROP.BAD_SIZE;
  }
  if (t.aead) {
    fillNonce(frame, t, scratch, esp + ESP_HEADER);
    const aadLength = fillAad(frame, sa, scratch, esp, high);
    if (!t.aead.open(scratch.nonce, scratch.aad, aadLength, payload, length)) {
      sa.authErrors++;
      return ~DROP.AUTH_FAILED;
    }
  } else {
    if (!verify(frame, sa, t, scratch, esp, end, high)) {
      sa.authErrors++;
      return ~DROP.AUTH_FAILED;
    }
    t.cbc!.decrypt(esp + ESP_HEADER, payload, length);
  }
  sa.replay?.markAuthentic(high, low);

  const pad = bytes[end - 2];
  if (pad + 2 > length) return ~DROP.PAD_TOO_LONG;
  for (let i = 1; i <= pad; i++) {
    if (bytes[end - 2 - pad + i - 1] !== i) {
      sa.padErrors++; // authentic all the same, so it is counted and accepted (klips.md §16)
      break;
    }
  }
  const protocol = bytes[end - 1];
  frame.end = end - 2 - pad;
  frame.remove(payload - esp);
  frame.finish(protocol);
  return protocol;
}

function verify(
  frame: Frame,
  sa: Sa,
  t: EspTransform,
  scratch: Scratch,
  esp: number,
  end: number,
  high: number,
): boolean {
  if (!sa.esn) return t.mac!.verify(esp, end - esp, end);
  // The high half belongs where the ICV lies, and behind that the next datagram of a joined read may begin.
  const { bytes, view } = frame.memory;
  bytes.copyWithin(scratch.icv, end, end + t.icvBytes);
  view.setUint32(end, high);
  return t.mac!.verify(esp, end - esp + 4, scratch.icv);
}

/** RFC 4106 §4, RFC 7634 §2: salt, then IV. */
function fillNonce(frame: Frame, t: EspTransform, scratch: Scratch, iv: number): void {
  const { bytes, view } = frame.memory;
  const at = scratch.nonce;
  bytes[at] = t.salt[0];
  bytes[at + 1] = t.salt[1];
  bytes[at + 2] = t.salt[2];
  bytes[at + 3] = t.salt[3];
  view.setUint32(at + 4, view.getUint32(iv));
  view.setUint32(at + 8, view.getUint32(iv + 4));
}

/** RFC 4106 §5: SPI and sequence number, of 32 or 64 bits. Returns their length. */
function fillAad(frame: Frame, sa: Sa, scratch: Scratch, esp: number, high: number): number {
  const { view } = frame.memory;
  const at = scratch.aad;
  view.setUint32(at, view.getUint32(esp));
  if (!sa.esn) {
    view.setUint32(at + 4, view.getUint32(esp + 4));
    return 8;
  }
  view.setUint32(at + 4, high);
  view.setUint32(at + 8, view.getUint32(esp + 4));
  return 12;
}

function increment(counter: Uint8Array): void {
  for (let i = counter.length - 1; i >= 0; i--) {
    counter[i]++; // wraps to 0 by itself
    if (counter[i] !== 0) return;
  }
}
