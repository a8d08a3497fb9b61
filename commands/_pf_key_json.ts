/** PF_KEY messages as `ipsec pf_key --json` prints them: one object a line, names instead of numbers, never a key. */
import { decodeMessage } from "../lib/pfkey/codec.ts";
import { messageName, satypeName } from "../lib/pfkey/constants.ts";
import { describeErrno } from "./_klips_errors.ts";
import type { AddressExtension, KeyExtension } from "../lib/pfkey/message.ts";
import { formatAddress } from "../lib/text/address.ts";

/** @param raw one whole message, 16 bytes or longer */
export function messageJson(raw: Uint8Array): string {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.length);
  const [, type, errno, satype] = raw;
  const header = {
    message: messageName(type),
    type,
    satype: satypeName(satype),
    seq: view.getUint32(8, true),
    pid: view.getUint32(12, true),
    errno,
    ...(errno ? { error: describeErrno(errno) } : {}),
  };
  const decoded = decodeMessage(raw);
  const body = decoded.ok ? { extensions: extensionsJson(decoded.message.extensions) } : { malformed: decoded.reason };
  return `${JSON.stringify({ ...header, ...body })}\n`;
}

function extensionsJson(extensions: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(extensions).map(([name, value]) => [name, valueJson(value)]));
}

/** Addresses as text, SPIs in hexadecimal; bytes, of which only keys and private data are left, by their number. */
function valueJson(value: unknown): unknown {
  if (value instanceof Uint8Array) return { bytes: value.length };
  if (typeof value !== "object" || value === null) return value;
  if ("key" in value) return { bits: (value as KeyExtension).bits };
  if ("address" in value) {
    const { address, ...rest } = value as AddressExtension;
    return { address: formatAddress(address), ...rest };
  }
  if ("spi" in value && "replay" in value) return { ...value, spi: `0x${(value.spi as number).toString(16)}` };
  return value;
}
