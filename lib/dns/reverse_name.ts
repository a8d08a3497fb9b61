/** Names of the reverse maps (RFC 1035 §3.5, RFC 3596 §2.5). */
import type { Address } from "../text/address.ts";

/** @returns for example `2.0.168.192.in-addr.arpa.`, with the dot of the root, as pluto's messages have it */
export function reverseName({ family, bytes }: Address): string {
  if (family === "inet") return `${[...bytes].reverse().join(".")}.in-addr.arpa.`;
  const nibbles = [...bytes].flatMap((byte) => [byte >> 4, byte & 15]);
  return `${nibbles.reverse().map((nibble) => nibble.toString(16)).join(".")}.ip6.arpa.`;
}
