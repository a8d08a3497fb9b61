/** Finding NAT on the way (RFC 3947 §3.2): HASH(CKY-I | CKY-R | IP | Port) of both ends, as each of them sees itself. */
import type { Address } from "../text/address.ts";
import type { Payload } from "./payload.ts";

type NatD = Extract<Payload, { type: "NAT-D" }>;

export interface Endpoint {
  readonly address: Address;
  readonly port: number;
}

export interface NatQuestion {
  /** Of the suite that phase 1 has chosen. */
  hash(...pieces: readonly Uint8Array[]): Uint8Array;
  readonly initiatorCookie: Uint8Array;
  readonly responderCookie: Uint8Array;
  /** Where our datagrams leave, and where the peer's come from. */
  readonly local: Endpoint;
  readonly remote: Endpoint;
}

function natHash(question: NatQuestion, { address, port }: Endpoint): Uint8Array {
  const { initiatorCookie, responderCookie } = question;
  return question.hash(initiatorCookie, responderCookie, address.bytes, Uint8Array.of(port >> 8, port & 0xff));
}

/**
 * The receiver's end first, then ours.
 *
 * @param draft for peers from before the RFC
 * @param fake random bytes in place of our hash: the peer will see a NAT, and encapsulate ESP
 */
export function natPayloads(
  question: NatQuestion,
  { draft, fake }: { readonly draft?: boolean; readonly fake?: Uint8Array } = {},
): [NatD, NatD] {
  const theirs = natHash(question, question.remote), ours = natHash(question, question.local);
  const payload = (data: Uint8Array): NatD => draft ? { type: "NAT-D", draft, data } : { type: "NAT-D", data };
  return [payload(theirs), payload(fake ? fake.slice(0, ours.length) : ours)];
}

export interface NatFound {
  /** We are behind NAT: the peer has seen another address or port. */
  readonly ours: boolean;
  readonly peers: boolean;
}

/** @returns undefined where the peer says nothing about it: it takes two payloads or more, one for each address it may have */
export function detectNat(payloads: readonly Payload[], question: NatQuestion): NatFound | undefined {
  const [first, ...others] = payloads.filter((payload): payload is NatD => payload.type === "NAT-D");
  if (!first || !others.length) return undefined;
  const local = natHash(question, question.local), remote = natHash(question, question.remote);
  return { ours: !same(first.data, local), peers: !others.some(({ data }) => same(data, remote)) };
}

/** Addresses are no secrets. */
function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** `NAT-Traversal: Result using METHOD: RESULT` */
export function natResult({ ours, peers }: NatFound): string {
  if (ours && peers) return "both are NATed";
  return ours ? "i am NATed" : peers ? "peer is NATed" : "no NAT detected";
}
