import { deepEqual } from "node:assert/strict";
import { PROTOCOL } from "../../lib/ike/constants.ts";
import { deletePayloads, judgeDelete, type KnownStates, spiBytes } from "../../lib/ike/delete_payload.ts";
import type { NegotiatedSa } from "../../lib/ike/state.ts";
import { IpsecState } from "../../lib/ike/ipsec_sa.ts";
import { IsakmpState } from "../../lib/ike/isakmp_sa.ts";
import { StateTable } from "../../lib/ike/state_table.ts";
import { address, connection, end, identity } from "./_test_host.ts";

// west 192.0.2.1 === 198.51.100.2 east
const NET = connection("net", end("192.0.2.1", "@west"), end("198.51.100.2", "@east"));
const PATH = { local: address("192.0.2.1"), localPort: 500, remote: address("198.51.100.2"), remotePort: 500 };
const START = { connection: NET, path: PATH, role: "initiator", attempt: 1, replaces: 0 } as const;

function isakmp(number: number, peerId = "@east"): IsakmpState {
  const cookie = new Uint8Array(8).fill(number);
  const sa = new IsakmpState({
    ...START,
    number,
    name: "MAIN_I4",
    exchangeType: 2,
    initiatorCookie: cookie,
    responderCookie: cookie,
  });
  sa.isEstablished = true;
  sa.peerId = identity(peerId);
  return sa;
}

function ipsec(number: number, under: number, protocols: [NegotiatedSa["suite"], number, number][]): IpsecState {
  const sa = new IpsecState({ ...START, number, name: "QUICK_I2", isakmp: under, messageId: number });
  sa.isEstablished = true;
  sa.protocols = protocols.map(([suite, inboundSpi, outboundSpi]) => ({
    suite,
    inboundSpi,
    outboundSpi,
    inboundKeys: {},
    outboundKeys: {},
  }));
  return sa;
}

const ESP = { protocol: "esp", cipher: "aes128gcm16" } as const;
const AH = { protocol: "ah", auth: "sha1-96" } as const;
const ISAKMP = isakmp(1);
const RENEWED = isakmp(2);
const STRANGER = isakmp(3, "@other");
const BOTH = ipsec(4, 1, [[AH, 0x101, 0x201], [ESP, 0x102, 0x202], [{ protocol: "ipcomp" }, 0x103, 0x203]]);
const ORPHAN = ipsec(5, 99, [[ESP, 0x104, 0x204]]);
const TABLE = new StateTable(100);
for (const state of [ISAKMP, RENEWED, STRANGER, BOTH, ORPHAN]) TABLE.add(state);
const KNOWN: KnownStates = {
  states: TABLE.byNumber,
  findByCookies: (initiator, responder) => TABLE.findByCookies(initiator, responder),
};

Deno.test("deletePayloads() names our inbound SPIs, ESP before AH, and nothing of IPCOMP", () => {
  deepEqual(deletePayloads(BOTH), [
    { type: "D", doi: 1, protocol: PROTOCOL.IPSEC_ESP, spis: [spiBytes(0x102)] },
    { type: "D", doi: 1, protocol: PROTOCOL.IPSEC_AH, spis: [spiBytes(0x101)] },
  ]);
});

Deno.test("deletePayloads() names an ISAKMP SA by its cookies, and says nothing of what is not established", () => {
  deepEqual(deletePayloads(ISAKMP), [
    { type: "D", doi: 1, protocol: PROTOCOL.ISAKMP, spis: [new Uint8Array(16).fill(1)] },
  ]);
  deepEqual(deletePayloads(new IpsecState({ ...START, number: 6, name: "QUICK_I1", isakmp: 1, messageId: 6 })), []);
});

const ESP_NOT_FOUND = "ignoring Delete SA payload: PROTO_IPSEC_ESP SA";
/** Under which ISAKMP SA it comes, and which states it means or why it is ignored. */
const JUDGED: [what: string, under: IsakmpState, protocol: number, spis: Uint8Array[], (number | string)[]][] = [
  ["the peer's ESP SPI", ISAKMP, 3, [spiBytes(0x202)], [4]],
  ["the peer's AH SPI", ISAKMP, 2, [spiBytes(0x201)], [4]],
  ["an SPI under another ISAKMP SA of the same two", RENEWED, 3, [spiBytes(0x202)], [4]],
  ["an SPI whose ISAKMP SA has gone", RENEWED, 3, [spiBytes(0x204)], [5]],
  ["several", ISAKMP, 3, [spiBytes(0x202), spiBytes(0x204)], [4, 5]],
  ["an ESP SPI as AH", ISAKMP, 2, [spiBytes(0x202)], [
    "ignoring Delete SA payload: PROTO_IPSEC_AH SA(0x00000202) not found (maybe expired)",
  ]],
  ["our own SPI", ISAKMP, 3, [spiBytes(0x102)], [
    `${ESP_NOT_FOUND}(0x00000102) not found (our SPI - bogus implementation)`,
  ]],
  ["an SPI of somebody else's", STRANGER, 3, [spiBytes(0x202)], [
    `${ESP_NOT_FOUND}(0x00000202) not found (maybe expired)`,
  ]],
  ["an ISAKMP SA", ISAKMP, 1, [new Uint8Array(16).fill(2)], [2]],
  ["an ISAKMP SA that is not there", ISAKMP, 1, [new Uint8Array(16).fill(9)], [
    "ignoring Delete SA payload: ISAKMP SA not found (maybe expired)",
  ]],
  ["an ISAKMP SA of somebody else's", ISAKMP, 1, [new Uint8Array(16).fill(3)], [
    "ignoring Delete SA payload: ISAKMP SA used to convey Delete has different IDs from ISAKMP SA it deletes",
  ]],
  ["nothing", ISAKMP, 3, [], ["ignoring Delete SA payload: no SPI"]],
  ["IPCOMP", ISAKMP, 4, [spiBytes(1)], []],
  ["an unknown protocol", ISAKMP, 9, [spiBytes(1)], ["ignoring Delete SA payload: unknown Protocol ID (9??)"]],
  ["an SPI of 8 bytes", ISAKMP, 3, [new Uint8Array(8)], [
    "ignoring Delete SA payload: bad SPI size (8) for PROTO_IPSEC_ESP",
  ]],
];
for (const [what, under, protocol, spis, want] of JUDGED) {
  Deno.test(`judgeDelete() of ${what}`, () => {
    const judged = judgeDelete(under, { type: "D", doi: 1, protocol, spis }, KNOWN);
    deepEqual(judged.map((one) => "state" in one ? one.state.number : one.ignored), want);
  });
}
