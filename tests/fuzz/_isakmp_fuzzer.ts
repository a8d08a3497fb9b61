/**
 * Spoiled messages of IKE. Rules: a value or a reason, never a throw; what was decoded is encoded to the bytes that it came
 * from; what we choose of an offer, we would accept as an answer to such an offer of ours.
 */
import { deepStrictEqual as deepEqual } from "node:assert/strict";
import { hash } from "../../lib/crypto/hash.ts";
import { DOI, EXCHANGE, HEADER_BYTES, SITUATION } from "../../lib/ike/constants.ts";
import type { SaPayload } from "../../lib/ike/choice.ts";
import { Reassembly, splitMessage } from "../../lib/ike/fragments.ts";
import { decodeHeader, encodeMessage } from "../../lib/ike/header_codec.ts";
import { decodeIdentity, encodeIdentity } from "../../lib/ike/identity_codec.ts";
import { detectNat, natPayloads } from "../../lib/ike/nat_detection.ts";
import type { Payload, ReceivedPayload } from "../../lib/ike/payload.ts";
import { decodePayloads, encodePayloads } from "../../lib/ike/payload_codec.ts";
import { checkPhase1Answer, choosePhase1, offerPhase1, type Phase1Offer } from "../../lib/ike/phase1_proposal.ts";
import { checkPhase2Answer, choosePhase2, modeOffered } from "../../lib/ike/phase2_choice.ts";
import { answerPhase2, offerPhase2, type Phase2Offer } from "../../lib/ike/phase2_proposal.ts";
import { DEFAULT_ESP_SUITES, DEFAULT_IKE_SUITES } from "../../lib/ike/suite_text.ts";
import { encodeVendorId, findVendorId, vendorIdText } from "../../lib/ike/vendor_ids.ts";
import { parseIdentity } from "../../lib/text/identity.ts";
import { address } from "../klips/_gateway.ts";
import type { Chance } from "./_chance.ts";
import { Finding } from "./_finding.ts";
import { mutate, type Room } from "./_mutate.ts";

const CAPACITY = 8192;

const PHASE_1: Phase1Offer = { suites: DEFAULT_IKE_SUITES(true), auth: ["rsasig", "psk"], lifetimeSeconds: 3600 };
const PHASE_2: Phase2Offer = {
  suites: DEFAULT_ESP_SUITES(true),
  compress: true,
  mode: "tunnel",
  encapsulation: "none",
  pfsGroup: "modp2048",
  lifetimeSeconds: 28800,
  spis: { esp: 0x1000, ipcomp: 0x2000 },
};
const NAT = {
  hash: (...pieces: readonly Uint8Array[]) => hash("sha1", ...pieces),
  initiatorCookie: new Uint8Array(8).fill(1),
  responderCookie: new Uint8Array(8).fill(2),
  local: { address: address("192.0.2.1"), port: 500 },
  remote: { address: address("192.0.2.2"), port: 500 },
};

function id(text: string): Payload {
  const parsed = parseIdentity(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return encodeIdentity(parsed.value);
}

function message(exchange: number, payloads: readonly Payload[]): Uint8Array<ArrayBuffer> {
  const { initiatorCookie, responderCookie } = NAT;
  const { first, bytes } = encodePayloads(payloads);
  return encodeMessage({ initiatorCookie, responderCookie, exchange, flags: 0, messageId: 0 }, first, bytes);
}

const bytes = (length: number) => new Uint8Array(length).fill(7);

function corpus(): Uint8Array<ArrayBuffer>[] {
  const whole = [
    message(EXCHANGE.IDPROT, [
      offerPhase1(PHASE_1),
      { type: "VID", data: encodeVendorId("dpd") },
      { type: "VID", data: encodeVendorId("fragmentation") },
    ]),
    message(EXCHANGE.IDPROT, [
      { type: "KE", data: bytes(256) },
      { type: "NONCE", data: bytes(16) },
      ...natPayloads(NAT),
    ]),
    message(EXCHANGE.IDPROT, [
      id("@west.example"),
      id("C=CH, O=Example, CN=west"),
      { type: "CERT", encoding: 4, data: bytes(40) },
      { type: "CR", encoding: 4, data: bytes(0) },
      { type: "SIG", data: bytes(128) },
    ]),
    message(EXCHANGE.QUICK, [
      { type: "HASH", data: bytes(20) },
      offerPhase2(PHASE_2),
      { type: "NONCE", data: bytes(16) },
      { type: "NAT-OA", draft: true, idType: 1, data: bytes(4) },
    ]),
    message(EXCHANGE.INFO, [
      { type: "N", doi: 1, protocol: 1, spi: bytes(16), notify: 36136, data: bytes(4) },
      { type: "D", doi: 1, protocol: 3, spis: [bytes(4), bytes(4)] },
    ]),
    message(EXCHANGE.MODE_CFG, [
      {
        type: "ATTR",
        kind: 1,
        identifier: 1,
        attributes: [{ type: 16520, value: 0 }, { type: 16521, value: bytes(4) }],
      },
    ]),
  ];
  return [...whole, ...splitMessage(whole[0], 300)];
}

export class IsakmpFuzzer {
  packets = 0;
  decoded = 0;
  chosen = 0;
  readonly #room: Room;
  readonly #corpus = corpus();
  readonly #reassembly = new Reassembly();

  constructor(readonly chance: Chance) {
    const bytes = new Uint8Array(CAPACITY);
    this.#room = { bytes, view: new DataView(bytes.buffer), at: 0, capacity: CAPACITY };
  }

  step(): void {
    const { chance } = this;
    const { bytes, view } = this.#room;
    const original = chance.pick(this.#corpus);
    bytes.set(original);
    let length = original.length;
    if (!chance.oneIn(16)) length = mutate(this.#room, length, chance, chance.pick(this.#corpus));
    // A true length, more often than not: else nothing gets past the header.
    if (length >= HEADER_BYTES && !chance.oneIn(8)) view.setUint32(24, length);
    this.packets++;
    this.#decode(bytes.slice(0, length));
  }

  finish(): void {
    if (this.packets > 10_000 && (this.decoded === 0 || this.chosen === 0)) {
      throw new Finding("no message was decoded, or nothing chosen, at all");
    }
  }

  #decode(datagram: Uint8Array<ArrayBuffer>): void {
    const header = decodeHeader(datagram);
    if (!header.ok) return;
    const body = datagram.subarray(HEADER_BYTES);
    const decoded = decodePayloads(header.firstPayload, body);
    if (!decoded.ok) return;
    this.decoded++;
    if (decoded.payloads.every(isWhole)) {
      deepEqual(encodePayloads(decoded.payloads).bytes, body.slice(0, decoded.end));
    }
    detectNat(decoded.payloads, NAT);
    for (const payload of decoded.payloads) this.#look(payload);
  }

  #look(payload: ReceivedPayload): void {
    if (payload.type === "SA") this.#choose(payload);
    else if (payload.type === "ID") {
      const identity = decodeIdentity(payload);
      if (identity.ok) encodeIdentity(identity.value);
    } else if (payload.type === "VID") {
      findVendorId(payload.data);
      vendorIdText(payload.data);
    } else if (payload.type === "FRAG") {
      const joined = this.#reassembly.add(payload);
      if (joined.state === "whole") decodeHeader(joined.message);
    }
  }

  #choose(sa: SaPayload): void {
    const phase1 = choosePhase1(sa, PHASE_1);
    if (phase1.ok) {
      this.chosen++;
      const checked = checkPhase1Answer(phase1.answer, PHASE_1);
      if (!checked.ok) throw new Finding(`what was chosen in phase 1 is refused as an answer: ${checked.refused}`);
      deepEqual(checked.suite, phase1.suite);
    }
    modeOffered(sa);
    const { suites, compress: canCompress, mode } = PHASE_2;
    const phase2 = choosePhase2(sa, {
      suites,
      canCompress,
      mode,
      encapsulated: false,
      pfs: true,
      pfsGroups: ["modp2048"],
    });
    if (!phase2.ok) return;
    this.chosen++;
    const checked = checkPhase2Answer(answerPhase2(phase2.proposals, PHASE_2.spis), PHASE_2);
    if (!checked.ok) throw new Finding(`what was chosen in phase 2 is refused as an answer: ${checked.refused}`);
    deepEqual(checked.protocols.map(({ suite }) => suite), phase2.protocols.map(({ suite }) => suite));
  }
}

/** Nothing is left out of the value: flags of fragments, SPIs of no bytes, early numbers, other DOIs. */
function isWhole(payload: ReceivedPayload): boolean {
  if (payload.type === "SA") return payload.doi === DOI.IPSEC && payload.situation === SITUATION.IDENTITY_ONLY;
  return payload.type !== "FRAG" && payload.type !== "D" && !("draft" in payload);
}
