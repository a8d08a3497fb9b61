/** The body of an SA payload: situation, proposals, transforms, attributes (RFC 2408 §3.4 to §3.6, RFC 2407 §4.6.1). */
import { decodeAttributes, encodeAttribute } from "./attribute_codec.ts";
import { Malformed, type Reader, type Writer } from "./bytes.ts";
import { DOI, NOTIFY, PAYLOAD, payloadName, PROTOCOL, SITUATION } from "./constants.ts";
import type { Payload, Proposal, Transform } from "./payload.ts";

type SaBody = Omit<Extract<Payload, { type: "SA" }>, "type" | "raw">;

const HEAD_BYTES = 8;
/** Far more than any implementation sends. */
const MOST_PROPOSALS = 64;
/** In all proposals together; each has a count of one byte. */
const MOST_TRANSFORMS = 512;
const MOST_ATTRIBUTES = 32;
/** A byte has their number. */
const MOST_TRANSFORMS_OF_PROPOSAL = 255;

/** What a transform of each protocol, and its attributes, are called. */
const TRANSFORM_NAMES: Readonly<Record<number, string>> = {
  [PROTOCOL.ISAKMP]: "ISAKMP Transform Payload (ISAKMP)",
  [PROTOCOL.IPSEC_AH]: "ISAKMP Transform Payload (AH)",
  [PROTOCOL.IPSEC_ESP]: "ISAKMP Transform Payload (ESP)",
  [PROTOCOL.IPCOMP]: "ISAKMP Transform Payload (COMP)",
};

/**
 * Reads behind the generic header. Of another DOI, or of a situation with labels, only these two numbers are known: the
 * proposals stay empty, and who chooses refuses it by them.
 */
export function decodeSaBody(r: Reader): SaBody {
  const doi = r.u32();
  if (doi !== DOI.IPSEC) {
    r.skipTo(r.to);
    return { doi, situation: 0, proposals: [] };
  }
  const situation = r.sub("IPsec DOI SIT").u32();
  r.skipTo(r.at + 4);
  if (situation !== SITUATION.IDENTITY_ONLY) {
    r.skipTo(r.to);
    return { doi, situation, proposals: [] };
  }
  return { doi, situation, proposals: decodeProposals(r) };
}

export function encodeSaBody(w: Writer, { doi, situation, proposals }: SaBody): void {
  w.u32(doi).u32(situation);
  for (const [i, proposal] of proposals.entries()) encodeProposal(w, proposal, i === proposals.length - 1);
}

function decodeProposals(r: Reader): Proposal[] {
  const proposals: Proposal[] = [];
  let transforms = 0;
  for (let more = true; more;) {
    if (proposals.length === MOST_PROPOSALS) throw bad(`more than ${MOST_PROPOSALS} proposals in ${r.what}`, r.at);
    const { next, body } = structure(r, "ISAKMP Proposal Payload");
    if (next !== PAYLOAD.NONE && next !== PAYLOAD.P) {
      throw bad(`unexpected ${payloadName(next)} payload in SA behind a Proposal`, body.from);
    }
    const proposal = decodeProposal(body, MOST_TRANSFORMS - transforms);
    transforms += proposal.transforms.length;
    proposals.push(proposal);
    more = next === PAYLOAD.P;
  }
  if (r.left) throw bad(`${r.left} bytes are left behind the last Proposal of ${r.what}`, r.at);
  return proposals;
}

function decodeProposal(r: Reader, mostTransforms: number): Proposal {
  const number = r.u8(), protocol = r.u8(), spiBytes = r.u8(), count = r.u8();
  const spi = r.copy(spiBytes, "SPI");
  if (count > mostTransforms) throw bad(`more than ${MOST_TRANSFORMS} transforms in one SA`, r.from);
  const transforms: Transform[] = [];
  for (let more = count > 0; more;) {
    if (transforms.length === count) throw bad(countText(protocol, "more"), r.at);
    const { next, body } = structure(r, TRANSFORM_NAMES[protocol] ?? "ISAKMP Transform Payload");
    if (next !== PAYLOAD.NONE && next !== PAYLOAD.T) {
      throw bad(`expecting Transform Payload, but found ${payloadName(next)} in Proposal`, body.from);
    }
    transforms.push(decodeTransform(body, protocol));
    more = next === PAYLOAD.T;
  }
  if (transforms.length < count) throw bad(countText(protocol, "fewer"), r.at);
  if (r.left) throw bad(`${r.left} bytes are left behind the last Transform of ${r.what}`, r.at);
  return { number, protocol, spi, transforms };
}

function countText(protocol: number, which: "more" | "fewer"): string {
  return protocol === PROTOCOL.ISAKMP
    ? "number of Transform Payloads disagrees with Oakley Proposal Payload"
    : `Proposal Payload has ${which} Transforms than specified`;
}

function encodeProposal(w: Writer, { number, protocol, spi, transforms }: Proposal, isLast: boolean): void {
  if (transforms.length > MOST_TRANSFORMS_OF_PROPOSAL) {
    throw new RangeError(`Cannot encode a proposal of ${transforms.length} transforms`);
  }
  const start = w.length;
  w.u8(isLast ? PAYLOAD.NONE : PAYLOAD.P).u8(0).u16(0);
  w.u8(number).u8(protocol).u8(spi.length).u8(transforms.length).bytes(spi);
  for (const [i, transform] of transforms.entries()) encodeTransform(w, transform, i === transforms.length - 1);
  w.setU16(start + 2, w.length - start);
}

function decodeTransform(r: Reader, protocol: number): Transform {
  const number = r.u8(), id = r.u8();
  r.zeros(2);
  const what = protocol === PROTOCOL.ISAKMP ? "ISAKMP Oakley attribute" : "ISAKMP IPsec DOI attribute";
  return { number, id, attributes: decodeAttributes(r, what, MOST_ATTRIBUTES) };
}

function encodeTransform(w: Writer, { number, id, attributes }: Transform, isLast: boolean): void {
  const start = w.length;
  w.u8(isLast ? PAYLOAD.NONE : PAYLOAD.T).u8(0).u16(0).u8(number).u8(id).u16(0);
  for (const attribute of attributes) encodeAttribute(w, attribute);
  w.setU16(start + 2, w.length - start);
}

/** A proposal or transform: its generic header is read, `body` begins behind it. Moves `r` behind the whole. */
function structure(r: Reader, what: string): { readonly next: number; readonly body: Reader } {
  const start = r.at;
  if (r.left < HEAD_BYTES) throw new Malformed(`not enough room in input packet for ${what}`, start);
  const head = r.sub(what);
  const next = head.u8();
  head.zeros(1);
  const size = head.u16();
  if (size < HEAD_BYTES) throw new Malformed(`length of ${what} is smaller than minimum`, start + 2);
  if (size > r.left) throw new Malformed(`length of ${what} is larger than can fit`, start + 2);
  r.skipTo(start + size);
  return { next, body: head.until(start + size) };
}

function bad(reason: string, offset: number): Malformed {
  return new Malformed(reason, offset, NOTIFY.BAD_PROPOSAL_SYNTAX);
}
