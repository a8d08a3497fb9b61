/**
 * Messages of IKE as two other programs read and write them: tshark knows every payload by name, scapy the transforms of
 * phase 1, both ways.
 */
import { deepStrictEqual as deepEqual, equal, ok } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type GroupName, GROUPS } from "../../lib/crypto/dh_groups.ts";
import { EXCHANGE } from "../../lib/ike/constants.ts";
import { splitMessage } from "../../lib/ike/fragments.ts";
import { decodeHeader, encodeMessage } from "../../lib/ike/header_codec.ts";
import { encodeIdentity } from "../../lib/ike/identity_codec.ts";
import type { Payload } from "../../lib/ike/payload.ts";
import { decodePayloads, encodePayloads } from "../../lib/ike/payload_codec.ts";
import { choosePhase1, offerPhase1 } from "../../lib/ike/phase1_proposal.ts";
import { offerPhase2 } from "../../lib/ike/phase2_proposal.ts";
import type { IkeCipherName, IkeHashName, IkeSuite } from "../../lib/ike/suite.ts";
import { encodeVendorId } from "../../lib/ike/vendor_ids.ts";
import { parseIdentity } from "../../lib/text/identity.ts";
import { fileHeader, record } from "../../tools/_capture.ts";
import { ikePacket } from "./_ike_packet.ts";
import { PYTHON, testWith } from "./_needs.ts";

const INITIATOR = Uint8Array.fromHex("0102030405060708");

function message(exchange: number, payloads: readonly Payload[], messageId = 0): Uint8Array<ArrayBuffer> {
  const header = { initiatorCookie: INITIATOR, responderCookie: new Uint8Array(8), exchange, flags: 0, messageId };
  const { first, bytes } = encodePayloads(payloads);
  return encodeMessage(header, first, bytes);
}

function identity(text: string): Payload {
  const id = parseIdentity(text);
  ok(id.ok);
  return encodeIdentity(id.value);
}

// scapy

const CIPHERS: Record<IkeCipherName, { readonly word: string; readonly keyBits: readonly number[] }> = {
  "3des": { word: "3DES-CBC", keyBits: [192] },
  aes: { word: "AES-CBC", keyBits: [128, 192, 256] },
};
const HASHES: Record<IkeHashName, string> = {
  md5: "MD5",
  sha1: "SHA",
  sha2_256: "SHA2-256",
  sha2_384: "SHA2-384",
  sha2_512: "SHA2-512",
};
/** scapy has no names for the curves: their numbers stand for themselves. */
const groupWord = (group: GroupName): string | number =>
  GROUPS[group].kind === "modp" ? `${group.replace("modp", "")}MODPgr` : GROUPS[group].number;

const SUITES: readonly IkeSuite[] = (Object.keys(CIPHERS) as IkeCipherName[]).flatMap((cipher) =>
  CIPHERS[cipher].keyBits.flatMap((keyBits) =>
    (Object.keys(HASHES) as IkeHashName[]).flatMap((hash) =>
      (Object.keys(GROUPS) as GroupName[]).map((group) => ({ cipher, keyBits, hash, group }))
    )
  )
);

type Pair = readonly [name: string, value: string | number];

function words({ cipher, keyBits, hash, group }: IkeSuite, auth: string, lifetimeSeconds: number): Pair[] {
  return [
    ["LifeType", "Seconds"],
    ["LifeDuration", lifetimeSeconds],
    ["Encryption", CIPHERS[cipher].word],
    ["Hash", HASHES[hash]],
    ["Authentication", auth],
    ["GroupDesc", groupWord(group)],
    ...cipher === "aes" ? [["KeyLength", keyBits] as const] : [],
  ];
}

const AUTHS = [
  { auth: "psk", xauth: undefined, word: "PSK" },
  { auth: "rsasig", xauth: undefined, word: "RSA Sig" },
  { auth: "psk", xauth: "initiator", word: "XAUTHInitPreShared" },
  { auth: "psk", xauth: "responder", word: "XAUTHRespPreShared" },
  { auth: "rsasig", xauth: "initiator", word: "XAUTHInitRSA" },
  { auth: "rsasig", xauth: "responder", word: "XAUTHRespRSA" },
] as const;

interface Answer {
  readonly read: {
    readonly exchange: number;
    readonly id: number;
    readonly length: number;
    readonly payloads: readonly (readonly [name: string, lengthBytes: number])[];
    readonly transforms: readonly (readonly Pair[])[];
  }[];
  readonly write: string[];
}

async function askScapy(
  read: readonly Uint8Array[],
  write: readonly (readonly (readonly Pair[])[])[],
): Promise<Answer> {
  const script = fileURLToPath(new URL("_isakmp.py", import.meta.url));
  const python = new Deno.Command(PYTHON, { args: [script], stdin: "piped", stdout: "piped", stderr: "piped" }).spawn();
  const writer = python.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify({ read: read.map((one) => one.toHex()), write })));
  await writer.close();
  const { success, stdout, stderr } = await python.output();
  const text = new TextDecoder();
  if (!success) throw new Error(`scapy failed: ${text.decode(stderr)}`);
  return JSON.parse(text.decode(stdout));
}

const LIVES = [3600, 65535, 65536, 86400];
/** In one message; scapy reads each transform inside of the one before it, and cannot go deeper than Python. */
const MOST_TRANSFORMS = 40;
const CHUNKS = Array.from(
  { length: Math.ceil(SUITES.length / MOST_TRANSFORMS) },
  (_, i) => SUITES.slice(i * MOST_TRANSFORMS, (i + 1) * MOST_TRANSFORMS),
);

testWith(["scapy"], "scapy reads the proposals that we write, and we read those that it writes", async (t) => {
  const offers = AUTHS.flatMap((auth) => LIVES.flatMap((life) => CHUNKS.map((suites) => ({ ...auth, life, suites }))));
  const ours = offers.map(({ auth, xauth, life, suites }) =>
    message(EXCHANGE.IDPROT, [
      offerPhase1({ suites, auth: [auth], lifetimeSeconds: life, xauth }),
      { type: "VID", data: encodeVendorId("dpd") },
    ])
  );
  // For what it has no names scapy writes nothing.
  const written = SUITES.filter(({ group }) => GROUPS[group].kind === "modp");
  const answer = await askScapy(ours, written.map((suite) => [words(suite, "PSK", 86400)]));

  await t.step("ours", () => {
    for (const [i, { word, life, suites }] of offers.entries()) {
      const { exchange, id, length, payloads, transforms } = answer.read[i];
      deepEqual([exchange, id, length], [EXCHANGE.IDPROT, 0, ours[i].length]);
      deepEqual(payloads, [["ISAKMP SA", ours[i].length - 28 - 20], ["ISAKMP Vendor ID", 20]]);
      deepEqual(transforms, suites.map((suite) => words(suite, word, life)));
    }
  });
  await t.step("scapy's", () => {
    for (const [i, suite] of written.entries()) {
      const bytes = Uint8Array.fromHex(answer.write[i]);
      const header = decodeHeader(bytes);
      ok(header.ok);
      deepEqual(header.header.initiatorCookie, INITIATOR);
      const decoded = decodePayloads(header.firstPayload, bytes.subarray(28));
      ok(decoded.ok, answer.write[i]);
      deepEqual(decoded.payloads.map(({ type }) => type), ["SA", "VID"]);
      const [sa] = decoded.payloads;
      ok(sa.type === "SA");
      const choice = choosePhase1(sa, { suites: SUITES, auth: ["psk"] });
      ok(choice.ok);
      deepEqual([choice.suite, choice.lifetimeSeconds], [suite, 86400]);
      // What was chosen goes back as it came, whoever has written it.
      const { first, bytes: again } = encodePayloads(decoded.payloads);
      deepEqual([first, again], [header.firstPayload, bytes.slice(28)]);
    }
  });
});

// tshark

interface Row {
  readonly name: string;
  readonly message: Uint8Array;
  /** Lines of `tshark -V`, in this order, among others. */
  readonly lines: readonly string[];
}

const SPIS = { esp: 0x12345678, ah: 0x9abcdef0, ipcomp: 0x1234 };
const LIFE = { lifetimeSeconds: 28800 };

const ROWS: readonly Row[] = [
  {
    name: "a first message",
    message: message(EXCHANGE.IDPROT, [
      offerPhase1({
        suites: [{ cipher: "aes", keyBits: 256, hash: "sha2_256", group: "modp2048" }],
        auth: ["psk"],
        lifetimeSeconds: 86400,
      }),
      { type: "VID", data: encodeVendorId("rfc3947") },
      { type: "VID", data: encodeVendorId("draft02n") },
      { type: "VID", data: encodeVendorId("dpd") },
      { type: "VID", data: encodeVendorId("xauth") },
    ]),
    lines: [
      "Initiator SPI: 0102030405060708",
      "Next payload: Security Association (1)",
      "Exchange type: Identity Protection (Main Mode) (2)",
      "Domain of interpretation: IPSEC (1)",
      "Payload: Proposal (2) # 0",
      "Protocol ID: ISAKMP (1)",
      "Transform ID: KEY_IKE (1)",
      "IKE Attribute (t=12,l=4): Life-Duration: 86400",
      "IKE Attribute (t=1,l=2): Encryption-Algorithm: AES-CBC",
      "IKE Attribute (t=2,l=2): Hash-Algorithm: SHA2-256",
      "IKE Attribute (t=3,l=2): Authentication-Method: Pre-shared key",
      "IKE Attribute (t=4,l=2): Group-Description: 2048 bit MODP group",
      "IKE Attribute (t=14,l=2): Key-Length: 256",
      "Vendor ID: RFC 3947 Negotiation of NAT-Traversal in the IKE",
      "Vendor ID: draft-ietf-ipsec-nat-t-ike-02\\n",
      "Vendor ID: RFC 3706 DPD (Dead Peer Detection)",
      "Vendor ID: XAUTH",
    ],
  },
  {
    name: "Quick Mode with AH, ESP and IPCOMP, in UDP",
    message: message(EXCHANGE.QUICK, [
      { type: "HASH", data: new Uint8Array(32).fill(1) },
      offerPhase2({
        suites: [{ protocol: "esp", cipher: "aes128", auth: "sha2_512-256" }, { protocol: "ah", auth: "sha1-96" }],
        compress: true,
        mode: "tunnel",
        encapsulation: "rfc",
        pfsGroup: "ecp256",
        ...LIFE,
        spis: SPIS,
      }),
      { type: "NONCE", data: new Uint8Array(16).fill(2) },
      { type: "KE", data: new Uint8Array(64).fill(3) },
      { type: "ID", idType: 4, protocol: 6, port: 80, data: Uint8Array.of(10, 1, 0, 0, 255, 255, 0, 0) },
      { type: "ID", idType: 1, protocol: 0, port: 0, data: Uint8Array.of(10, 2, 0, 1) },
      { type: "NAT-OA", idType: 1, data: Uint8Array.of(10, 1, 0, 1) },
    ], 0x12345678),
    lines: [
      "Exchange type: Quick Mode (32)",
      "Message ID: 0x12345678",
      "Payload: Hash (8)",
      "Payload: Proposal (2) # 0",
      "Protocol ID: IPSEC_AH (2)",
      "SPI: 9abcdef0",
      "Transform ID: SHA (3)",
      "Authentication Algorithm: HMAC-SHA (2)",
      "Payload: Proposal (2) # 0",
      "Protocol ID: IPSEC_ESP (3)",
      "SPI: 12345678",
      "Transform ID: AES (12)",
      "IPsec Attribute (t=3,l=2): Group-Description: 256-bit random ECP group",
      "IPsec Attribute (t=4,l=2): Encapsulation-Mode: UDP-Encapsulated-Tunnel",
      "IPsec Attribute (t=2,l=2): SA-Life-Duration: 28800",
      "IPsec Attribute (t=5,l=2): Authentication-Algorithm: HMAC-SHA2-512",
      "IPsec Attribute (t=6,l=2): Key-Length: 128",
      "Protocol ID: IPCOMP (4)",
      "SPI: 1234",
      "Transform ID: DEFLATE (2)",
      "Payload: Proposal (2) # 1",
      "Payload: Nonce (10)",
      "Payload: Key Exchange (4)",
      "ID type: IPV4_ADDR_SUBNET (4)",
      "Protocol ID: TCP (6)",
      "Port: 80",
      "Identification Data:10.1.0.0/255.255.0.0",
      "ID type: IPV4_ADDR (1)",
      "Identification Data:10.2.0.1",
      "Payload: NAT-OA (RFC 3947) (21)",
    ],
  },
  {
    name: "identities, certificates, signatures and NAT",
    message: message(EXCHANGE.IDPROT, [
      identity("@west.example"),
      identity("user@west.example"),
      identity("2001:db8::1"),
      identity("C=CH, O=Example, CN=west"),
      { type: "CR", encoding: 4, data: new Uint8Array() },
      { type: "SIG", data: new Uint8Array(128) },
      { type: "NAT-D", data: new Uint8Array(20) },
      { type: "NAT-D", draft: true, data: new Uint8Array(20) },
    ]),
    lines: [
      "ID type: FQDN (2)",
      "Identification Data:west.example",
      "ID type: USER_FQDN (3)",
      "Identification Data:user@west.example",
      "ID type: IPV6_ADDR (5)",
      "ID_IPV6_ADDR: 2001:db8::1",
      "ID type: DER_ASN1_DN (9)",
      "rdnSequence: 3 items (id-at-commonName=west,id-at-organizationName=Example,id-at-countryName=CH)",
      "Certificate Type: X.509 Certificate - Signature (4)",
      "Payload: Signature (9)",
      "Payload: NAT-D (RFC 3947) (20)",
      "Payload: NAT-D (draft-ietf-ipsec-nat-t-ike-01 to 03) (130)",
    ],
  },
  {
    name: "notifications and deletes",
    message: message(EXCHANGE.INFO, [
      { type: "HASH", data: new Uint8Array(20).fill(1) },
      {
        type: "N",
        doi: 1,
        protocol: 1,
        spi: new Uint8Array(16).fill(9),
        notify: 36136,
        data: Uint8Array.of(0, 0, 0, 7),
      },
      { type: "N", doi: 1, protocol: 3, spi: new Uint8Array(4), notify: 14, data: new Uint8Array() },
      { type: "D", doi: 1, protocol: 3, spis: [Uint8Array.of(1, 2, 3, 4), Uint8Array.of(5, 6, 7, 8)] },
    ], 1),
    lines: [
      "Exchange type: Informational (5)",
      "SPI Size: 16",
      "Notify Message Type: R-U-THERE (36136)",
      "DPD ARE-YOU-THERE sequence: 7",
      "Notify Message Type: NO-PROPOSAL-CHOSEN (14)",
      "Payload: Delete (12)",
      "Protocol ID: IPSEC_ESP (3)",
      "Number of SPIs: 2",
      "Delete SPI: 01020304",
      "Delete SPI: 05060708",
    ],
  },
  {
    name: "Mode Config and XAUTH",
    message: message(EXCHANGE.MODE_CFG, [
      {
        type: "ATTR",
        kind: 1,
        identifier: 77,
        attributes: [
          { type: 16520, value: 0 },
          { type: 16521, value: new TextEncoder().encode("fred") },
          { type: 1, value: new Uint8Array() },
        ],
      },
    ], 2),
    lines: [
      "Exchange type: Transaction (Config Mode) (6)",
      "Payload: Attributes (14)",
      "Type: ISAKMP_CFG_REQUEST (1)",
      "Identifier: 77",
      "Config Attribute (t=16520,l=2): XAUTH_TYPE: Generic",
      "Config Attribute (t=16521,l=4): XAUTH_USER_NAME: fred",
      "Config Attribute (t=1,l=0): INTERNAL_IP4_ADDRESS",
    ],
  },
  {
    name: "a fragment",
    message: splitMessage(message(EXCHANGE.IDPROT, [{ type: "NONCE", data: new Uint8Array(250) }]), 200)[1],
    lines: [
      "Exchange type: Identity Protection (Main Mode) (2)",
      "Payload: Cisco-Fragmentation (132)",
      "Frag ID: 0x0001",
      "Frag seq: 2",
      "Frag last: Last fragment (1)",
    ],
  },
];

testWith(["tshark"], "tshark finds in our messages what we have put in", async (t) => {
  const file = await Deno.makeTempFile({ suffix: ".pcap" });
  try {
    const parts = [fileHeader(), ...ROWS.map((row) => record(ikePacket(row.message), 0))];
    await Deno.writeFile(file, new Blob(parts as Uint8Array<ArrayBuffer>[]).stream());
    const { stdout } = await new Deno.Command("tshark", { args: ["-r", file, "-V"], stderr: "null" }).output();
    const frames = new TextDecoder().decode(stdout).split(/^Frame \d+:.*$/m).slice(1);
    equal(frames.length, ROWS.length);
    for (const [i, { name, lines }] of ROWS.entries()) {
      await t.step(name, () => {
        ok(!frames[i].includes("Malformed"), frames[i]);
        const shown = frames[i].split("\n").map((line) => line.trim());
        let at = 0;
        for (const line of lines) {
          const found = shown.indexOf(line, at);
          ok(found >= 0, `no line "${line}" in the rest:\n${shown.slice(at).join("\n")}`);
          at = found + 1;
        }
      });
    }
  } finally {
    await Deno.remove(file);
  }
});
