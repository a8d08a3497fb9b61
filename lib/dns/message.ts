/**
 * Questions and answers as bytes (RFC 1035 §4, RFC 6891, RFC 6840 §5.7), over the codec of dns-packet. That codec throws on
 * bad input; here every message becomes a value.
 */
import {
  type Answer,
  AUTHENTIC_DATA,
  decode,
  encode,
  type OptAnswer,
  type Packet,
  RECURSION_DESIRED,
} from "@leichtgewicht/dns-packet";
import type { DnsRecord, RecordData, RecordType } from "./record.ts";

/** Fits any path without fragments (RFC 9715). */
const UDP_PAYLOAD_BYTES = 1232;
export const LONGEST_NAME = 253;
const MOST_ALIASES = 16;
/** One day: what a record says beyond that is not believed (RFC 8767 §4). */
const LONGEST_TTL_SECONDS = 86400;

export interface Question {
  readonly name: string;
  readonly type: RecordType;
}

/** What a message says in answer to a question. */
export interface Response {
  /** 0 for success (RFC 6895 §2.3), the extended bits included. */
  readonly rcode: number;
  readonly isTruncated: boolean;
  readonly authenticated: boolean;
  readonly records: readonly DnsRecord[];
  /** The name at the end of the aliases. */
  readonly canonicalName: string;
  /** The least of records and aliases; of an empty answer, of its SOA (RFC 2308 §5); undefined where neither says. */
  readonly ttlSeconds: number | undefined;
}

/** The codec has the fields of the OPT record beside its options; its types know only these. */
type Edns = OptAnswer & { readonly udpPayloadSize: number; readonly extendedRcode: number };

const EDNS: Edns = { type: "OPT", name: ".", udpPayloadSize: UDP_PAYLOAD_BYTES, extendedRcode: 0, data: [] };

/** The AD bit asks for the same in the answer, without the signatures themselves. */
export function encodeQuestion(id: number, { name, type }: Question, withEdns: boolean): Uint8Array<ArrayBuffer> {
  return new Uint8Array(encode({
    type: "query",
    id,
    flags: RECURSION_DESIRED | AUTHENTIC_DATA,
    questions: [{ name, type }],
    additionals: withEdns ? [EDNS] : [],
  }));
}

/** The bits of the second 16 bits of a header (RFC 1035 §4.1.1). */
const FLAG = { response: 0x8000, opcode: 0x7800, truncated: 0x0200, authenticated: 0x0020, rcode: 0x000f } as const;

/** @returns a reason in words, where the message is no answer to this question at all and another may still come */
export function decodeResponse(bytes: Uint8Array, id: number, question: Question): Response | string {
  let packet: Packet;
  try {
    packet = decode(bytes);
  } catch {
    return "malformed answer";
  }
  if (packet.id !== id) return "answer to another question";
  const flags = bytes[2] << 8 | bytes[3];
  if (!(flags & FLAG.response)) return "not a response?!?";
  if (flags & FLAG.opcode) return "unexpected opcode";
  const [asked, ...more] = packet.questions ?? [];
  if (more.length > 0 || !asked || !sameName(asked.name, question.name)) return "answer to another question";
  if (asked.type !== question.type) return "unexpected QTYPE in Question Section";
  if (classOf(asked) !== "IN") return "unexpected QCLASS in Question Section";
  const chain = followAliases(packet.answers ?? [], question);
  if (typeof chain === "string") return chain;
  return {
    rcode: upperRcode(packet) << 4 | flags & FLAG.rcode,
    isTruncated: (flags & FLAG.truncated) !== 0,
    authenticated: (flags & FLAG.authenticated) !== 0,
    records: chain.records,
    canonicalName: chain.name,
    ttlSeconds: chain.ttlSeconds ?? negativeTtl(packet.authorities ?? []),
  };
}

/** The upper bits of the RCODE stand in the OPT record (RFC 6891 §6.1.3). */
function upperRcode({ additionals }: Packet): number {
  const opt = (additionals ?? []).find(({ type }) => type === "OPT") as Edns | undefined;
  return opt?.extendedRcode ?? 0;
}

/** The codec gives its name, though its types say otherwise. */
function classOf(item: { readonly class?: unknown }): unknown {
  return item.class;
}

function followAliases(
  answers: readonly Answer[],
  { name, type }: Question,
): { name: string; records: DnsRecord[]; ttlSeconds: number | undefined } | string {
  let ttlSeconds: number | undefined;
  const least = (ttl: number) => ttlSeconds = Math.min(ttlSeconds ?? LONGEST_TTL_SECONDS, ttl);
  for (let aliases = 0; aliases <= MOST_ALIASES; aliases++) {
    const records: DnsRecord[] = [];
    let alias: string | undefined;
    for (const answer of answers) {
      if (classOf(answer) !== "IN" || !sameName(answer.name, name)) continue;
      const ttl = Math.min(answer.ttl ?? 0, LONGEST_TTL_SECONDS);
      if (answer.type === type) {
        const data = dataOf(answer);
        if (data === undefined) return `${type} rr RDATA representation malformed`;
        records.push({ ttlSeconds: ttl, data });
        least(ttl);
      } else if (answer.type === "CNAME" && typeof answer.data === "string") {
        alias = answer.data;
        least(ttl);
      }
    }
    if (records.length > 0 || alias === undefined) {
      return { name, records, ttlSeconds: records.length ? ttlSeconds : undefined };
    }
    name = alias;
  }
  return "too many aliases";
}

function dataOf({ data }: { readonly data?: unknown }): RecordData | undefined {
  if (typeof data === "string" || data instanceof Uint8Array) return data;
  return Array.isArray(data) && data.every((one) => one instanceof Uint8Array) ? data : undefined;
}

function negativeTtl(authorities: readonly Answer[]): number | undefined {
  for (const one of authorities) {
    if (one.type === "SOA") return Math.min(one.ttl ?? 0, one.data.minimum ?? 0, LONGEST_TTL_SECONDS);
  }
  return undefined;
}

/** Case does not count, and neither does the dot of the root. */
export function sameName(a: string, b: string): boolean {
  return plainName(a) === plainName(b);
}

export function plainName(name: string): string {
  return name.replace(/\.$/, "").toLowerCase();
}

/** Why a name cannot be asked for; undefined for a good one. */
export function refuseName(name: string): string | undefined {
  const plain = name.replace(/\.$/, "");
  if (plain === "" || plain.length > LONGEST_NAME) return "name is empty or too long";
  if (/[^\x21-\x7e]/.test(plain)) return "name has characters that no host name has";
  return plain.split(".").every((label) => label.length >= 1 && label.length <= 63)
    ? undefined
    : "a part of the name is empty or longer than 63 characters";
}
