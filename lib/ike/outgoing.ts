/** A message that leaves: payloads encoded, with a HASH before them where one is due, and encrypted where there are keys. */
import { FLAG } from "./constants.ts";
import type { Exchange } from "./exchange.ts";
import type { Reply } from "./exchange_table.ts";
import { splitMessage } from "./fragments.ts";
import { encodeMessage } from "./header_codec.ts";
import type { IsakmpState } from "./isakmp_sa.ts";
import type { Payload } from "./payload.ts";
import { encodePayloads } from "./payload_codec.ts";
import type { Path } from "./state.ts";

/** Moves the chain of IVs of the exchange on, where it encrypts. */
export function writeMessage(
  sa: IsakmpState,
  exchange: Exchange,
  reply: Reply,
  encrypts: boolean,
): Uint8Array<ArrayBuffer> {
  const { first, bytes } = encodePayloads(withHash(reply));
  const sealed = encrypts ? exchange.chain!.seal(bytes) : bytes;
  return encodeMessage(
    {
      initiatorCookie: sa.initiatorCookie,
      responderCookie: sa.responderCookie,
      exchange: exchange.type,
      flags: encrypts ? FLAG.ENCRYPTION : 0,
      messageId: exchange.messageId,
    },
    first,
    sealed,
  );
}

/** What every path of today takes in one piece (RFC 8200 §5): the packet, with the header of IP, of UDP, and the marker. */
const LONGEST_PACKET = 1280;
const HEADER_BYTES = { inet: 20 + 8 + 4, inet6: 40 + 8 + 4 } as const;

/** The message in one datagram, or in several where it is long and the peer can join them. */
export function datagramsFor(
  { peer }: IsakmpState,
  { remote }: Path,
  message: Uint8Array<ArrayBuffer>,
): readonly Uint8Array[] {
  return peer.fragmentation ? splitMessage(message, LONGEST_PACKET - HEADER_BYTES[remote.family]) : [message];
}

function withHash({ payloads, hash }: Reply): readonly Payload[] {
  return hash ? [{ type: "HASH", data: hash(encodePayloads(payloads).bytes) }, ...payloads] : payloads;
}
