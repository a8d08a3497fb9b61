/** ESP of ours taken apart by the openssl(1) command alone: the ICV is its HMAC, the text decrypts to the ping. */
import assert from "node:assert/strict";
import { AUTHENTICATORS, type AuthName, type CbcName, CIPHERS } from "../../lib/crypto/algorithms.ts";
import { keyTunnel, splitAlgorithm, startKlips, testKey } from "../../tools/_keying.ts";
import { ADDRESS, fourHosts, type Host } from "../../tools/_net.ts";
import { ipsecHere } from "./_here.ts";
import { testWith } from "./_needs.ts";

const CIPHER_WORDS: Record<CbcName, string> = {
  "3des": "des-ede3-cbc",
  aes128: "aes-128-cbc",
  aes192: "aes-192-cbc",
  aes256: "aes-256-cbc",
};
const DIGEST_WORDS: Record<AuthName, string> = {
  "md5-96": "MD5",
  "sha1-96": "SHA1",
  "sha2_256-128": "SHA256",
  "sha2_384-192": "SHA384",
  "sha2_512-256": "SHA512",
};
/** Every cipher and every authenticator. */
const ALGORITHMS = [
  "3des-md5-96",
  "aes128-sha1-96",
  "aes192-sha2_256-128",
  "aes256-sha2_384-192",
  "aes256-sha2_512-256",
];

const SPI = 0x1000;
const PCAP_HEADER = 24, RECORD_HEADER = 16, ETHERNET_HEADER = 14, IP_HEADER = 20, ESP_HEADER = 8;
const IPIP = 4, ICMP = 1;

/** The packets of a capture file, without their Ethernet headers. */
function packetsOf(file: string): Uint8Array[] {
  const bytes = Deno.readFileSync(file);
  const view = new DataView(bytes.buffer);
  const packets: Uint8Array[] = [];
  for (let at = PCAP_HEADER; at < bytes.length;) {
    const length = view.getUint32(at + 8, true);
    at += RECORD_HEADER;
    packets.push(bytes.subarray(at + ETHERNET_HEADER, at + length));
    at += length;
  }
  return packets;
}

/** Runs openssl on bytes; @returns what it printed, as bytes */
async function openssl(
  host: Host,
  input: Uint8Array,
  words: (...files: ["-in", string, "-out", string]) => string[],
): Promise<Uint8Array> {
  const file = `${host.directory}/openssl.in`, out = `${host.directory}/openssl.out`;
  Deno.writeFileSync(file, input);
  await host.run(["openssl", ...words("-in", file, "-out", out)]);
  return Deno.readFileSync(out);
}

testWith(["root", "ping", "tcpdump", "openssl"], "openssl verifies and decrypts what KLIPS sends", async (t) => {
  await using four = await fourHosts();
  for (const host of [four.west, four.east]) await startKlips(host);
  const { west, sunset } = four;
  for (const [index, algorithm] of ALGORITHMS.entries()) {
    await t.step(algorithm, async () => {
      const spi = SPI + index;
      await keyTunnel(four, { esp: algorithm }, spi, ipsecHere);
      const capture = await west.capture("eth0", "esp and dst 192.0.2.2");
      await sunset.pings(ADDRESS.inet.sunrise, "-c 1 -W 2 -p a5");
      const [packet] = packetsOf(await capture.stop());

      const [cipher, auth] = splitAlgorithm(algorithm) as [CbcName, AuthName];
      const { keyBits, ivBytes } = CIPHERS[cipher];
      const { icvBytes, keyBits: authKeyBits } = AUTHENTICATORS[auth];
      const esp = packet.subarray(IP_HEADER, packet.length - icvBytes);
      const hex = (bits: number, seed: number) => testKey(bits / 8, seed).slice(2);
      const hmac = await openssl(west, esp, (...files) => {
        const key = `hexkey:${hex(authKeyBits, spi + 1)}`;
        return ["mac", "-binary", "-digest", DIGEST_WORDS[auth], "-macopt", key, ...files, "HMAC"];
      });
      assert.equal(packet.subarray(packet.length - icvBytes).toHex(), hmac.subarray(0, icvBytes).toHex(), "ICV");

      const iv = esp.subarray(ESP_HEADER, ESP_HEADER + ivBytes).toHex();
      const text = await openssl(west, esp.subarray(ESP_HEADER + ivBytes), (...files) => {
        return ["enc", "-d", `-${CIPHER_WORDS[cipher]}`, "-nopad", "-K", hex(keyBits, spi), "-iv", iv, ...files];
      });
      const [padding, next] = text.subarray(-2);
      const inner = text.subarray(0, text.length - 2 - padding);
      assert.equal(next, IPIP);
      assert.equal(
        new DataView(inner.buffer, inner.byteOffset).getUint16(2),
        inner.length,
        "length of the packet inside",
      );
      assert.equal(inner[9], ICMP);
      assert.match(inner.toHex(), /(a5){40}$/);
    });
  }
});
