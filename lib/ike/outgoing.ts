/** A message that leaves: payloads encoded, with a HASH before them where one is due, and encrypted where there are keys. */
import { FLAG } from "./constants.ts";
import type { Exchange } from "./exchange.ts";
import type { Reply } from "./exchange_table.ts";
import { encodeMessage } from "./header_codec.ts";
import type { IsakmpState } from "./isakmp_sa.ts";
import type { Payload } from "./payload.ts";
import { encodePayloads } from "./payload_codec.ts";

/** Moves the chain of IVs of the exchange on, where it encrypts. */
export function writeMessage(sa: IsakmpState, exchange: Exchange, reply: Reply, encrypts: boolean): Uint8Array {
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

function withHash({ payloads, hash }: Reply): readonly Payload[] {
  return hash ? [{ type: "HASH", data: hash(encodePayloads(payloads).bytes) }, ...payloads] : payloads;
}
