/** Answers as a server would encode them, for tests without one. */
import { encode } from "@leichtgewicht/dns-packet";
import { decodeResponse, type Question, type Response } from "../../lib/dns/message.ts";

type Packet = Parameters<typeof encode>[0];
export type Rr = NonNullable<Packet["answers"]>[number];

export interface Reply {
  readonly answers?: Rr[];
  readonly authorities?: Rr[];
  readonly rcode?: number;
  readonly ad?: boolean;
  readonly tc?: boolean;
}

export function reply(
  id: number,
  { name, type }: Question,
  { answers = [], authorities = [], ...bits }: Reply,
): Uint8Array {
  const flags = 0x0180 | (bits.rcode ?? 0) | (bits.ad ? 0x20 : 0) | (bits.tc ? 0x200 : 0);
  return new Uint8Array(encode({ type: "response", id, flags, questions: [{ name, type }], answers, authorities }));
}

/** The same as a decoded answer; throws where it cannot be decoded. */
export function response(question: Question, what: Reply): Response {
  const decoded = decodeResponse(reply(7, question, what), 7, question);
  if (typeof decoded === "string") throw new Error(decoded);
  return decoded;
}

export const soa = (name: string, ttl: number, minimum: number): Rr => ({
  type: "SOA",
  name,
  ttl,
  data: { mname: "ns.example.com", rname: "root.example.com", serial: 1, refresh: 1, retry: 1, expire: 1, minimum },
});
