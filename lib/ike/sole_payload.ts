/** Payloads that a row expects once: the machine has seen to it before a step gets the message. */
import type { Message } from "./exchange_table.ts";
import type { PayloadType, ReceivedPayload } from "./payload.ts";

/** @throws {RangeError} where the row did not ask for it */
export function sole<T extends PayloadType>({ payloads }: Message, type: T): ReceivedPayload & { readonly type: T } {
  const found = payloads.find((payload) => payload.type === type);
  if (!found) throw new RangeError(`Cannot find a ${type} payload: the row does not expect it`);
  return found as ReceivedPayload & { readonly type: T };
}
