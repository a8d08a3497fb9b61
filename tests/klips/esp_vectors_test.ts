/** The engine opens the specifications' ESP packets, and seals the same ones from their IV and sequence number. */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { type AeadName, type CbcName, CIPHERS, isAead } from "../../lib/crypto/algorithms.ts";
import { nobleProvider } from "../../lib/crypto/noble_provider.ts";
import { runtimeProvider } from "../../lib/crypto/runtime_provider.ts";
import { type EspTransform, Sa } from "../../lib/klips/sa.ts";
import { ReplayWindow } from "../../lib/packet/replay_window.ts";
import { SA_PROTOCOLS } from "../../lib/text/sa_id.ts";
import { libcryptoIfThere } from "../ffi/_libcrypto.ts";
import { ESP_VECTORS, type EspVector } from "./_esp_vectors.ts";
import { address, Gateway, ipHeader } from "./_gateway.ts";

const WEST = "192.0.2.1", EAST = "192.0.2.2";
const ICMP = 1, ESP = 50;
const IP_HEADER = 20, ESP_HEADER = 8;
const WINDOW = 64;

/** Our packets are never without an ICV; RFC 3602's are, so it comes after them. */
const AUTH = "sha2_256-128", AUTH_KEY = Uint8Array.from({ length: 32 }, (_, i) => i), ICV_BYTES = 16;

function withIcv({ cipher, esp }: EspVector): Uint8Array {
  const bytes = Uint8Array.fromHex(esp);
  if (isAead(cipher)) return bytes;
  const icv = createHmac("sha256", AUTH_KEY).update(bytes).digest().subarray(0, ICV_BYTES);
  return Uint8Array.from([...bytes, ...icv]);
}

/** The vector's SA: the IV and the sequence number of its packet are the next ones. */
function transformOf({ memory, provider }: Gateway, { cipher, key: hex, esp }: EspVector): EspTransform {
  const { ivBytes, blockBytes, icvBytes, saltBytes } = CIPHERS[cipher];
  const bytes = Uint8Array.fromHex(hex);
  const key = bytes.slice(0, bytes.length - saltBytes);
  const aead = isAead(cipher);
  return {
    kind: "esp",
    cipher,
    auth: aead ? undefined : AUTH,
    aead: aead ? provider.aead(cipher as AeadName, key, memory) : undefined,
    cbc: aead ? undefined : provider.cbc(cipher as CbcName, key, memory),
    mac: aead ? undefined : provider.mac(AUTH, AUTH_KEY, memory),
    salt: bytes.slice(key.length),
    iv: Uint8Array.fromHex(esp).slice(ESP_HEADER, ESP_HEADER + ivBytes),
    ivBytes,
    blockBytes,
    icvBytes: aead ? icvBytes : ICV_BYTES,
  };
}

/** A gateway that has the vector's SA, and the number before the vector's as the last one sent and received. */
function gatewayOf(own: string, provider: Gateway["provider"], vector: EspVector): Gateway {
  const gateway = new Gateway([own], provider);
  const head = new DataView(Uint8Array.fromHex(vector.esp).buffer);
  const [spi, low] = [head.getUint32(0), head.getUint32(4)];
  const before = { low: low - 1 >>> 0, high: (vector.high ?? 0) - (low === 0 ? 1 : 0) };
  const replay = new ReplayWindow(WINDOW);
  Object.assign(replay, before);
  const sa = new Sa({
    id: { protocol: SA_PROTOCOLS.esp, spi, destination: address(EAST) },
    source: address(WEST),
    inbound: own === EAST,
    transform: transformOf(gateway, vector),
    replay,
    esn: vector.high !== undefined,
    udp: undefined,
    ref: 1,
  });
  sa.sequenceLow = before.low;
  sa.sequenceHigh = before.high;
  assert.ok(gateway.engine.sad.install(sa));
  let said = `esp.${spi.toString(16)}@${EAST}`;
  if (vector.mode === "tunnel") {
    said = `tun.1000@${EAST}`;
    gateway.group(gateway.sa(said, WEST, "ipip"), sa);
  }
  if (own === WEST) gateway.eroute("0.0.0.0/0", "0.0.0.0/0", said);
  return gateway;
}

/** What is protected: the payload itself in tunnel mode, else behind an IP header from west to east. */
function plainOf({ mode, payload }: EspVector): Uint8Array {
  const bytes = Uint8Array.fromHex(payload);
  return mode === "tunnel" ? bytes : packet(ICMP, bytes);
}

function packet(protocol: number, payload: Uint8Array): Uint8Array {
  return Uint8Array.from([
    ...ipHeader(address(WEST).bytes, address(EAST).bytes, protocol, payload.length),
    ...payload,
  ]);
}

for (const provider of [libcryptoIfThere(), runtimeProvider, nobleProvider]) {
  if (!provider) continue;
  for (const vector of ESP_VECTORS) {
    Deno.test(`the engine with ${provider.name} seals the packet of ${vector.from}`, () => {
      const west = gatewayOf(WEST, provider, vector);
      west.route(plainOf(vector));
      assert.equal(west.sent.length, 1, JSON.stringify(west.device.counters));
      assert.equal(west.sent[0].bytes.subarray(IP_HEADER).toHex(), withIcv(vector).toHex());
    });

    Deno.test(`the engine with ${provider.name} opens the packet of ${vector.from}, once`, () => {
      const east = gatewayOf(EAST, provider, vector);
      const bytes = packet(ESP, withIcv(vector));
      for (let time = 0; time < 2; time++) east.receive({ bytes, udp: undefined });
      assert.deepEqual(east.delivered.map((delivered) => delivered.toHex()), [plainOf(vector).toHex()]);
    });
  }
}
