import { deepStrictEqual as deepEqual, equal, ok } from "node:assert/strict";
import { runtimeProvider } from "../../lib/crypto/runtime_provider.ts";
import { DROP_REASONS } from "../../lib/klips/counters.ts";
import type { Provider } from "../../lib/crypto/provider.ts";
import { fuzz } from "./_round.ts";

const PACKETS = 20_000;

function round(packets: number, seed: number, provider: Provider = runtimeProvider) {
  return fuzz(packets, seed, provider, () => {});
}

Deno.test("a short round of spoiled packets and messages breaks no rule", () => {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0];
  const result = round(PACKETS, seed);
  if (!result.ok) throw new Error(`seed ${seed}, packet ${result.packet} (${result.where})`, { cause: result.error });
  const { inbound, outbound, messages, ikeMessages, delivered, sent, decoded, ikeDecoded, ikeChosen, drops } =
    result.report;
  equal(inbound + outbound + messages + ikeMessages, PACKETS);
  ok(delivered > 0 && sent > 0 && decoded > 0 && ikeDecoded > 0 && ikeChosen > 0);
  ok(Object.keys(drops).length > Object.keys(DROP_REASONS).length / 2, `only ${Object.keys(drops)} were met`);
});

Deno.test("a seed repeats its round", () => {
  deepEqual(round(3000, 4711), round(3000, 4711));
});

/** Cryptography that finds everything authentic, as a broken check would. */
const gullible: Provider = {
  ...runtimeProvider,
  cbc: (...args) => runtimeProvider.cbc(...args),
  aead: (...args) => {
    const aead = runtimeProvider.aead(...args);
    return { seal: (...a) => aead.seal(...a), open: (...a) => (aead.open(...a), true), wipe: () => aead.wipe() };
  },
  mac: (...args) => {
    const mac = runtimeProvider.mac(...args);
    return { sign: (...a) => mac.sign(...a), verify: () => true, wipe: () => mac.wipe() };
  },
};

Deno.test("the fuzzer notices where packets are taken for authentic that are not", () => {
  const result = round(PACKETS, 1, gullible);
  ok(!result.ok && /unauthentic|no packet|is none/.test(String(result.error)), String(!result.ok && result.error));
});

/** Cryptography that writes one byte behind the packet. */
const careless: Provider = {
  ...gullible,
  mac: (auth, key, memory) => {
    const mac = runtimeProvider.mac(auth, key, memory);
    return {
      sign: (...a) => mac.sign(...a),
      verify: (at, length, icv) => {
        memory.bytes[at + length + 40] = 1;
        return mac.verify(at, length, icv);
      },
      wipe: () => mac.wipe(),
    };
  },
  aead: (...args) => runtimeProvider.aead(...args),
};

Deno.test("the fuzzer notices where something is written behind a packet", () => {
  const result = round(PACKETS, 1, careless);
  ok(!result.ok && /was written/.test(String(result.error)), String(!result.ok && result.error));
});
