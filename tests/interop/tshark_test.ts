/**
 * What two of ours put on the wire, read by tshark with the keys: the ICV, the padding, the lengths, the packet inside.
 * Debian 12's tshark knows every ESP algorithm of ours but ChaCha20-Poly1305; that one is scapy's to judge.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 ==== captured here ==== 192.0.2.2 east -- sunrise 10.2.0.10
 * ```
 */
import assert from "node:assert/strict";
import { AUTHENTICATORS, type AuthName, type CipherName, CIPHERS, isAead } from "../../lib/crypto/algorithms.ts";
import { type Keying, keyTunnel, splitAlgorithm, startKlips, testKey } from "../../tools/_keying.ts";
import { ADDRESS, type Family, type FourHosts, fourHosts, run } from "../../tools/_net.ts";
import { ipsecHere } from "./_here.ts";
import { testWith } from "./_needs.ts";

/** tshark's names: wireshark's table "ESP SAs". */
const CIPHER_WORDS: Partial<Record<CipherName, string>> = {
  "3des": "TripleDES-CBC [RFC2451]",
  aes128: "AES-CBC [RFC3602]",
  aes192: "AES-CBC [RFC3602]",
  aes256: "AES-CBC [RFC3602]",
  aes128gcm16: "AES-GCM with 16 octet ICV [RFC4106]",
  aes256gcm16: "AES-GCM with 16 octet ICV [RFC4106]",
};
const AUTH_WORDS: Record<AuthName, string> = {
  "md5-96": "HMAC-MD5-96 [RFC2403]",
  "sha1-96": "HMAC-SHA-1-96 [RFC2404]",
  "sha2_256-128": "HMAC-SHA-256-128 [RFC4868]",
  "sha2_384-192": "HMAC-SHA-384-192 [RFC4868]",
  "sha2_512-256": "HMAC-SHA-512-256 [RFC4868]",
};

const SIZES = [0, 1, 56, 1200];
const IP_HEADER: Record<Family, number> = { inet: 20, inet6: 40 };
const ICMP_HEADER = 8;
const PROTOCOL: Record<Family, { ip: number; icmp: number; request: number; reply: number }> = {
  inet: { ip: 4, icmp: 1, request: 8, reply: 0 },
  inet6: { ip: 41, icmp: 58, request: 128, reply: 129 },
};
const UDP_PORT = "4500";

const AUTHS = Object.keys(AUTHENTICATORS) as AuthName[];
const CIPHER_NAMES = Object.keys(CIPHER_WORDS) as CipherName[];
const ESPS = CIPHER_NAMES.flatMap((cipher) => isAead(cipher) ? [cipher] : AUTHS.map((auth) => `${cipher}-${auth}`));
const SOME_ESPS = ["3des-md5-96", "aes192-sha2_384-192", "aes256-sha2_512-256", "aes128gcm16"];

interface Row extends Keying {
  readonly name: string;
}

function* rows(): Generator<Row> {
  for (const esp of ESPS) yield { name: esp, esp };
  for (const ah of AUTHS) yield { name: `AH ${ah}`, ah };
  for (const esp of SOME_ESPS) {
    yield { name: `${esp} in UDP`, esp, natt: true };
    yield { name: `${esp} in UDP over IPv6`, esp, natt: true, outer: "inet6" };
    yield { name: `${esp}, IPv6 in IPv4`, esp, inner: "inet6" };
    yield { name: `${esp}, IPv4 in IPv6`, esp, outer: "inet6", inner: "inet" };
    yield { name: `${esp}, transport`, esp, mode: "transport" };
    yield { name: `${esp}, transport, IPv6`, esp, mode: "transport", outer: "inet6" };
  }
  for (const ah of AUTHS) {
    yield { name: `AH ${ah}, transport`, ah, mode: "transport" };
    yield { name: `AH ${ah}, transport, IPv6`, ah, mode: "transport", outer: "inet6" };
  }
}

/** One SPI for each row and direction; west's is in the capture first. */
const ROWS = [...rows()].map((row, i) => ({ row, toEast: 0x1000 + i, toWest: 0x1100 + i }));

const hex = (spi: number) => `0x${spi.toString(16).padStart(8, "0")}`;

/** A line of the table "ESP SAs". */
function saWords(row: Row, spi: number): string[] {
  if (!row.esp) return [];
  const [cipher, auth] = splitAlgorithm(row.esp) as [CipherName, AuthName | undefined];
  const fields = [
    row.outer === "inet6" ? "IPv6" : "IPv4",
    "*",
    "*",
    hex(spi),
    CIPHER_WORDS[cipher],
    testKey(CIPHERS[cipher].keyBits / 8, spi),
    auth ? AUTH_WORDS[auth] : "NULL",
    auth ? testKey(AUTHENTICATORS[auth].keyBits / 8, spi + 1) : "",
  ];
  return ["-o", `uat:esp_sa:${fields.map((field) => `"${field}"`).join(",")}`];
}

const FIELDS = [
  "esp.spi",
  "esp.sequence",
  "esp.icv_good",
  "esp.sequence-analysis.wrong-sequence-number",
  "esp.pad_len",
  "esp.pad",
  "esp.protocol",
  "ah.spi",
  "ah.sequence",
  "ah.reserved",
  "ah.length",
  "ah.icv",
  "ah.next_header",
  "ip.checksum.status",
  "ip.len",
  "ipv6.plen",
  "icmp.type",
  "icmp.checksum.status",
  "icmpv6.type",
  "icmpv6.checksum.status",
  "udp.dstport",
  "_ws.malformed",
] as const;

type Packet = Record<typeof FIELDS[number], string>;

/** Where a field stands more than once, its values are joined with commas, the outermost first. */
async function dissect(file: string): Promise<Packet[]> {
  const sas = ROWS.flatMap(({ row, toEast, toWest }) => [...saWords(row, toEast), ...saWords(row, toWest)]);
  const checks = ["esp.enable_encryption_decode", "esp.enable_authentication_check", "ip.check_checksum"];
  const printed = await run([
    ...["tshark", "-n", "-r", file, "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=,"],
    ...checks.flatMap((name) => ["-o", `${name}:TRUE`]),
    ...sas,
    ...FIELDS.flatMap((name) => ["-e", name]),
  ]);
  return printed.split("\n").filter(Boolean).map((line) => {
    const values = line.split("\t");
    return Object.fromEntries(FIELDS.map((name, i) => [name, values[i]])) as Packet;
  });
}

const last = (values: string) => Number(values.split(",").at(-1));
const first = (values: string) => Number(values.split(",")[0]);

/** Length of the payload that ESP or AH protects. */
function payloadBytes({ mode, inner, outer }: Row, size: number): number {
  return ICMP_HEADER + size + (mode === "transport" ? 0 : IP_HEADER[inner ?? outer ?? "inet"]);
}

/** Padding as RFC 4303 §2.4 has it by default: 1, 2, 3 and so on, no more than the block needs. */
function paddingFor(blockBytes: number, payload: number): string {
  const length = (blockBytes - (payload + 2) % blockBytes) % blockBytes;
  return Array.from({ length }, (_, i) => (i + 1).toString(16).padStart(2, "0")).join("");
}

function judge(row: Row, packet: Packet, index: number, reply: boolean): void {
  const outer = row.outer ?? "inet", inner = row.inner ?? outer;
  const transport = row.mode === "transport";
  const payload = payloadBytes(row, SIZES[index]);
  const next = transport ? PROTOCOL[inner].icmp : PROTOCOL[inner].ip;
  let overhead: number;
  if (row.esp) {
    const [cipher, auth] = splitAlgorithm(row.esp) as [CipherName, AuthName | undefined];
    const { blockBytes, ivBytes, icvBytes } = CIPHERS[cipher];
    const padding = paddingFor(blockBytes, payload);
    assert.equal(packet["esp.sequence"], `${index + 1}`);
    assert.equal(packet["esp.icv_good"], "1", "the ICV is good");
    assert.equal(packet["esp.sequence-analysis.wrong-sequence-number"], "");
    assert.equal(packet["esp.pad_len"], `${padding.length / 2}`);
    assert.equal(packet["esp.pad"], padding);
    assert.equal(Number(packet["esp.protocol"]), next);
    const icv = auth ? AUTHENTICATORS[auth].icvBytes : icvBytes;
    overhead = 8 + ivBytes + padding.length / 2 + 2 + icv + (row.natt ? 8 : 0);
  } else {
    const { icvBytes } = AUTHENTICATORS[row.ah as AuthName];
    overhead = outer === "inet" ? 12 + icvBytes : (12 + icvBytes + 7) & ~7;
    assert.equal(packet["ah.sequence"], `${index + 1}`);
    assert.equal(Number(packet["ah.reserved"]), 0);
    assert.equal(Number(packet["ah.length"]), overhead / 4 - 2);
    assert.equal(packet["ah.icv"].length / 2, overhead - 12);
    assert.equal(Number(packet["ah.next_header"]), next);
  }
  if (outer === "inet") assert.equal(first(packet["ip.len"]), 20 + overhead + payload);
  else assert.equal(first(packet["ipv6.plen"]), overhead + payload);
  assert.match(packet["ip.checksum.status"], /^(1(,1)*)?$/, "IPv4 header checksums");
  const icmp = inner === "inet" ? "icmp" : "icmpv6";
  assert.equal(last(packet[`${icmp}.type`]), reply ? PROTOCOL[inner].reply : PROTOCOL[inner].request);
  assert.equal(last(packet[`${icmp}.checksum.status`]), 1);
  assert.equal(packet["udp.dstport"], row.natt ? UDP_PORT : "");
  assert.equal(packet["_ws.malformed"], "");
}

async function ping({ sunset, west }: FourHosts, row: Row): Promise<void> {
  const at = ADDRESS[row.inner ?? row.outer ?? "inet"];
  const [host, address] = row.mode === "transport" ? [west, at.east] : [sunset, at.sunrise];
  for (const size of SIZES) await host.pings(address, `-c 1 -W 2 -s ${size}`);
}

testWith(["root", "ping", "tcpdump", "tshark"], "tshark reads what KLIPS sends", async (t) => {
  await using four = await fourHosts();
  for (const host of [four.west, four.east]) await startKlips(host);
  const capture = await four.west.capture("eth0", "esp or ah or udp port 4500");
  for (const { row, toEast } of ROWS) {
    await keyTunnel(four, row, toEast, ipsecHere);
    await ping(four, row);
  }
  const packets = await dissect(await capture.stop());

  for (const { row, toEast, toWest } of ROWS) {
    for (const [where, spi, reply] of [["eastward", toEast, false], ["westward", toWest, true]] as const) {
      await t.step(`${row.name}, ${where}`, () => {
        const field = row.esp ? "esp.spi" : "ah.spi";
        const mine = packets.filter((packet) => Number(packet[field]) === spi);
        assert.equal(mine.length, SIZES.length, "one packet for each ping");
        mine.forEach((packet, index) => judge(row, packet, index, reply));
      });
    }
  }
});
