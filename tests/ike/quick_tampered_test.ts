/** Peers that speak Quick Mode under the right keys, and say what must not be said: each is refused in pluto's words. */
import { equal, ok } from "node:assert/strict";
import { NOTIFY, PROTOCOL } from "../../lib/ike/constants.ts";
import type { Payload } from "../../lib/ike/payload.ts";
import { type Given, ipsecSas, keyedWorld, startQuick } from "./_phase2.ts";
import { mapped, tampered, type Tampering, without } from "./_tamper.ts";

const KE: Payload = { type: "KE", data: new Uint8Array(64) } as Payload;

function idOf(idType: number, hex: string, which: 0 | 1) {
  return mapped("ID", (id, i) => i === which ? { ...id, idType, data: Uint8Array.fromHex(hex) } : id);
}

function sa(change: (proposals: Extract<Payload, { type: "SA" }>["proposals"]) => typeof proposals) {
  return mapped("SA", (one) => ({ ...one, proposals: change(one.proposals) }));
}

function replaceSpi(spi: string) {
  return sa((proposals) => proposals.map((proposal) => ({ ...proposal, spi: Uint8Array.fromHex(spi) })));
}

const bytes = (size: number) => new Uint8Array(size).fill(7);
const nonce = (size: number) => (payloads: readonly Payload[]): readonly Payload[] =>
  payloads.map((one) => one.type === "NONCE" ? { type: "NONCE", data: bytes(size) } : one);
const ke = (data: Uint8Array) => (payloads: readonly Payload[]): readonly Payload[] =>
  payloads.map((one) => one.type === "KE" ? { type: "KE", data } : one);
const flipped = (hash: Uint8Array) => hash.map((byte, i) => i === 5 ? byte ^ 1 : byte);
const NO_PFS: Given = { both: { pfs: false } };

/** Who refuses is the responder for QI1 and QI2, the initiator for QR1. */
const CASES: [what: string, Tampering, sentence: string, notify: number, Given?][] = [
  [
    "a wrong HASH(1)",
    { which: "QI1", hash: flipped },
    "received HASH(1) does not match computed value in Quick I1",
    23,
  ],
  [
    "a wrong HASH(2)",
    { which: "QR1", hash: flipped },
    "received HASH(2) does not match computed value in Quick R1",
    23,
  ],
  [
    "a wrong HASH(3)",
    { which: "QI2", hash: flipped },
    "received HASH(3) does not match computed value in Quick I2",
    23,
  ],
  ["no KE", { which: "QI1", payloads: without("KE") }, "missing KE payload in Quick Mode I1 message", 17],
  ["no KE in the answer", { which: "QR1", payloads: without("KE") }, "missing KE payload in Quick Mode R1 message", 17],
  [
    "two KE",
    { which: "QI1", payloads: (all) => [...all, KE] },
    "Quick Mode I1 message contains several KE payloads; we accept at most one",
    17,
  ],
  [
    "KE without a group",
    { which: "QI1", payloads: (all) => [...all, KE] },
    "Quick Mode I1 message KE payload requires a GROUP_DESCRIPTION attribute in SA",
    17,
    NO_PFS,
  ],
  ["a short KE", { which: "QI1", payloads: ke(bytes(63)) }, "KE has 63 byte DH public value; 64 required", 17],
  [
    "a KE that is no point",
    { which: "QI1", payloads: ke(bytes(64)) },
    "KE has a DH public value that is not of ecp256",
    17,
  ],
  [
    "a KE that is no point in the answer",
    { which: "QR1", payloads: ke(bytes(64)) },
    "KE has a DH public value that is not of ecp256",
    17,
  ],
  ["a short nonce", { which: "QI1", payloads: nonce(7) }, "Ni length not between 8 and 256", 16],
  ["a long nonce in the answer", { which: "QR1", payloads: nonce(257) }, "Nr length not between 8 and 256", 16],
  [
    "one ID",
    { which: "QI1", payloads: (all) => all.slice(0, -1) },
    "malformed Quick Mode message: if any ID payload is present, there must be exactly two",
    16,
  ],
  [
    "IDs apart",
    {
      which: "QI1",
      payloads: (all) => [...all.slice(0, -1), { type: "VID", data: bytes(8) } as Payload, all[all.length - 1]],
    },
    "malformed Quick Mode message: the ID payloads are not adjacent",
    16,
  ],
  ["an ID of another type", { which: "QI1", payloads: idOf(2, "6162", 0) }, "unsupported ID type ID_FQDN", 18],
  [
    "a mask with a gap",
    { which: "QI1", payloads: idOf(4, "0a000100ff00ff00", 1) },
    "our client ID payload ID_IPV4_ADDR_SUBNET bad subnet in Quick I1 (impossible mask count)",
    18,
  ],
  [
    "another network of ours in the answer",
    { which: "QR1", payloads: idOf(4, "0a010000ffff0000", 0) },
    "our client ID returned doesn't match my proposal",
    18,
  ],
  [
    "another network of the peer's in the answer",
    { which: "QR1", payloads: idOf(4, "0a020000ffff0000", 1) },
    "peer client ID returned doesn't match my proposal",
    18,
  ],
  [
    "no IDs in the answer",
    { which: "QR1", payloads: without("ID") },
    "IDci, IDcr payloads missing in message but default does not match proposal",
    18,
  ],
  [
    "an SPI that is reserved",
    { which: "QI1", payloads: replaceSpi("000000ff") },
    "IPsec Proposal contains invalid SPI (0xff)",
    11,
  ],
  [
    "an SPI of three bytes",
    { which: "QI1", payloads: replaceSpi("010203") },
    "IPsec Proposal with improper SPI size (3)",
    11,
  ],
  [
    "another protocol",
    { which: "QI1", payloads: sa((all) => all.map((one) => ({ ...one, protocol: PROTOCOL.ISAKMP }))) },
    "unexpected Protocol ID (PROTO_ISAKMP) in IPsec Proposal",
    10,
  ],
  [
    "another DOI",
    { which: "QI1", payloads: mapped("SA", (one) => ({ ...one, doi: 0 })) },
    "Unknown/unsupported DOI ISAKMP_DOI_ISAKMP",
    2,
  ],
  [
    "two transforms in the answer",
    {
      which: "QR1",
      payloads: sa((all) =>
        all.map((one) => ({ ...one, transforms: [one.transforms[0], { ...one.transforms[0], number: 9 }] }))
      ),
    },
    "a single Transform is required in the answer's IPsec SA; found 2",
    15,
  ],
];
for (const [what, tampering, sentence, notify, given] of CASES) {
  Deno.test(`${tampering.which} with ${what} is refused`, async () => {
    const world = await keyedWorld({ ...given, makePhase2: tampered(tampering) });
    startQuick(world.west);
    await world.pass(5);
    const refuser = tampering.which === "QR1" ? world.west : world.east;
    ok(refuser.host.told.includes(`003 ${sentence}`), world.story);
    ok(refuser.host.lines.some(({ code }) => code === 200 + notify), world.story);
    ok(!refuser.host.events.some((event) => event.startsWith("outbound")), world.story);
    await world.pass(300);
    equal(ipsecSas(refuser).length, 0);
  });
}

Deno.test("QR1 that deserts the order of payloads is refused", async () => {
  const payloads = (all: readonly Payload[]) => [all[1], all[0], ...all.slice(2)];
  const world = await keyedWorld({ makePhase2: tampered({ which: "QR1", payloads }) });
  startQuick(world.west);
  await world.pass(5);
  ok(world.west.host.told.includes("003 malformed Quick Mode message: SA payload is in wrong position"), world.story);
});

function lifetimeNotice(seconds: number): Payload {
  const data = new Uint8Array(12);
  const view = new DataView(data.buffer);
  view.setUint32(0, 0x80010001);
  view.setUint32(4, 0x00020004);
  view.setUint32(8, seconds);
  return { type: "N", doi: 1, protocol: 3, spi: bytes(4), notify: NOTIFY.IPSEC_RESPONDER_LIFETIME, data };
}

const LIVES: [said: number, lives: number][] = [[600, 600], [100_000, 28_800], [0, 60]];
for (const [said, lives] of LIVES) {
  Deno.test(`RESPONDER-LIFETIME of ${said} seconds in QR1 makes it ${lives}`, async () => {
    const payloads = (all: readonly Payload[]) => [...all, lifetimeNotice(said)];
    const world = await keyedWorld({ makePhase2: tampered({ which: "QR1", payloads }) });
    startQuick(world.west);
    await world.pass(5);
    const [sa] = ipsecSas(world.west);
    ok(sa.isEstablished, world.story);
    equal(sa.lifetimeSeconds, lives);
  });
}
