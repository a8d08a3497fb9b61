/** What anybody can send, in any amount: states, lines and answers stay bounded, and honest peers get through. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { DOI, EXCHANGE, NOTIFY, PROTOCOL } from "../../lib/ike/constants.ts";
import { encodeMessage } from "../../lib/ike/header_codec.ts";
import type { Payload } from "../../lib/ike/payload.ts";
import { encodePayloads } from "../../lib/ike/payload_codec.ts";
import { offerPhase1 } from "../../lib/ike/phase1_proposal.ts";
import type { Path } from "../../lib/ike/state.ts";
import { establish, pair, start } from "./_phase1.ts";
import { connection, end, SUITE } from "./_test_host.ts";
import { chance, randomBytes, type Side } from "./_two_engines.ts";

const NO_COOKIE = new Uint8Array(8);

interface Forged {
  readonly exchange?: number;
  readonly initiatorCookie?: Uint8Array;
  readonly responderCookie?: Uint8Array;
  readonly flags?: number;
  readonly messageId?: number;
  readonly payloads?: readonly Payload[];
}

const OFFER = offerPhase1({ suites: [SUITE], auth: ["psk"], lifetimeSeconds: 3600 });

function message(forged: Forged = {}): Uint8Array {
  const { first, bytes } = encodePayloads(forged.payloads ?? [OFFER]);
  return encodeMessage(
    {
      initiatorCookie: forged.initiatorCookie ?? Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
      responderCookie: forged.responderCookie ?? NO_COOKIE,
      exchange: forged.exchange ?? EXCHANGE.IDPROT,
      flags: forged.flags ?? 0,
      messageId: forged.messageId ?? 0,
    },
    first,
    bytes,
  );
}

class Flood {
  readonly #bytes: (count: number) => Uint8Array<ArrayBuffer>;
  received = 0;

  constructor(readonly target: Side, seed = 99) {
    this.#bytes = randomBytes(chance(seed));
    target.host.connections.push(connection("road", end("192.0.2.2", "@east"), end("0.0.0.0", "%any")));
  }

  path(): Path {
    const remote = { family: "inet", bytes: Uint8Array.from([198, 51, ...this.#bytes(2)]) } as const;
    return { local: this.target.address, localPort: 500, remote, remotePort: 500 };
  }

  first(path = this.path()): void {
    this.received++;
    this.target.engine.receive(path, message({ initiatorCookie: this.#bytes(8) }));
  }
}

function halfOpen({ engine }: Side): number {
  return engine.counters().halfOpen;
}

Deno.test("half-open exchanges are bounded: the oldest gives way, and is forgotten", async () => {
  const world = pair({ options: { mostHalfOpen: 20 } });
  const { east } = world;
  const flood = new Flood(east);
  for (let i = 0; i < 1000; i++) flood.first();
  deepEqual([halfOpen(east), east.names.length], [20, 20]);
  equal(east.engine.counters().halfOpenGaveWay, 980);
  deepEqual([...east.engine.states.keys()], Array.from({ length: 20 }, (_, i) => 981 + i));
  equal(east.host.events.filter((event) => event.startsWith("gone")).length, 980);
  await world.pass(75);
  deepEqual([halfOpen(east), east.names.length, world.clock.planned], [0, 0, 0]);
});

Deno.test("a flood gets one answer for each message at most, and no longer one", () => {
  const world = pair();
  const { east } = world;
  const flood = new Flood(east);
  for (let i = 0; i < 100; i++) flood.first();
  equal(east.sent.length, 100);
  const longest = Math.max(...east.sent.map(({ datagram }) => datagram.length));
  ok(longest <= message().length, `MR1 has ${longest} bytes, MI1 ${message().length}`);
});

Deno.test("lines about a flood are few, and how many were left out is said", async () => {
  const world = pair();
  const { east } = world;
  const flood = new Flood(east);
  for (let i = 0; i < 500; i++) flood.first();
  const doubtful = east.host.lines.filter(({ code }) => code < 100);
  ok(doubtful.length <= 20, `${doubtful.length} lines`);
  await world.pass(1.1);
  east.host.lines.length = 0;
  flood.first();
  ok(/^002 \d+ more lines about messages from anybody were left out$/.test(east.host.told[0]), east.host.told[0]);
});

Deno.test("honest peers get through a flood, established ones are not harmed", async () => {
  const world = await establish(pair({ options: { mostHalfOpen: 50 } }));
  const { west, east } = world;
  const flood = new Flood(east);
  for (let i = 0; i < 50; i++) flood.first();
  start(world);
  // Ten strangers for each step of the honest one.
  for (let ms = 0; ms < 10; ms++) {
    for (let i = 0; i < 10; i++) flood.first();
    await world.clock.pass(1);
  }
  deepEqual(west.isakmp.map(({ isEstablished }) => isEstablished), [true, true], world.story);
  equal(east.isakmp.filter(({ isEstablished }) => isEstablished).length, 2);
  const [first] = west.isakmp;
  west.engine.remove(first, true);
  await world.pass(1);
  ok(east.host.events.includes("peer deleted #1"), world.story);
  ok(west.host.lines.length < 60 && east.host.told.includes("004 STATE_MAIN_R3: sent MR3, ISAKMP SA established"));
});

Deno.test("who has shown that it gets our answers does not give way to who has not", async () => {
  const world = pair({ options: { mostHalfOpen: 20 } });
  const { east } = world;
  start(world);
  await world.clock.pass(3);
  deepEqual(east.names, ["MAIN_R2"]);
  const flood = new Flood(east);
  for (let i = 0; i < 1000; i++) flood.first();
  equal(halfOpen(east), 20);
  await world.pass(1);
  ok(world.west.established && east.established);
});

Deno.test("a first message that comes again makes no other state", () => {
  const world = pair();
  const flood = new Flood(world.east);
  const path = flood.path();
  for (let i = 0; i < 100; i++) world.east.engine.receive({ ...path, remotePort: 500 + i }, message());
  deepEqual(world.east.names, ["MAIN_R1"]);
  equal(world.east.sent.length, 3, "the answer, and twice again");
});

Deno.test("another first message with the same cookie makes no other state", () => {
  const world = pair();
  const flood = new Flood(world.east);
  const path = flood.path();
  world.east.engine.receive(path, message());
  world.east.engine.receive(path, message({ payloads: [OFFER, { type: "VID", data: Uint8Array.of(1) }] }));
  deepEqual(world.east.names, ["MAIN_R1"]);
  equal(world.east.engine.counters().lateFirstMessage, 1);
});

Deno.test("a first message with a cookie of our own is not answered", () => {
  const world = pair();
  const { west, east } = world;
  start(world);
  // reflected by somebody
  west.engine.receive(west.pathTo(east), west.sent[0].datagram);
  deepEqual([west.names, west.sent.length], [["MAIN_I1"], 1]);
  equal(west.engine.counters().ownCookie, 1);
});

const REFUSED: [why: string, forged: Forged, text: string, counter: string][] = [
  [
    "a message id in Main Mode",
    { messageId: 0x1234 },
    "002 Message ID was 0x00001234 but should be zero in Main Mode",
    "messageIdNotZero",
  ],
  [
    "an initiator without a cookie",
    { initiatorCookie: NO_COOKIE },
    "002 Initiator Cookie must not be zero in Main Mode message",
    "initiatorCookieZero",
  ],
  [
    "an encrypted first message",
    { flags: 1 },
    "002 initial Main Mode message is invalid: its Encrypted Flag is on",
    "encryptedTooEarly",
  ],
  [
    "cookies that nobody knows",
    { responderCookie: Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 9) },
    "002 Main Mode message is part of an unknown exchange",
    "unknownExchange",
  ],
  [
    "Quick Mode without a message id",
    { exchange: EXCHANGE.QUICK, responderCookie: new Uint8Array(8).fill(9) },
    "002 Quick Mode message is invalid because it has a Message ID of 0",
    "badQuickHeader",
  ],
  [
    "Quick Mode without a responder's cookie",
    { exchange: EXCHANGE.QUICK, messageId: 7 },
    "002 Quick Mode message is invalid because it has a Responder Cookie of 0",
    "badQuickHeader",
  ],
  [
    "Quick Mode under an SA that is not there",
    { exchange: EXCHANGE.QUICK, messageId: 7, responderCookie: new Uint8Array(8).fill(9) },
    "002 Quick Mode message is for a non-existent (expired?) ISAKMP SA",
    "unknownExchange",
  ],
  [
    "an encrypted informational message under an SA that is not there",
    { exchange: EXCHANGE.INFO, messageId: 7, flags: 1, responderCookie: new Uint8Array(8).fill(9) },
    "002 Informational Exchange is for an unknown (expired?) SA",
    "unknownExchange",
  ],
  [
    "an exchange that we do not have",
    { exchange: EXCHANGE.BASE },
    "002 unsupported exchange type ISAKMP_XCHG_BASE in message",
    "unsupportedExchange",
  ],
  [
    "a first message that does not begin with SA",
    { payloads: [{ type: "VID", data: Uint8Array.of(1) }, OFFER] },
    "003 malformed Main Mode message: does not start with an SA payload",
    "payloadsInDisorder",
  ],
  [
    "a first message with two SAs",
    { payloads: [OFFER, OFFER] },
    "003 message ignored because it contains an unexpected payload type (ISAKMP_NEXT_SA)",
    "unexpectedPayload",
  ],
  [
    "a first message with a payload that nobody knows",
    { payloads: [OFFER, { type: "unknown", payloadNumber: 99, data: new Uint8Array(4) }] },
    "003 message ignored because it contains an unknown or unexpected payload type (99??) at the outermost level",
    "unexpectedPayload",
  ],
  [
    "a first message without SA",
    { payloads: [{ type: "VID", data: Uint8Array.of(1) }] },
    "003 message for STATE_MAIN_R0 is missing payloads ISAKMP_NEXT_SA",
    "missingPayload",
  ],
  [
    "a first message that is longer than any honest one",
    { payloads: [OFFER, { type: "VID", data: new Uint8Array(9000) }] },
    "002 initial Main Mode message of 9088 bytes is longer than 8192",
    "firstMessageTooLong",
  ],
  [
    "a first message with 21 payloads",
    { payloads: [OFFER, ...Array.from({ length: 20 }, (): Payload => ({ type: "VID", data: Uint8Array.of(1) }))] },
    "003 malformed payload in packet: more than 20 payloads in message; ignored",
    "malformedPayload",
  ],
];
for (const [why, forged, text, counter] of REFUSED) {
  Deno.test(`refused, and nothing kept: ${why}`, () => {
    const { west, east } = pair();
    east.engine.receive(east.pathTo(west), message(forged));
    const { told } = east.host;
    equal(told.at(-1), text);
    deepEqual(east.names, []);
    equal(east.engine.counters()[counter], 1);
  });
}

Deno.test("refusals that help the peer are said to it, few in a second, and never about a notification", () => {
  const { west, east } = pair();
  const path = east.pathTo(west);
  for (let i = 0; i < 100; i++) east.engine.receive(path, message({ exchange: EXCHANGE.BASE }));
  equal(east.sent.length, 10);
  ok(east.sent.every(({ datagram }) => datagram.length <= message().length));
  const before = east.sent.length;
  const N: Payload = {
    type: "N",
    doi: DOI.IPSEC,
    protocol: PROTOCOL.ISAKMP,
    spi: new Uint8Array(0),
    notify: NOTIFY.INVALID_EXCHANGE_TYPE,
    data: new Uint8Array(0),
  };
  for (let i = 0; i < 5; i++) east.engine.receive(path, message({ exchange: EXCHANGE.INFO, payloads: [N] }));
  equal(east.sent.length, before);
});

Deno.test("a notification in the clear is said, and never obeyed", async () => {
  const world = pair();
  const { west, east } = world;
  start(world);
  await world.clock.pass(2);
  const [{ datagram }] = east.sent;
  const cookies = { initiatorCookie: datagram.slice(0, 8), responderCookie: datagram.slice(8, 16) };
  for (const notify of [NOTIFY.NO_PROPOSAL_CHOSEN, NOTIFY.AUTHENTICATION_FAILED, NOTIFY.IPSEC_INITIAL_CONTACT]) {
    const N: Payload = { type: "N", doi: 1, protocol: 1, spi: new Uint8Array(0), notify, data: new Uint8Array(0) };
    west.engine.receive(west.pathTo(east), message({ ...cookies, exchange: EXCHANGE.INFO, payloads: [N] }));
  }
  const D: Payload = { type: "D", doi: 1, protocol: 1, spis: [datagram.slice(0, 16)] };
  west.engine.receive(west.pathTo(east), message({ ...cookies, exchange: EXCHANGE.INFO, payloads: [D] }));
  ok(west.host.told.includes("003 ignoring informational payload, type NO_PROPOSAL_CHOSEN"), world.story);
  ok(west.host.told.includes("003 ignoring Delete SA payload: not encrypted"), world.story);
  await world.pass(5);
  ok(west.established && east.established);
  west.engine.receive(west.pathTo(east), message({ ...cookies, exchange: EXCHANGE.INFO, payloads: [D] }));
  equal(west.host.told.at(-1), "003 Informational Exchange message for an established ISAKMP SA must be encrypted");
  ok(west.established);
});

Deno.test("a keep-alive is passed over", () => {
  const { west, east } = pair();
  east.engine.receive(east.pathTo(west), Uint8Array.of(0xff));
  deepEqual([east.host.told, east.engine.counters().keepAlives], [[], 1]);
});
